//! What a person is in an organization: their membership, project roles, and the roles given to them and to groups
//! of theirs, as the assignments that `authorize` sums up.

use domain::access::{Assignment, Grant, Permissions, RoleRef, Standing};
use domain::ids::{OrganizationId, UserId};
use domain::organizations::{Features, OrganizationState};
use domain::time::Timestamp;

use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::{Change, Store, args};

const MEMBERSHIP: &str = "select o.id as organization_id, o.suspended_at, o.closed_at, o.features_off \
     from members m join organizations o on o.id = m.organization_id \
     where m.organization_id = $1 and m.user_id = $2 and m.suspended_at is null";

const ANY_MEMBERSHIP: &str = "select o.id as organization_id, o.suspended_at, o.closed_at, o.features_off \
     from members m join organizations o on o.id = m.organization_id \
     where m.organization_id = $1 and m.user_id = $2";

/// Everything that is given in organization `$1`, to whom and through which group: memberships, project roles, roles
/// given to people, roles given to groups of theirs. Each source takes a condition on `m`, `p`, `a`, and `g` with `a`.
macro_rules! given {
    ($members:literal, $project_members:literal, $people:literal, $groups:literal) => {
        concat!(
            "select m.user_id, 'role-api-organization-' || m.role as role, '' as project_id, '' as group_id, m.given_by, \
               coalesce(m.given_at, m.added_at) as given_at, cast(null as bigint) as ends_at \
               from members m where m.organization_id = $1 and ",
            $members,
            " union all select p.user_id, 'role-api-project-' || p.role, p.project_id, '', p.given_by, \
               coalesce(p.given_at, p.added_at), cast(null as bigint) \
               from project_members p where p.organization_id = $1 and ",
            $project_members,
            " union all select a.principal_id, a.role, a.project_id, '', a.given_by, a.given_at, a.ends_at \
               from role_assignments a where a.organization_id = $1 and ",
            $people,
            " union all select g.user_id, a.role, a.project_id, g.group_id, a.given_by, a.given_at, a.ends_at \
               from group_members g join role_assignments a \
               on a.organization_id = g.organization_id and a.principal_id = g.group_id \
               where g.organization_id = $1 and ",
            $groups
        )
    };
}
pub(crate) use given;

const ASSIGNMENTS: &str = concat!(
    "select x.role, x.project_id, x.group_id, x.given_by, x.given_at, x.ends_at, r.permissions from (",
    given!("m.user_id = $2", "p.user_id = $2", "a.principal_id = $2", "g.user_id = $2"),
    ") x left join roles r on r.id = x.role \
     where x.ends_at is null or x.ends_at > $3 order by x.project_id, x.group_id, x.role"
);

impl Store {
    /// What a person is in an organization at a moment; none when they are not a member, or suspended.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn standing(
        &self,
        user: UserId,
        organization: OrganizationId,
        at: Timestamp,
    ) -> Result<Option<Standing>> {
        let Some(membership) = self.row(MEMBERSHIP, args![organization, user]).await? else {
            return Ok(None);
        };
        let assignments = self.rows(ASSIGNMENTS, args![organization, user, at]).await?;
        standing_of(&membership, &assignments).map(Some)
    }
}

impl Change {
    /// What a person is in an organization at this point of the change; none when they are not a member, or
    /// suspended.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn standing(&mut self, user: UserId, organization: OrganizationId) -> Result<Option<Standing>> {
        let Some(membership) = self.row(MEMBERSHIP, args![organization, user]).await? else {
            return Ok(None);
        };
        let assignments = self.rows(ASSIGNMENTS, args![organization, user, self.at()]).await?;
        standing_of(&membership, &assignments).map(Some)
    }

    /// What a member of the grant's organization is or, while suspended, would be: their rank.
    ///
    /// # Errors
    /// `NotFound` when they are not a member.
    pub async fn rank(&mut self, grant: &Grant, user: UserId) -> Result<Standing> {
        let organization = grant.organization_id();
        let membership = self.row(ANY_MEMBERSHIP, args![organization, user]).await?;
        let membership = membership.ok_or(Error::not_found("user"))?;
        let assignments = self.rows(ASSIGNMENTS, args![organization, user, self.at()]).await?;
        standing_of(&membership, &assignments)
    }
}

fn standing_of(membership: &Row, assignments: &[Row]) -> Result<Standing> {
    Ok(Standing {
        organization_id: membership.id("organization_id")?,
        state: state_of(membership)?,
        features_off: features_of(membership)?,
        assignments: assignments.iter().map(assignment_of).collect::<Result<_>>()?,
    })
}

/// How the organization in a row stands.
pub(crate) fn state_of(row: &Row) -> Result<OrganizationState> {
    let (closed, suspended) = (row.opt_time("closed_at")?, row.opt_time("suspended_at")?);
    Ok(match (closed, suspended) {
        (Some(_), _) => OrganizationState::Closed,
        (None, Some(_)) => OrganizationState::Suspended,
        (None, None) => OrganizationState::Active,
    })
}

/// What is switched off for the organization in a row.
pub(crate) fn features_of(row: &Row) -> Result<Features> {
    let words: Vec<String> = row.json("features_off")?;
    Ok(Features::of_words(words.iter().map(String::as_str)))
}

/// The assignment in a row, with the permissions of its custom role beside it.
pub(crate) fn assignment_of(row: &Row) -> Result<Assignment> {
    let role: RoleRef = row.id("role")?;
    let own = row.opt_text("permissions")?.map(|_| row.json::<Permissions>("permissions")).transpose()?;
    Ok(Assignment {
        role,
        permissions: own.or_else(|| role.built_in_permissions()).unwrap_or_default(),
        project_id: id_or_none(row, "project_id")?,
        group_id: id_or_none(row, "group_id")?,
        given_by: row.opt_id("given_by")?,
        given_at: row.time("given_at")?,
        ends_at: row.opt_time("ends_at")?,
    })
}

/// An id, where an empty text stands for none: columns of a primary key cannot be null.
pub(crate) fn id_or_none<T: std::str::FromStr>(row: &Row, column: &str) -> Result<Option<T>> {
    let text = row.text(column)?;
    match text.is_empty() {
        true => Ok(None),
        false => text.parse().map(Some).map_err(|_| Error::Corrupt(format!("{column} is {text}"))),
    }
}
