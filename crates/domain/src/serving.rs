//! Which provider connection serves a model. Of several that offer it, the one shared with the fewest projects wins,
//! then the oldest; `name/model` names one.

use crate::ids::{ProjectId, ProviderId};
use crate::models::ModelLists;
use crate::policy::Decided;
use crate::pricing::Catalogue;
use crate::providers::ProviderConnection;
use crate::time::Timestamp;

/// Where calls of one project can go at a moment.
pub struct Serving<'a> {
    /// The project.
    pub project: ProjectId,
    /// What policy says of connections, by their names.
    pub allowed: &'a Decided,
    /// The lists of models that have to allow it: the key's, and the project's where it has one.
    pub lists: Vec<&'a ModelLists>,
    /// The prices that apply.
    pub catalogue: &'a Catalogue,
    /// The moment.
    pub at: Timestamp,
}

impl Serving<'_> {
    /// Whether the project may use a connection.
    pub fn is_open(&self, connection: &ProviderConnection) -> bool {
        connection.removed_at.is_none()
            && connection.is_shared_with(self.project)
            && self.allowed.allows_word(&connection.name)
    }

    /// The one of some connections that serves a model, with the model in its own words.
    pub fn of<'c, 'm, T>(
        &self,
        connections: &'c [T],
        connection_of: impl Fn(&T) -> &ProviderConnection,
        asked: &'m str,
    ) -> Option<(&'c T, &'m str)> {
        let offering = |model: &str, name: Option<&str>| {
            let fits = |one: &&T| {
                let connection = connection_of(one);
                name.is_none_or(|name| name == connection.name)
                    && self.is_open(connection)
                    && self.offers(connection, model)
                    && self.may_use(connection, model)
            };
            connections.iter().filter(fits).min_by_key(|one| rank(connection_of(one)))
        };
        if let Some(found) = offering(asked, None) {
            return Some((found, asked));
        }
        let (name, model) = asked.split_once('/')?;
        offering(model, Some(name)).map(|found| (found, model))
    }

    /// Whether every list allows a model of a connection.
    pub fn may_use(&self, connection: &ProviderConnection, model: &str) -> bool {
        self.lists.iter().all(|lists| lists.allow(model, &connection.name))
    }

    fn offers(&self, connection: &ProviderConnection, model: &str) -> bool {
        match &connection.models {
            Some(models) => models.iter().any(|offered| offered == model),
            None => self.catalogue.price(connection.kind, model, self.at).is_some(),
        }
    }
}

/// Fewest projects first, then oldest.
fn rank(connection: &ProviderConnection) -> (usize, Timestamp, ProviderId) {
    let projects = connection.project_ids.as_ref().map_or(usize::MAX, Vec::len);
    (projects, connection.created_at, connection.id)
}
