//! Who may do what.
//!
//! An **actor** is a person who proved who they are, with a session or an admin key, standing in one
//! organization by **assignments**: roles given to them or to a group of theirs, in the organization or in one of
//! its projects. A **permission** is one thing that can be done; a **role** is a set of permissions. Rights are
//! additive. **`authorize`** holds an actor, a permission and a target together and answers with a **grant** or a
//! refusal. A grant is the only evidence that the store accepts: a read filters by what the grant reaches, a change
//! names the grant's holder in the audit trail. **`explain`** tells which assignments decided.
//!
//! **Nothing wider than the giver**: `Grant::may_give` holds what is given against what the giver has there, and
//! `Grant::may_change` refuses to touch somebody of higher rank.
//!
//! Example: an actor who is Member of the organization and Project Owner of project A asks for the keys of
//! the organization (`api_key.read`, organization target). The grant reaches A, so the list holds A's keys.
//! Asking for project B's keys answers *hidden*: B is not theirs to know of. Archiving A answers
//! *forbidden*: they know A, but archiving is the Admin's.
//!
//! `matrix.txt` beside this file is printed by a test from these tables; review its diff.

mod authorize;
mod explain;
mod given;
mod giving;
mod glance;
mod grant;
mod permission;
mod permissions;
mod roles;
mod sentences;
mod standing;

pub use authorize::{Target, allows, authorize};
pub use explain::{Decision, Explanation, Reason, explain, roles_that_give};
pub use given::{GivenRole, Principal, Role, RoleSource};
pub use glance::glance;
pub use grant::{Actor, Credential, Grant, Holder, Origin, Reach, Task};
pub use permission::{Level, Permission};
pub use permissions::Permissions;
pub use roles::{
    CustomRole, OrganizationRole, ProjectRole, RoleRef, custom_name, custom_permissions, role_title,
};
pub use sentences::{act, refused_credential, suspended};
pub use standing::{Assignment, Standing};

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
