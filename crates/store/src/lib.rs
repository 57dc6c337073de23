//! All SQL, on SQLite and PostgreSQL with one text, and the durable usage journal.
//!
//! Doors: a change passes `change.rs` (audited), a read of tenant data takes a `Grant` (scoped), measurements
//! pass `measurement.rs`. What differs between the engines is in `dialect.rs`.

mod access;
mod account_links;
pub mod allowance_raises;
pub mod allowances;
mod api_key_secrets;
mod api_keys;
mod approvals;
pub mod audit;
mod change;
mod credentials;
pub mod deliveries;
mod dialect;
mod error;
mod feed;
mod groups;
mod handovers;
mod holdings;
mod idempotency;
mod invites;
pub mod journal;
mod key_counts;
pub mod mails;
mod measurement;
mod members;
pub mod metering;
mod migrations;
mod model_permissions;
mod organizations;
mod ownership;
mod permission_uses;
pub mod policy;
mod policy_trials;
mod policy_warnings;
pub mod prices;
mod project_members;
mod projects;
pub mod providers;
mod reached;
pub mod retention;
mod reviews;
mod role_assignments;
mod role_holders;
mod roles;
mod secrets;
mod service_accounts;
mod sessions;
mod standings;
pub mod usage;
mod users;
pub mod verify;
mod webhooks;

pub use access::{Holder, PersonRights, SeenProject};
pub use api_key_secrets::{FoundKey, SecretInUse};
pub use api_keys::{KeyFilter, OwnedKey};
pub use approvals::{ApprovalFilter, AskedApproval, Due};
pub use change::{Change, Committed, actor_of, audit_actor};
pub use credentials::AdminKeyHolder;
pub use dialect::{Row, Value};
pub use error::{Error, Result};
pub use feed::Event;
pub use handovers::{HandoverFilter, Loss, NamedHandover};
pub use holdings::ExportPlace;
pub use idempotency::{Claimed, Repeatable};
pub use invites::OfferedInvite;
pub use organizations::Belonging;
pub use ownership::Owned;
pub use permission_uses::NotedUse;
pub use project_members::ProjectOfMember;
pub use reviews::{ItemFilter, OpenedReview, Progress, Reviewed};
pub use role_assignments::RolesOf;
pub use role_holders::{RoleHolder, RoleUses};
pub use secrets::{Aad, Secrets};
pub use service_accounts::OwnedAccount;
pub use sessions::{Session, SessionHolder};
pub use users::Account;

use dialect::Engine;

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
}

impl Store {
    /// Opens `sqlite:///path/file.db` (created when missing) or `postgres://…`.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be reached or opened.
    pub async fn open(url: &str) -> Result<Self> {
        Ok(Self { engine: Engine::open(url).await? })
    }

    /// Waits for what runs and closes every connection.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Whether this process is alone with its database, as with SQLite.
    pub fn is_lone(&self) -> bool {
        matches!(self.engine, Engine::Sqlite { .. })
    }

    /// A value of the instance itself, such as its key check.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn instance_value(&self, name: &str) -> Result<Option<String>> {
        let row = self.row("select value from instance where name = $1", args![name]).await?;
        row.map(|row| row.text("value")).transpose()
    }

    /// Writes a value of the instance unless it is there already, and returns what is there.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn instance_value_once(&self, name: &str, value: &str) -> Result<String> {
        let mut tx = self.measure().await?;
        tx.run(
            "insert into instance (name, value) values ($1, $2) on conflict (name) do nothing",
            args![name, value],
        )
        .await?;
        let row = tx.row("select value from instance where name = $1", args![name]).await?;
        tx.commit().await?;
        row.map_or_else(
            || Err(Error::Corrupt("an instance value vanished".to_owned())),
            |row| row.text("value"),
        )
    }

    pub(crate) async fn rows(&self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<Vec<Row>> {
        self.engine.rows(sql, args.as_ref()).await
    }

    pub(crate) async fn row(&self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<Option<Row>> {
        Ok(self.engine.rows(sql, args.as_ref()).await?.into_iter().next())
    }
}

/// 128 bits from the operating system's secure random source.
pub(crate) fn random_u128() -> Result<u128> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Unavailable("no randomness".to_owned()))?;
    Ok(u128::from_be_bytes(bytes))
}
