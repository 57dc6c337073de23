//! The audit trail as it is read: newest first, one organization at a time.

use domain::access::Grant;
use domain::audit::{AuditActor, AuditEntry, AuditRecord, Verb};

use domain::page::{Page, invalid_cursor};
use domain::time::Timestamp;

use crate::dialect::Row;
use crate::error::Result;
use crate::{Store, args};

/// How many records are read at once while those of an actor are looked for.
const STEP: i64 = 500;

/// Which records are wanted; an empty list means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of these verbs, by name.
    pub verbs: Vec<String>,
    /// In these projects.
    pub project_ids: Vec<String>,
    /// By these users.
    pub actor_ids: Vec<String>,
    /// By users of these addresses.
    pub actor_emails: Vec<String>,
    /// About these things.
    pub target_ids: Vec<String>,
    /// From here on.
    pub from: Option<Timestamp>,
    /// Before here.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    fn wants(&self, actor: &AuditActor) -> bool {
        let email = actor.email.as_deref().unwrap_or("");
        (self.actor_ids.is_empty() || self.actor_ids.contains(&actor.id))
            && (self.actor_emails.is_empty() || self.actor_emails.iter().any(|wanted| wanted == email))
    }
}

/// From where a page of the trail is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuditCursor {
    /// From the newest.
    #[default]
    Newest,
    /// What is older than the record of this id.
    After(String),
    /// What is just newer than the record of this id.
    Before(String),
}

/// Reads a record.
pub(crate) fn read_audit_record(row: &Row) -> Result<AuditRecord> {
    Ok(AuditRecord {
        id: row.id("id")?,
        organization_id: row.text("organization_id")?.parse().ok(),
        sequence: row.int("sequence")?,
        at: row.time("at")?,
        actor: row.json("actor")?,
        entry: AuditEntry {
            verb: row.word("verb", Verb::parse)?,
            target_id: row.text("target_id")?,
            project_id: row.opt_id("project_id")?,
            before: row.json("before_json")?,
            after: row.json("after_json")?,
        },
        count: row.int("count")?,
        previous_hash: row.text("previous_hash")?,
        hash: row.text("hash")?,
    })
}

macro_rules! listed {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, sequence, at, actor, verb, target_id, project_id, before_json, after_json, \
             count, previous_hash, hash from audit_records where organization_id = $1 \
             and ($2 or verb in list($3)) and ($4 or project_id in list($5)) and ($6 or target_id in list($7)) \
             and at >= $8 and at < $9 and ",
            $rest
        )
    };
}

const OLDER: &str = listed!("sequence < $10 order by sequence desc limit $11");
const NEWER: &str = listed!("sequence > $10 order by sequence limit $11");

/// A page of the trail of the grant's organization, newest first.
///
/// # Errors
/// `invalid_cursor` when the cursor names no record of the organization; `Unavailable` when the database is away.
pub async fn list_audit_records(
    store: &Store,
    grant: &Grant,
    filter: &AuditFilter,
    cursor: &AuditCursor,
    limit: i64,
) -> Result<Page<AuditRecord>> {
    let organization = grant.organization_id().map(|id| id.to_string()).unwrap_or_default();
    let is_backwards = matches!(cursor, AuditCursor::Before(_));
    let mut place = match cursor {
        AuditCursor::Newest => i64::MAX,
        AuditCursor::After(id) | AuditCursor::Before(id) => {
            let sql = "select sequence from audit_records where organization_id = $1 and id = $2";
            let row = store.row(sql, args![&organization, id]).await?;
            let param = if is_backwards { "before" } else { "after" };
            row.ok_or_else(|| invalid_cursor(param))?.int("sequence")?
        }
    };
    let wanted = usize::try_from(limit).unwrap_or(0).saturating_add(1);
    let mut found = Vec::new();
    while found.len() < wanted {
        let args = args![
            &organization,
            filter.verbs.is_empty(),
            filter.verbs.clone(),
            filter.project_ids.is_empty(),
            filter.project_ids.clone(),
            filter.target_ids.is_empty(),
            filter.target_ids.clone(),
            filter.from.map_or(i64::MIN, Timestamp::unix_micros),
            filter.until.map_or(i64::MAX, Timestamp::unix_micros),
            place,
            STEP,
        ];
        let rows = store.rows(if is_backwards { NEWER } else { OLDER }, args).await?;
        let records = rows.iter().map(read_audit_record).collect::<Result<Vec<_>>>()?;
        place = records.last().map_or(place, |record| record.sequence);
        let is_last = records.len() < usize::try_from(STEP).unwrap_or(usize::MAX);
        found.extend(records.into_iter().filter(|record| filter.wants(&record.actor)));
        if is_last {
            break;
        }
    }
    let mut page = Page::from_read(found, limit);
    if is_backwards {
        page.items.reverse();
    }
    Ok(page)
}
