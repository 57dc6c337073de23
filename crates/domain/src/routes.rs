//! The row type of the route tables. A route exists only in a table; router, OpenAPI document, access test and
//! audit test are all made from the rows.

use crate::access::Permission;
use crate::audit::Verb;
use crate::organizations::Feature;

/// An HTTP method that the tables use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, updates, acts.
    Post,
    /// Removes.
    Delete,
}

impl Method {
    /// Its name in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone: sign-in, health, documents.
    Public,
    /// Anyone signed in, about their own account.
    Account,
    /// Who holds the permission in the organization of their credential.
    Organization(Permission),
    /// Who holds the permission in the project named by `{project_id}`.
    Project(Permission),
    /// A project key of the data plane.
    ProjectKey,
}

/// Which surface a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The JSON admin API.
    Api,
    /// The console's pages and forms.
    Console,
    /// The data plane.
    Gateway,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for what varies.
    pub path: &'static str,
    /// The operation's name: verb and noun.
    pub operation: &'static str,
    /// One sentence for the reference.
    pub summary: &'static str,
    /// Which surface.
    pub surface: Surface,
    /// Who may come through.
    pub access: Access,
    /// What a success writes into the audit trail; none for reads.
    pub audit: Option<Verb>,
    /// The feature it belongs to, which an organization may have switched off.
    pub feature: Option<Feature>,
}
