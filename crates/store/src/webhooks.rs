//! Webhooks as they were made, and their sealed secrets.

use domain::access::Grant;
use domain::ids::{OrganizationId, WebhookId};
use domain::messages::{EventType, Webhook, WebhookSecret};
use domain::page::{Page, PageRequest};
use domain::time::Timestamp;

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::secrets::{Aad, Secrets};
use crate::{Store, args};

const WHAT: &str = "webhook";

impl Store {
    /// A page of the webhooks of the grant's organization, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn webhooks(&self, grant: &Grant, page: &PageRequest) -> Result<Page<Webhook>> {
        let sql = "select * from webhooks where organization_id = $1 and deleted_at is null and id > $2 \
                   order by id limit $3";
        let after = page.after.clone().unwrap_or_default();
        let rows = self.rows(sql, args![grant.organization_id(), after, page.limit + 1]).await?;
        Ok(Page::from_read(rows.iter().map(webhook_of).collect::<Result<_>>()?, page.limit))
    }

    /// One webhook of the grant's organization.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn webhook(&self, grant: &Grant, id: WebhookId) -> Result<Webhook> {
        let sql = "select * from webhooks where id = $1 and organization_id = $2 and deleted_at is null";
        let row = self.row(sql, args![id, grant.organization_id()]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), webhook_of)
    }

    /// Where a webhook is, and the secrets with which it is signed at a moment; none when it is gone or disabled.
    ///
    /// # Errors
    /// `Corrupt` when a secret does not open.
    pub async fn webhook_target(
        &self,
        id: WebhookId,
        secrets: &Secrets,
        at: Timestamp,
    ) -> Result<Option<(String, Vec<WebhookSecret>)>> {
        let sql = "select * from webhooks where id = $1 and deleted_at is null and is_enabled";
        let Some(row) = self.row(sql, args![id]).await? else { return Ok(None) };
        let webhook = webhook_of(&row)?;
        let mut keys = vec![opened(secrets, &webhook, webhook.secret_version, &row.bytes("secret")?)?];
        if webhook.old_secret_ends_at.is_some_and(|end| at < end) {
            keys.push(opened(secrets, &webhook, webhook.secret_version - 1, &row.bytes("old_secret")?)?);
        }
        Ok(Some((webhook.url, keys)))
    }
}

impl Change {
    /// Adds a webhook with its secret.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_webhook(
        &mut self,
        webhook: &Webhook,
        secret: &WebhookSecret,
        secrets: &Secrets,
    ) -> Result<()> {
        let sealed = sealed(secrets, webhook, secret)?;
        self.run(
            "insert into webhooks (id, organization_id, url, description, event_types, is_enabled, secret, \
             secret_version, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            args![
                webhook.id,
                webhook.organization_id,
                &webhook.url,
                &webhook.description,
                &types_json(webhook),
                webhook.is_enabled,
                sealed,
                webhook.secret_version,
                webhook.created_by,
                webhook.created_at
            ],
        )
        .await
        .map(drop)
    }

    /// A webhook, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn lock_webhook(&mut self, grant: &Grant, id: WebhookId) -> Result<Webhook> {
        let sql =
            "select * from webhooks where id = $1 and organization_id = $2 and deleted_at is null for update";
        let row = self.row(sql, args![id, grant.organization_id()]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), webhook_of)
    }

    /// Writes what can change of a webhook but its secret. What waits for one that was switched off is given up.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_webhook(&mut self, webhook: &Webhook) -> Result<()> {
        let args =
            args![webhook.id, &webhook.url, &webhook.description, &types_json(webhook), webhook.is_enabled];
        let sql =
            "update webhooks set url = $2, description = $3, event_types = $4, is_enabled = $5 where id = $1";
        self.run(sql, args).await?;
        if webhook.is_enabled {
            Ok(())
        } else {
            self.give_up_deliveries(webhook.id, "The webhook was disabled.").await
        }
    }

    /// Gives a webhook another secret; the present one stays valid until `old_ends_at`.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn rotate_webhook(
        &mut self,
        webhook: &Webhook,
        secret: &WebhookSecret,
        secrets: &Secrets,
        old_ends_at: Timestamp,
    ) -> Result<()> {
        let sealed = sealed(secrets, webhook, secret)?;
        let sql = "update webhooks set old_secret = secret, old_secret_ends_at = $4, secret = $2, \
                   secret_version = $3 where id = $1";
        self.run(sql, args![webhook.id, sealed, webhook.secret_version, old_ends_at]).await.map(drop)
    }

    /// Removes a webhook. What waits for it is given up.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_webhook(&mut self, id: WebhookId) -> Result<()> {
        let sql = "update webhooks set deleted_at = $2, secret = $3, old_secret = null where id = $1";
        self.run(sql, args![id, self.at(), Vec::<u8>::new()]).await?;
        self.give_up_deliveries(id, "The webhook was removed.").await
    }

    async fn give_up_deliveries(&mut self, id: WebhookId, reason: &'static str) -> Result<()> {
        let sql = "update deliveries set state = 'failed', ended_at = $2, last_error = $3 \
                   where webhook_id = $1 and state = 'pending'";
        self.run(sql, args![id, self.at(), reason]).await.map(drop)
    }
}

fn types_json(webhook: &Webhook) -> serde_json::Value {
    webhook.event_types.iter().map(|kind| kind.name()).collect()
}

/// Where a secret of a webhook stands: its organization's and its own id, and the secret's version.
fn place((organization, row): &(String, String), version: i64) -> Aad<'_> {
    Aad { organization, table: "webhooks", row, version }
}

fn ids(webhook: &Webhook) -> (String, String) {
    (webhook.organization_id.to_string(), webhook.id.to_string())
}

fn sealed(secrets: &Secrets, webhook: &Webhook, secret: &WebhookSecret) -> Result<Vec<u8>> {
    secrets.seal(place(&ids(webhook), webhook.secret_version), secret.reveal().as_bytes())
}

fn opened(secrets: &Secrets, webhook: &Webhook, version: i64, sealed: &[u8]) -> Result<WebhookSecret> {
    let plain = secrets.open(place(&ids(webhook), version), sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(WebhookSecret::parse(text)?)
}

/// Reads a webhook.
pub(crate) fn webhook_of(row: &Row) -> Result<Webhook> {
    let names: Vec<String> = row.json("event_types")?;
    Ok(Webhook {
        id: row.id("id")?,
        organization_id: row.id::<OrganizationId>("organization_id")?,
        url: row.text("url")?,
        description: row.text("description")?,
        event_types: names.iter().filter_map(|name| EventType::parse(name)).collect(),
        is_enabled: row.flag("is_enabled")?,
        secret_version: row.int("secret_version")?,
        old_secret_ends_at: row.opt_time("old_secret_ends_at")?,
        created_by: row.opt_id("created_by")?,
        created_at: row.time("created_at")?,
    })
}
