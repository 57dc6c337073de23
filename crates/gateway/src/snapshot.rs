//! What calls read: immutable views of an organization and of a key, swapped whole when something changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::allowances::{Allowance, Purse};
use domain::api_keys::{KeyKind, KeyOwner, KeyStatus, Secret};
use domain::ids::{KeyId, OrganizationId, ProjectId, SecretId};
use domain::models::ModelLists;
use domain::organizations::Organization;
use domain::policy::Policy;
use domain::pricing::Catalogue;
use domain::projects::Project;
use domain::providers::ProviderConnection;
use domain::time::Timestamp;

/// A key as found by one of its secrets.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// The key.
    pub id: KeyId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The project; none for an admin key.
    pub project_id: Option<ProjectId>,
    /// What it opens.
    pub kind: KeyKind,
    /// To whom it belongs.
    pub owner: KeyOwner,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it stops.
    pub expires_at: Option<Timestamp>,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is dead.
    pub revoked_at: Option<Timestamp>,
    /// The models it may use, within those of its project.
    pub models: ModelLists,
    /// Names of scopes; empty means unrestricted.
    pub scopes: Vec<String>,
    /// The secret it was found by.
    pub secret_id: SecretId,
    /// Which of the key's secrets that is.
    pub secret_version: i64,
    /// When that secret was drawn.
    pub secret_created_at: Timestamp,
    /// From when that secret stops: the end of a rotation's overlap.
    pub secret_expires_at: Option<Timestamp>,
}

impl KeyView {
    /// Whether it names what it may use: scopes, or models.
    pub fn is_narrow(&self) -> bool {
        !self.scopes.is_empty() || self.models.allowed().is_some()
    }

    /// How it stands at a moment; a secret past its overlap counts as expired.
    pub fn status(&self, at: Timestamp) -> KeyStatus {
        let is_past = |end: Option<Timestamp>| end.is_some_and(|end| at >= end);
        match () {
            () if self.revoked_at.is_some() => KeyStatus::Revoked,
            () if is_past(self.expires_at) || is_past(self.secret_expires_at) => KeyStatus::Expired,
            () if self.disabled_at.is_some() => KeyStatus::Disabled,
            () => KeyStatus::Active,
        }
    }
}

/// A provider connection with its credential in the clear, in memory only.
#[derive(Clone, Debug)]
pub struct ProviderView {
    /// The connection.
    pub connection: ProviderConnection,
    /// What authenticates calls; none for providers that need nothing.
    pub credential: Option<Secret>,
}

/// Everything of one organization that a call reads.
#[derive(Debug)]
pub struct OrganizationView {
    /// The organization.
    pub organization: Organization,
    /// Its projects, archived ones included.
    pub projects: HashMap<ProjectId, Arc<Project>>,
    /// The models that projects may use, of those for which that is set.
    pub model_lists: HashMap<ProjectId, ModelLists>,
    /// Its provider connections, removed ones left out.
    pub providers: Vec<Arc<ProviderView>>,
    /// The prices that apply to it.
    pub catalogue: Catalogue,
    /// Its policy.
    pub policy: Policy,
    /// Its limits.
    pub allowances: Vec<Arc<Allowance>>,
    /// What this process may still spend of them: one for the life of the process, whatever else is swapped.
    pub purse: Arc<Mutex<Purse>>,
}
