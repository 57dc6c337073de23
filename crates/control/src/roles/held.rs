//! The roles that people have, as pages of people name them.

use std::collections::HashMap;

use domain::access::{Assignment, Permission, RoleRef, Target, authorize, role_title};
use domain::ids::{GroupId, RoleId};
use domain::page::{Order, PageRequest};
use domain::time::TimeZone;

use super::pages::HeldRole;
use crate::http::figures::When;
use crate::{Call, Failure};

/// How many groups are named.
const GROUPS_AT_MOST: i64 = 1_000;

/// What custom roles and groups are called.
pub(crate) struct RoleNames {
    roles: HashMap<RoleRef, String>,
    groups: HashMap<GroupId, String>,
}

impl RoleNames {
    /// The names in some assignments; groups only for who may see them.
    ///
    /// # Errors
    /// When the store is away.
    pub(crate) async fn of(call: &Call, assignments: &[&Assignment]) -> Result<Self, Failure> {
        let custom: Vec<RoleId> = assignments
            .iter()
            .filter_map(|one| match one.role {
                RoleRef::Custom(id) => Some(id),
                RoleRef::Organization(_) | RoleRef::Project(_) => None,
            })
            .collect();
        let custom = call.control.store.custom_roles_named(&call.grant, &custom).await?;
        let roles = custom.into_iter().map(|role| (RoleRef::Custom(role.id), role.name)).collect();
        let mut groups = HashMap::new();
        let target = Target::Organization(call.organization_id()?);
        if let Ok(grant) = authorize(call.actor()?, Permission::GroupRead, target)
            && assignments.iter().any(|one| one.group_id.is_some())
        {
            let request = PageRequest::first(GROUPS_AT_MOST, Order::Ascending);
            let found = call.control.store.groups(&grant, &request).await?;
            groups.extend(found.items.into_iter().map(|group| (group.id, group.name)));
        }
        Ok(Self { roles, groups })
    }

    /// What a role is called.
    pub(crate) fn role(&self, role: RoleRef) -> String {
        self.roles.get(&role).cloned().unwrap_or_else(|| role_title(role).to_owned())
    }

    /// A role that somebody has; `take_action` is where taking it would go.
    pub(crate) fn held(&self, one: &Assignment, zone: &TimeZone, take_action: Option<String>) -> HeldRole {
        let group = |id: GroupId| self.groups.get(&id).cloned().unwrap_or_else(|| "a group".to_owned());
        HeldRole {
            role: self.role(one.role),
            through: one.group_id.map(group),
            ends_at: one.ends_at.map(|at| When::minute(at, zone)),
            take_action: take_action.filter(|_| one.group_id.is_none()),
        }
    }
}
