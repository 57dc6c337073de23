//! What a grant reaches, in the form in which SQL filters by it.

use domain::access::{Grant, Reach};
use domain::page::{Order, PageRequest};

/// The parameters of the standard filter:
/// `organization_id = $1 and ($2 or project_id in list($3) or (project_id in list($4) and owner_user_id = $5))`.
pub(crate) struct Reached {
    /// The organization; empty for none, which matches nothing.
    pub(crate) organization: String,
    /// Whether the whole organization.
    pub(crate) all: bool,
    /// Projects reached whole.
    pub(crate) whole: Vec<String>,
    /// Projects of which only the user's own things are reached.
    pub(crate) own: Vec<String>,
    /// That user; empty for none.
    pub(crate) user: String,
}

impl Reached {
    pub(crate) fn of(grant: &Grant) -> Self {
        let organization = grant.organization_id().map(|id| id.to_string()).unwrap_or_default();
        let texts = |projects: &[domain::ids::ProjectId]| projects.iter().map(ToString::to_string).collect();
        match grant.reach() {
            Reach::All => {
                Self { organization, all: true, whole: Vec::new(), own: Vec::new(), user: String::new() }
            }
            Reach::Some { whole, own, user_id } => Self {
                organization,
                all: false,
                whole: texts(whole),
                own: texts(own),
                user: user_id.to_string(),
            },
        }
    }
}

/// The cursor as SQL compares it: before every id, or after every id, when a walk begins.
pub(crate) fn cursor(page: &PageRequest) -> String {
    match (&page.after, page.order) {
        (Some(after), _) => after.clone(),
        (None, Order::Ascending) => String::new(),
        // Sorts behind every prefixed id, in C order and in every locale.
        (None, Order::Descending) => "zzzzzzzz".to_owned(),
    }
}
