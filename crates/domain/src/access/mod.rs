//! Who may do what.
//!
//! An **actor** is a person who proved who they are, with a session or an admin key, standing in one
//! organization with one organization role and any number of project roles. A **permission** is one thing
//! that can be done; a **role** is a set of permissions. **`authorize`** holds an actor, a permission and a
//! target together and answers with a **grant** or a refusal. A grant is the only evidence that the store
//! accepts: a read filters by what the grant reaches, a change names the grant's holder in the audit trail.
//!
//! Example: an actor who is Member of the organization and Project Owner of project A asks for the keys of
//! the organization (`api_key.read`, organization target). The grant reaches A, so the list holds A's keys.
//! Asking for project B's keys answers *hidden*: B is not theirs to know of. Archiving A answers
//! *forbidden*: they know A, but archiving is the Admin's.
//!
//! `matrix.txt` beside this file is printed by a test from these tables; review its diff.

mod authorize;
mod grant;
mod permission;
mod roles;

pub use authorize::{Target, allows, authorize};
pub use grant::{Actor, Credential, Grant, Holder, Origin, Reach, Standing, Task};
pub use permission::{Level, Permission};
pub use roles::{OrganizationRole, ProjectRole};

#[cfg(test)]
mod tests;
