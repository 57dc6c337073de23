//! Organizations: who may find which, and creating them with their first Admin.

use domain::access::{Grant, OrganizationRole};
use domain::ids::{OrganizationId, UserId};
use domain::organizations::{Features, NewOrganization, Organization, Suspension};
use domain::text;
use domain::time::{TimeZone, Timestamp};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::standings::features_of;
use crate::{Store, args};

/// How many organizations may share the words of their names.
const MOST_NAMESAKES: i64 = 10_000;

/// An organization of a person, with their role in it: what the switcher shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// The organization.
    pub organization: Organization,
    /// The person's role in it.
    pub role: OrganizationRole,
}

impl Store {
    /// The organization of the grant.
    ///
    /// # Errors
    /// `NotFound` when the grant is for none.
    pub async fn organization(&self, grant: &Grant) -> Result<Organization> {
        let sql = "select * from organizations where id = $1";
        let row = self.row(sql, args![grant.organization_id()]).await?;
        organization_of(&row.ok_or(Error::not_found("organization"))?)
    }

    /// The organization with that word in its addresses. Its id alone opens nothing.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn organization_of_slug(&self, slug: &str) -> Result<Option<OrganizationId>> {
        let row = self.row("select id from organizations where slug = $1", args![slug]).await?;
        row.map(|row| row.id("id")).transpose()
    }

    /// The organization that a person joined first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn first_organization(&self, user: UserId) -> Result<Option<OrganizationId>> {
        let sql = "select organization_id from members where user_id = $1 and suspended_at is null \
                   order by added_at, organization_id limit 1";
        let row = self.row(sql, args![user]).await?;
        row.map(|row| row.id("organization_id")).transpose()
    }

    /// The organizations that were closed at a moment or before it, the longest closed first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn organizations_closed_by(&self, at: Timestamp) -> Result<Vec<OrganizationId>> {
        let sql = "select id from organizations where closed_at <= $1 order by closed_at, id";
        self.rows(sql, args![at]).await?.iter().map(|row| row.id("id")).collect()
    }

    /// The organizations of a person, by name.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn organizations_of(&self, user: UserId) -> Result<Vec<Belonging>> {
        let rows = self
            .rows(
                "select o.*, m.role from members m \
                 join organizations o on o.id = m.organization_id \
                 where m.user_id = $1 and m.suspended_at is null order by o.name, o.id",
                args![user],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let role = row.word("role", OrganizationRole::parse)?;
                Ok(Belonging { organization: organization_of(row)?, role })
            })
            .collect()
    }
}

impl Change {
    /// Creates an organization under a slug, with a first Admin; the change goes into its chain.
    ///
    /// # Errors
    /// `already_exists` when the slug is taken; `Unavailable` when the database is away.
    pub async fn insert_organization(
        &mut self,
        id: OrganizationId,
        new: &NewOrganization,
        admin: UserId,
        slug: String,
    ) -> Result<Organization> {
        let (name, time_zone, created_at) = (new.name.clone(), new.time_zone.clone(), self.at());
        self.run(
            "insert into organizations (id, name, slug, time_zone, created_at) values ($1, $2, $3, $4, $5)",
            args![id, &name, &slug, time_zone.name(), created_at],
        )
        .await?;
        self.insert_member(id, admin, OrganizationRole::Admin, None).await?;
        self.belongs_to(id);
        Ok(Organization {
            id,
            name,
            slug,
            time_zone,
            suspension: None,
            closed_at: None,
            features_off: Features::default(),
            created_at,
        })
    }

    /// The grant's organization, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn lock_organization(&mut self, grant: &Grant) -> Result<Organization> {
        let sql = "select * from organizations where id = $1 for update";
        let row = self.row(sql, args![grant.organization_id()]).await?;
        organization_of(&row.ok_or(Error::not_found("organization"))?)
    }

    /// Writes every field of the organization that can change.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn update_organization(&mut self, organization: &Organization) -> Result<()> {
        let suspension = organization.suspension.as_ref();
        let done = self
            .run(
                "update organizations set name = $2, time_zone = $3, features_off = $4, suspended_at = $5, \
                 suspended_reason = $6, closed_at = $7 where id = $1",
                args![
                    organization.id,
                    &organization.name,
                    organization.time_zone.name(),
                    &serde_json::json!(organization.features_off.words()),
                    suspension.map(|suspension| suspension.at),
                    suspension.map(|suspension| suspension.reason.as_str()),
                    organization.closed_at
                ],
            )
            .await?;
        if done == 0 { Err(Error::not_found("organization")) } else { Ok(()) }
    }

    /// The slug of a name, numbered where it is taken. For the operator alone: it tells which names there are.
    ///
    /// # Errors
    /// `name_taken`; `Unavailable` when the database is away.
    pub async fn free_slug(&mut self, name: &str) -> Result<String> {
        let base = text::slug(name);
        for number in 1..MOST_NAMESAKES {
            let slug = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            let taken = self.row("select id from organizations where slug = $1", args![&slug]).await?;
            if taken.is_none() {
                return Ok(slug);
            }
        }
        Err(Error::Conflict {
            code: "name_taken",
            message: "Too many organizations have this name. Choose another.".to_owned(),
        })
    }
}

fn organization_of(row: &Row) -> Result<Organization> {
    Ok(Organization {
        id: row.id("id")?,
        name: row.text("name")?,
        slug: row.text("slug")?,
        time_zone: TimeZone::named(&row.text("time_zone")?)?,
        suspension: suspension_of(row)?,
        closed_at: row.opt_time("closed_at")?,
        features_off: features_of(row)?,
        created_at: row.time("created_at")?,
    })
}

fn suspension_of(row: &Row) -> Result<Option<Suspension>> {
    let Some(at) = row.opt_time("suspended_at")? else { return Ok(None) };
    Ok(Some(Suspension { at, reason: row.opt_text("suspended_reason")?.unwrap_or_default() }))
}
