//! Who has which rights where, and why: what `authorize` sums up, with the names that people read.

use std::collections::HashMap;

use domain::access::{Grant, Level, OrganizationRole, Permissions, Reason, RoleRef, Standing, role_title};
use domain::ids::{OrganizationId, ProjectId, UserId};
use domain::members::{Member, User};
use domain::page::{Page, PageRequest};
use domain::projects::Environment;
use domain::time::Timestamp;

use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::reached::{Reached, cursor};
use crate::standings::{assignment_of, features_of, given, state_of};
use crate::users::user_of;
use crate::{Store, args};

/// A member with all that gives them rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRights {
    /// Who.
    pub member: Member,
    /// What they are in the organization or, while suspended, would be.
    pub standing: Standing,
    /// Its assignments, in the same order, with their names.
    pub reasons: Vec<Reason>,
}

/// Somebody who has one of the roles that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user: User,
    /// What gives it to them.
    pub reasons: Vec<Reason>,
    /// How many of their own keys work in the project that was asked for.
    pub key_count: u64,
}

/// A project as a list of somebody's rights names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenProject {
    /// Its id.
    pub id: ProjectId,
    /// The name people read.
    pub name: String,
    /// Its environment.
    pub environment: Environment,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The start of a statement about assignments `x`, with their names and with more columns.
macro_rules! with_names {
    ($given:expr, $more:literal) => {
        concat!(
            "with given as materialized (",
            $given,
            ") select ",
            $more,
            "x.role, x.project_id, x.group_id, x.given_by, x.given_at, x.ends_at, r.permissions, \
             r.name as role_name, p.name as project_name, g.name as group_name, giver.name as given_by_name \
             from given x left join roles r on r.id = x.role left join projects p on p.id = x.project_id \
             left join groups g on g.id = x.group_id left join users giver on giver.id = x.given_by "
        )
    };
}

const OF_ONE: &str = concat!(
    with_names!(given!("m.user_id = $2", "p.user_id = $2", "a.principal_id = $2", "g.user_id = $2"), ""),
    "where x.ends_at is null or x.ends_at > $3 order by x.project_id, x.group_id, x.role"
);

/// Who is on the page is found first: without it, a database that has counted nothing yet joins everybody with
/// everybody.
const OF_PLACE: &str = concat!(
    with_names!(
        concat!(
            "with every as materialized (select e.* from (",
            given!(
                "'role-api-organization-' || m.role in list($3)",
                "p.project_id = $2",
                "a.project_id in ('', $2) and a.role in list($3)",
                "a.project_id in ('', $2) and a.role in list($3)"
            ),
            ") e where e.role in list($3) and (e.ends_at is null or e.ends_at > $4)), \
             page as materialized (select distinct y.user_id from every y \
               join members n on n.organization_id = $1 and n.user_id = y.user_id \
               where n.suspended_at is null and y.user_id > $5 order by y.user_id limit $6) \
             select every.* from every join page on page.user_id = every.user_id"
        ),
        "u.id, u.email, u.name, u.created_at, coalesce(k.key_count, 0) as key_count, "
    ),
    "join users u on u.id = x.user_id \
     left join (select owner_user_id, cast(count(*) as bigint) as key_count from api_keys \
       where organization_id = $1 and project_id = $2 and owner_service_account_id is null \
       and revoked_at is null and disabled_at is null and (expires_at is null or expires_at > $4) \
       group by owner_user_id) k on k.owner_user_id = x.user_id \
     order by x.user_id, x.project_id, x.group_id, x.role"
);

impl Store {
    /// A member of the grant's organization, suspended or not, with all that gives them rights.
    ///
    /// # Errors
    /// `NotFound` when they are not a member.
    pub async fn person_rights(&self, grant: &Grant, user: UserId, at: Timestamp) -> Result<PersonRights> {
        let organization = grant.organization_id();
        let sql = "select u.id, u.email, u.name, u.created_at, m.role, m.added_at, m.suspended_at as member_suspended_at, \
                   o.id as organization_id, o.suspended_at, o.closed_at, o.features_off \
                   from members m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id \
                   where m.organization_id = $1 and m.user_id = $2";
        let row = self.row(sql, args![organization, user]).await?.ok_or(Error::not_found("user"))?;
        let organization_id: OrganizationId = row.id("organization_id")?;
        let rows = self.rows(OF_ONE, args![organization, user, at]).await?;
        let reasons: Vec<Reason> = rows.iter().map(reason_of).collect::<Result<_>>()?;
        let standing = Standing {
            organization_id,
            state: state_of(&row)?,
            features_off: features_of(&row)?,
            assignments: reasons.iter().map(|reason| reason.assignment.clone()).collect(),
        };
        let member = Member {
            user: user_of(&row)?,
            organization_id,
            role: row.word("role", OrganizationRole::parse)?,
            added_at: row.time("added_at")?,
            suspended_at: row.opt_time("member_suspended_at")?,
        };
        Ok(PersonRights { member, standing, reasons })
    }

    /// The id of the member of the grant's organization who has an address.
    ///
    /// # Errors
    /// `NotFound` when no member has it.
    pub async fn member_of_email(&self, grant: &Grant, email: &str) -> Result<UserId> {
        let sql = "select u.id from members m join users u on u.id = m.user_id \
                   where m.organization_id = $1 and u.email = $2";
        let row = self.row(sql, args![grant.organization_id(), email]).await?;
        row.ok_or(Error::not_found("user"))?.id("id")
    }

    /// A page of the members of the grant's organization who have any right in a project, by their id. Suspended
    /// members have none.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn people_of_project(
        &self,
        grant: &Grant,
        project: ProjectId,
        (page, at): (&PageRequest, Timestamp),
    ) -> Result<Page<Holder>> {
        let gives_any = |permissions: Permissions| !permissions.of_projects().is_empty();
        let built_in = [Level::Organization, Level::Project].into_iter().flat_map(RoleRef::built_in);
        let built_in = built_in.filter(|role| role.built_in_permissions().is_some_and(gives_any));
        let mut roles: Vec<String> = built_in.map(|role| role.to_string()).collect();
        let sql = "select id, permissions from roles where organization_id = $1 and project_id in ('', $2)";
        for row in self.rows(sql, args![grant.organization_id(), project]).await? {
            if gives_any(row.json("permissions")?) {
                roles.push(row.text("id")?);
            }
        }
        self.holders(grant, Some(project), roles, (page, at)).await
    }

    /// A page of the members of the grant's organization who have one of these roles in a project or, with none, in
    /// the organization itself; by their id. Suspended members have none.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn holders(
        &self,
        grant: &Grant,
        project: Option<ProjectId>,
        roles: Vec<String>,
        (page, at): (&PageRequest, Timestamp),
    ) -> Result<Page<Holder>> {
        let to = Reached::of(grant);
        let place = project.map(|id| id.to_string()).unwrap_or_default();
        let is_within = to.all || to.whole.contains(&place) || to.own.contains(&place);
        if !is_within {
            return Ok(Page { items: Vec::new(), has_more: false });
        }
        let args = args![to.organization, place, roles, at, cursor(page), page.limit + 1];
        let rows = self.rows(OF_PLACE, args).await?;
        let mut holders: Vec<Holder> = Vec::new();
        for row in &rows {
            let (user, reason) = (user_of(row)?, reason_of(row)?);
            match holders.last_mut().filter(|holder| holder.user.id == user.id) {
                Some(holder) => holder.reasons.push(reason),
                None => {
                    let key_count = u64::try_from(row.int("key_count")?).unwrap_or_default();
                    holders.push(Holder { user, reasons: vec![reason], key_count });
                }
            }
        }
        Ok(Page::from_read(holders, page.limit))
    }

    /// A page of the projects of the grant's organization, all or those named, archived ones too, by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn seen_projects(
        &self,
        grant: &Grant,
        only: Option<&[ProjectId]>,
        page: &PageRequest,
    ) -> Result<Page<SeenProject>> {
        let named: Vec<String> = only.unwrap_or_default().iter().map(ToString::to_string).collect();
        let sql = "select id, name, environment, archived_at from projects \
                   where organization_id = $1 and ($2 or id in list($3)) and id > $4 order by id limit $5";
        let args = args![grant.organization_id(), only.is_none(), named, cursor(page), page.limit + 1];
        let rows = self.rows(sql, args).await?;
        Ok(Page::from_read(rows.iter().map(seen_project_of).collect::<Result<_>>()?, page.limit))
    }

    /// The names of people, for reading what names them by their id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn names_of(&self, users: &[UserId]) -> Result<HashMap<UserId, String>> {
        let ids: Vec<String> = users.iter().map(ToString::to_string).collect();
        let rows = self.rows("select id, name from users where id in list($1)", args![ids]).await?;
        rows.iter().map(|row| Ok((row.id("id")?, row.text("name")?))).collect()
    }
}

fn reason_of(row: &Row) -> Result<Reason> {
    let assignment = assignment_of(row)?;
    let role_name = row.opt_text("role_name")?;
    Ok(Reason {
        role_name: role_name.unwrap_or_else(|| role_title(assignment.role).to_owned()),
        project_name: row.opt_text("project_name")?,
        group_name: row.opt_text("group_name")?,
        given_by_name: row.opt_text("given_by_name")?,
        assignment,
    })
}

fn seen_project_of(row: &Row) -> Result<SeenProject> {
    Ok(SeenProject {
        id: row.id("id")?,
        name: row.text("name")?,
        environment: row.word("environment", |word| Environment::parse(word).ok())?,
        is_archived: row.opt_time("archived_at")?.is_some(),
    })
}
