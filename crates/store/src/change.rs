//! The audited door: a change commits together with exactly one audit record and its event, or not at all.

use domain::access::{Actor, Credential, Grant, Holder, Standing};
use domain::audit::{AuditActor, AuditEntry, AuditRecord, GENESIS};
use domain::ids::{AuditId, OrganizationId, UserId};
use domain::time::Timestamp;

use crate::dialect::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::{Store, args};

/// An open change. Dropping it undoes it; only `commit` keeps it, with its audit record.
pub struct Change {
    tx: Tx,
    organization_id: Option<OrganizationId>,
    actor: AuditActor,
    count: i64,
    at: Timestamp,
    /// An elevated actor as they were before.
    elevated: Option<(UserId, Standing)>,
}

/// Proof that a change was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the feed has to be told that this change was made"]
pub struct Committed {
    /// Its place in the feed of all changes.
    pub sequence: i64,
}

impl Store {
    /// Opens a change on the grant's account.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn change(&self, grant: &Grant, at: Timestamp) -> Result<Change> {
        let tx = self.engine.begin().await?;
        let (organization_id, actor) = (grant.organization_id(), audit_actor(grant));
        let mut change = Change { tx, organization_id, actor, count: 1, at, elevated: None };
        if let Some((user, organization)) = elevated_in(grant) {
            change.elevated = change.standing(user, organization).await?.map(|before| (user, before));
        }
        Ok(change)
    }
}

impl Change {
    /// The moment of the change.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Puts the change into the chain of an organization that the grant could not name yet: the one it creates,
    /// or the one an invitation leads into. An organization that the grant names stays.
    pub fn belongs_to(&mut self, organization_id: OrganizationId) {
        self.organization_id.get_or_insert(organization_id);
    }

    /// Names somebody else as the actor: who was refused, or who just signed in.
    pub fn acted_by(&mut self, actor: AuditActor) {
        self.actor = actor;
    }

    /// Says for how many alike attempts the record stands.
    pub fn stands_for(&mut self, count: i64) {
        self.count = count;
    }

    /// The person who acts, where it is one.
    pub(crate) fn acting_user(&self) -> Option<UserId> {
        if self.actor.kind == "user" { self.actor.id.parse().ok() } else { None }
    }

    pub(crate) async fn rows(&mut self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<Vec<Row>> {
        self.tx.rows(sql, args.as_ref()).await
    }

    pub(crate) async fn row(&mut self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<Option<Row>> {
        Ok(self.tx.rows(sql, args.as_ref()).await?.into_iter().next())
    }

    pub(crate) async fn run(&mut self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<u64> {
        self.tx.run(sql, args.as_ref()).await
    }

    /// Keeps the change, with its audit record at the end of its chain and its event in the feed.
    ///
    /// # Errors
    /// `own_elevation` when an elevated actor would have more for good than before; when record or event cannot be
    /// written. The change has not happened then.
    pub async fn commit(mut self, entry: AuditEntry) -> Result<Committed> {
        if let Some((user, before)) = self.elevated.take() {
            let now = self.standing(user, before.organization_id).await?;
            now.map_or(Ok(()), |now| now.gained_nothing_since(&before))?;
        }
        let organization = self.organization_id.map(|id| id.to_string()).unwrap_or_default();
        let record = self.chain(&organization, entry).await?;
        self.insert_record(&organization, &record).await?;
        let sequence = self.publish(&organization, &record).await?;
        self.tx.announce(sequence).await?;
        self.tx.commit().await?;
        Ok(Committed { sequence })
    }

    /// Takes the next place in the chain. The head's row is locked until the commit, so a chain has no gaps.
    async fn chain(&mut self, organization: &str, entry: AuditEntry) -> Result<AuditRecord> {
        self.run(
            "insert into audit_heads (organization_id, sequence, hash) values ($1, 0, $2) on conflict (organization_id) do nothing",
            args![organization, GENESIS],
        )
        .await?;
        let head = self
            .row(
                "update audit_heads set sequence = sequence + 1 where organization_id = $1 returning sequence, hash",
                args![organization],
            )
            .await?
            .ok_or_else(|| Error::Corrupt("an audit chain has no head".to_owned()))?;
        let mut record = AuditRecord {
            id: AuditId::from_parts(self.at, crate::random_u128()?),
            organization_id: self.organization_id,
            sequence: head.int("sequence")?,
            at: self.at,
            actor: self.actor.clone(),
            entry,
            count: self.count,
            previous_hash: head.text("hash")?,
            hash: String::new(),
        };
        record.hash = record.compute_hash();
        self.run(
            "update audit_heads set hash = $2 where organization_id = $1",
            args![organization, &record.hash],
        )
        .await?;
        Ok(record)
    }

    async fn insert_record(&mut self, organization: &str, record: &AuditRecord) -> Result<()> {
        let actor =
            serde_json::to_string(&record.actor).map_err(|error| Error::Corrupt(error.to_string()))?;
        self.run(
            "insert into audit_records (id, organization_id, sequence, at, actor, verb, target_id, project_id, \
             before_json, after_json, count, previous_hash, hash) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            args![
                record.id,
                organization,
                record.sequence,
                record.at,
                actor,
                record.entry.verb.name(),
                &record.entry.target_id,
                record.entry.project_id,
                &record.entry.before,
                &record.entry.after,
                record.count,
                &record.previous_hash,
                &record.hash,
            ],
        )
        .await?;
        Ok(())
    }

    /// Puts the event into the feed. The head's row is locked until the commit: the order of the feed is the
    /// order of the commits, so a follower never misses one.
    async fn publish(&mut self, organization: &str, record: &AuditRecord) -> Result<i64> {
        let head = self
            .row(
                "update feed_head set sequence = sequence + 1 where only_row = 1 returning sequence",
                args![],
            )
            .await?
            .ok_or_else(|| Error::Corrupt("the feed has no head".to_owned()))?;
        let sequence = head.int("sequence")?;
        self.run(
            "insert into events (sequence, audit_id, organization_id, verb, target_id, project_id, at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
            args![
                sequence,
                record.id,
                organization,
                record.entry.verb.name(),
                &record.entry.target_id,
                record.entry.project_id,
                record.at,
            ],
        )
        .await?;
        Ok(sequence)
    }
}

/// The acting person and organization, where some of their rights there end by themselves.
fn elevated_in(grant: &Grant) -> Option<(UserId, OrganizationId)> {
    let actor = grant.actor()?;
    let standing = actor.standing.as_ref().filter(|standing| standing.elevated_until().is_some())?;
    Some((actor.user_id, standing.organization_id))
}

/// How a grant's holder stands in the trail.
pub fn audit_actor(grant: &Grant) -> AuditActor {
    match grant.holder() {
        Holder::System(task) => AuditActor {
            kind: "system".to_owned(),
            id: task.name().to_owned(),
            credential_kind: "task".to_owned(),
            ..AuditActor::default()
        },
        Holder::Person(actor) => actor_of(actor),
    }
}

/// How a person stands in the trail.
pub fn actor_of(actor: &Actor) -> AuditActor {
    let (credential_kind, credential_id) = match actor.credential {
        Credential::Session(id) => ("session", Some(id.to_string())),
        Credential::AdminKey(id) => ("admin_key", Some(id.to_string())),
        Credential::Task(task) => ("task", Some(task.name().to_owned())),
    };
    AuditActor {
        kind: "user".to_owned(),
        id: actor.user_id.to_string(),
        email: Some(actor.email.clone()),
        credential_kind: credential_kind.to_owned(),
        credential_id,
        address: actor.origin.address.map(|address| address.to_string()),
        user_agent: actor.origin.user_agent.clone(),
        request_id: actor.origin.request_id.map(|id| id.to_string()),
        elevated_until: actor
            .standing
            .as_ref()
            .and_then(Standing::elevated_until)
            .map(Timestamp::unix_seconds),
    }
}
