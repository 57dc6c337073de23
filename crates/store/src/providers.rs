//! Provider connections. The credential goes in sealed, comes out only for the gateway, and is bound to its place.

use domain::access::Grant;
use domain::api_keys::Secret;
use domain::ids::{OrganizationId, ProviderId};
use domain::page::{Order, Page, PageRequest};
use domain::providers::{ProviderConnection, ProviderKind};
use domain::time::Timestamp;

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::secrets::{Aad, Secrets};
use crate::{Store, args};

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, name, kind, base_url, credential, credential_version, models, project_ids, \
             contract_owner, created_at, removed_at from providers where organization_id = $1 ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<ProviderConnection> {
    let optional = |column: &str| -> Result<Option<serde_json::Value>> {
        row.opt_text(column)?.map(|_| row.json(column)).transpose()
    };
    let corrupt = |error: serde_json::Error| Error::Corrupt(error.to_string());
    Ok(ProviderConnection {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        name: row.text("name")?,
        kind: row.word("kind", |word| ProviderKind::parse(word).ok())?,
        base_url: row.text("base_url")?,
        models: optional("models")?.map(serde_json::from_value).transpose().map_err(corrupt)?,
        project_ids: optional("project_ids")?.map(serde_json::from_value).transpose().map_err(corrupt)?,
        contract_owner: row.text("contract_owner")?,
        created_at: row.time("created_at")?,
        removed_at: row.opt_time("removed_at")?,
    })
}

/// The attached connections of the grant's organization.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn list_providers(
    store: &Store,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<ProviderConnection>> {
    let args =
        args![grant.organization_id(), page.after.clone().unwrap_or_default(), page.limit.saturating_add(1),];
    let rows = match page.order {
        Order::Ascending => {
            store.rows(columns!("and removed_at is null and id > $2 order by id limit $3"), args).await?
        }
        Order::Descending => {
            let sql = columns!("and removed_at is null and ($2 = '' or id < $2) order by id desc limit $3");
            store.rows(sql, args).await?
        }
    };
    Ok(Page::from_read(rows.iter().map(read).collect::<Result<_>>()?, page.limit))
}

/// One attached connection of the grant's organization.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn provider(store: &Store, grant: &Grant, id: ProviderId) -> Result<ProviderConnection> {
    let sql = columns!("and id = $2 and removed_at is null");
    let row = store.row(sql, args![grant.organization_id(), id]).await?;
    row.as_ref().map_or(Err(Error::not_found("provider")), read)
}

/// The attached connections with their credentials in the clear: for the gateway's snapshot alone.
///
/// # Errors
/// `Unavailable` when the database is away, `Corrupt` when a credential does not open.
pub async fn providers_of(
    store: &Store,
    grant: &Grant,
    secrets: &Secrets,
) -> Result<Vec<(ProviderConnection, Option<Secret>)>> {
    let sql = columns!("and removed_at is null order by id");
    let rows = store.rows(sql, args![grant.organization_id()]).await?;
    rows.iter()
        .map(|row| {
            let connection = read(row)?;
            let credential = open(row, &connection, secrets)?;
            Ok((connection, credential))
        })
        .collect()
}

fn open(row: &Row, connection: &ProviderConnection, secrets: &Secrets) -> Result<Option<Secret>> {
    let version = row.int("credential_version")?;
    if version == 0 {
        return Ok(None);
    }
    let place = Place::of(connection);
    let plain = secrets.open(place.aad(version), &row.bytes("credential")?)?;
    let text = std::str::from_utf8(&plain).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(Some(Secret::new(text.to_owned())))
}

struct Place {
    organization: String,
    row: String,
}

impl Place {
    fn of(connection: &ProviderConnection) -> Self {
        Self { organization: connection.organization_id.to_string(), row: connection.id.to_string() }
    }

    fn aad(&self, version: i64) -> Aad<'_> {
        Aad { organization: &self.organization, table: "providers", row: &self.row, version }
    }
}

fn name_taken(error: Error) -> Error {
    if !error.is_conflict("already_exists") {
        return error;
    }
    Error::Conflict {
        code: "provider_name_taken",
        message: "Another provider connection of this organization has this name.".to_owned(),
    }
}

fn lists(connection: &ProviderConnection) -> (Option<String>, Option<String>) {
    let models = connection.models.clone().map(|models| serde_json::Value::from(models).to_string());
    let projects = connection.project_ids.as_ref().map(|projects| {
        let texts: Vec<String> = projects.iter().map(ToString::to_string).collect();
        serde_json::Value::from(texts).to_string()
    });
    (models, projects)
}

/// Attaches a connection.
///
/// # Errors
/// `Conflict` with `provider_name_taken`.
pub async fn insert_provider(
    change: &mut Change,
    secrets: &Secrets,
    connection: &ProviderConnection,
    credential: Option<&Secret>,
) -> Result<()> {
    let (models, projects) = lists(connection);
    let version = i64::from(credential.is_some());
    let place = Place::of(connection);
    let sealed = credential
        .map(|credential| secrets.seal(place.aad(version), credential.reveal().as_bytes()))
        .transpose()?;
    let inserted = change
        .run(
            "insert into providers (id, organization_id, name, kind, base_url, credential, credential_version, \
             models, project_ids, contract_owner, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            args![
                connection.id,
                connection.organization_id,
                &connection.name,
                connection.kind.name(),
                &connection.base_url,
                sealed,
                version,
                models,
                projects,
                &connection.contract_owner,
                connection.created_at,
            ],
        )
        .await;
    inserted.map(|_| ()).map_err(name_taken)
}

/// Changes a connection; with a credential, that too.
///
/// # Errors
/// `NotFound` when it is gone; `Conflict` with `provider_name_taken`.
pub async fn update_provider(
    change: &mut Change,
    secrets: &Secrets,
    connection: &ProviderConnection,
    credential: Option<&Secret>,
) -> Result<()> {
    let (models, projects) = lists(connection);
    let row = change
        .row(
            "update providers set name = $3, base_url = $4, models = $5, project_ids = $6, contract_owner = $7 \
             where organization_id = $1 and id = $2 and removed_at is null returning credential_version",
            args![
                connection.organization_id,
                connection.id,
                &connection.name,
                &connection.base_url,
                models,
                projects,
                &connection.contract_owner,
            ],
        )
        .await
        .map_err(name_taken)?
        .ok_or(Error::not_found("provider"))?;
    let Some(credential) = credential else { return Ok(()) };
    let version = row.int("credential_version")? + 1;
    let sealed = secrets.seal(Place::of(connection).aad(version), credential.reveal().as_bytes())?;
    change
        .run(
            "update providers set credential = $2, credential_version = $3 where id = $1",
            args![connection.id, sealed, version],
        )
        .await?;
    Ok(())
}

/// Removes a connection and forgets its credential.
///
/// # Errors
/// `NotFound` when it is gone already.
pub async fn remove_provider(
    change: &mut Change,
    organization_id: OrganizationId,
    id: ProviderId,
    at: Timestamp,
) -> Result<()> {
    let removed = change
        .run(
            "update providers set removed_at = $3, credential = null, credential_version = 0 \
             where organization_id = $1 and id = $2 and removed_at is null",
            args![organization_id, id, at],
        )
        .await?;
    (removed == 1).then_some(()).ok_or(Error::not_found("provider"))
}
