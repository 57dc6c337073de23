//! Hand-overs: rows of `handovers`, read with the names of what and whom they are about; opening, deciding, ending.

use domain::access::Grant;
use domain::handovers::{Cause, Handover, NEEDED_WITHIN, State, Subject, time_of};
use domain::ids::{HandoverId, KeyId, OrganizationId, ProjectId, UserId};
use domain::members::User;
use domain::page::{Order, Page, PageRequest};
use domain::policy::Setting;
use domain::time::Timestamp;

use crate::api_keys::owner_active;
use crate::reached::{Reached, cursor};
use crate::users::{joined_user, user_of};
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "handover";

/// Whether an open hand-over keeps the key `k` going without its owner.
macro_rules! in_handover {
    () => {
        "exists (select 1 from handovers h where h.subject_id = k.id and h.state = 'open')"
    };
}
pub(crate) use in_handover;

macro_rules! select_handovers {
    ($which:literal) => {
        concat!(
            "select h.*, p.name as project_name, coalesce(k.name, s.name, p.name) as subject_name, \
             f.email as from_email, f.name as from_name, f.created_at as from_created_at, \
             t.email as to_email, t.name as to_name, t.created_at as to_created_at \
             from handovers h join projects p on p.id = h.project_id \
             left join api_keys k on k.id = h.subject_id left join service_accounts s on s.id = h.subject_id \
             left join users f on f.id = h.from_user_id left join users t on t.id = h.to_user_id \
             where h.organization_id = $1 and ($2 or h.project_id in list($3)) and ",
            $which
        )
    };
}

/// A hand-over with the names that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHandover {
    /// The hand-over.
    pub handover: Handover,
    /// The name of its project.
    pub project_name: String,
    /// The name of what lost its owner.
    pub subject_name: String,
    /// Who owned it; none where they are not known any more.
    pub from: Option<User>,
    /// Who owns it now, once it is resolved.
    pub to: Option<User>,
}

/// Which hand-overs are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoverFilter {
    /// Of this project alone.
    pub project_id: Option<ProjectId>,
    /// In this state alone.
    pub state: Option<State>,
}

/// Whose things lose their owner, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The person.
    pub from: UserId,
    /// The only project that they lose; none for the organization.
    pub project_id: Option<ProjectId>,
    /// Why.
    pub cause: Cause,
}

impl Store {
    /// One hand-over within the grant's reach.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn handover(&self, grant: &Grant, id: HandoverId) -> Result<NamedHandover> {
        let to = Reached::of(grant);
        let args = args![to.organization, to.all, to.whole, id];
        let row = self.row(select_handovers!("h.id = $4"), args).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), named)
    }

    /// A page of the hand-overs within the grant's reach, by when they were opened.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn handovers(
        &self,
        grant: &Grant,
        filter: HandoverFilter,
        page: &PageRequest,
    ) -> Result<Page<NamedHandover>> {
        let sql = match page.order {
            Order::Ascending => select_handovers!(
                "($4 = '' or h.project_id = $4) and ($5 = '' or h.state = $5) and h.id > $6 order by h.id limit $7"
            ),
            Order::Descending => select_handovers!(
                "($4 = '' or h.project_id = $4) and ($5 = '' or h.state = $5) and h.id < $6 \
                 order by h.id desc limit $7"
            ),
        };
        let to = Reached::of(grant);
        let project = filter.project_id.map(|id| id.to_string()).unwrap_or_default();
        let state = filter.state.map_or("", State::name);
        let args = args![to.organization, to.all, to.whole, project, state, cursor(page), page.limit + 1];
        let rows = self.rows(sql, args).await?;
        Ok(Page::from_read(rows.iter().map(named).collect::<Result<_>>()?, page.limit))
    }

    /// How many hand-overs within the grant's reach are open.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn count_open_handovers(&self, grant: &Grant) -> Result<u64> {
        let sql = "select count(*) as open from handovers where organization_id = $1 \
                   and ($2 or project_id in list($3)) and state = 'open'";
        let to = Reached::of(grant);
        let row = self.row(sql, args![to.organization, to.all, to.whole]).await?;
        row.map_or(Ok(0), |row| Ok(row.int("open")?.unsigned_abs()))
    }

    /// Open hand-overs of all organizations whose deadline has passed, at most `limit`.
    ///
    /// # Errors
    /// `NotFound` for a grant that does not reach everything.
    pub async fn due_handovers(
        &self,
        grant: &Grant,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<(OrganizationId, HandoverId)>> {
        let sql = "select organization_id, id from handovers where state = 'open' and due_at <= $1 and $2 \
                   order by due_at, id limit $3";
        let rows = self.rows(sql, args![at, Reached::of(grant).all, limit]).await?;
        rows.iter().map(|row| Ok((row.id("organization_id")?, row.id("id")?))).collect()
    }

    /// Members who may have keys of their own in a project within the grant's reach, by name, at most 500: those to whom
    /// what lost its owner there can go.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn heirs_in(&self, grant: &Grant, project: ProjectId) -> Result<Vec<User>> {
        const SQL: &str = concat!(
            "select u.id, u.email, u.name, u.created_at from (select organization_id, user_id as owner_user_id, \
               cast(null as text) as owner_service_account_id, cast($2 as text) as project_id from members \
               where organization_id = $1) k join users u on u.id = k.owner_user_id \
             left join service_accounts s on s.id = k.owner_service_account_id \
             left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id \
             left join project_members pm on pm.project_id = k.project_id and pm.user_id = k.owner_user_id \
             where ($3 or $2 in list($4)) and ",
            owner_active!(),
            " order by u.name, u.id limit 500"
        );
        let to = Reached::of(grant);
        let rows = self.rows(SQL, args![to.organization, project, to.all, to.whole]).await?;
        rows.iter().map(user_of).collect()
    }

    /// Those of some keys that do not work any more: revoked, disabled, ended, of an archived project, or without an owner
    /// who may use them.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn keys_that_ended(&self, grant: &Grant, keys: &[KeyId], at: Timestamp) -> Result<Vec<KeyId>> {
        const SQL: &str = concat!(
            "select k.id from api_keys k left join projects p on p.id = k.project_id \
             left join service_accounts s on s.id = k.owner_service_account_id \
             left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id \
             left join project_members pm on pm.project_id = k.project_id and pm.user_id = k.owner_user_id \
             where k.id in list($1) and $2 and (k.revoked_at is not null or k.disabled_at is not null or p.archived_at is not null \
             or k.expires_at <= $3 or not (",
            owner_active!(),
            " or ",
            in_handover!(),
            "))"
        );
        let ids: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let rows = self.rows(SQL, args![ids, Reached::of(grant).all, at]).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}

impl Change {
    /// Opens a hand-over for each thing that loses its owner and does not go dark for it: service accounts whose key
    /// owner they were; own keys that a production project needs, where they work now; and, of the whole organization,
    /// projects that lose their last owner or their accountable one. Call it while the person still has it all.
    /// What is in the queue already stays as it is.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn open_handovers(&mut self, grant: &Grant, loss: Loss) -> Result<Vec<Handover>> {
        const ACCOUNTS: &str = "select 'service_account' as kind, s.id, s.project_id from service_accounts s \
             where s.organization_id = $1 and s.key_owner_id = $2 and ($3 = '' or s.project_id = $3) \
             and s.deleted_at is null order by s.id";
        const KEYS: &str = concat!(
            "select 'api_key' as kind, k.id, k.project_id from api_keys k join projects p on p.id = k.project_id \
             left join service_accounts s on s.id = k.owner_service_account_id \
             left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id \
             left join project_members pm on pm.project_id = k.project_id and pm.user_id = k.owner_user_id \
             where k.organization_id = $1 and k.owner_user_id = $2 and ($3 = '' or k.project_id = $3) \
             and p.environment = 'production' and p.archived_at is null and k.revoked_at is null \
             and k.disabled_at is null and (k.expires_at is null or k.expires_at > $4) and k.last_used_at > $5 and ",
            owner_active!(),
            " order by k.id"
        );
        const PROJECTS: &str = "select 'project' as kind, p.id, p.id as project_id from projects p \
             where p.organization_id = $1 and p.archived_at is null and (p.accountable_owner_id = $2 or (exists \
               (select 1 from project_members x where x.project_id = p.id and x.user_id = $2 and x.role = 'owner') \
               and not exists (select 1 from project_members o join members m on m.organization_id = o.organization_id \
                 and m.user_id = o.user_id where o.project_id = p.id and o.role = 'owner' and o.user_id <> $2 \
                 and m.suspended_at is null))) order by p.id";
        let (organization, from, at) = (grant.organization_id(), loss.from, self.at());
        let project = loss.project_id.map(|id| id.to_string()).unwrap_or_default();
        let mut lost = self.rows(ACCOUNTS, args![organization, from, &project]).await?;
        let needed_since = at.plus_micros(-NEEDED_WITHIN);
        lost.extend(self.rows(KEYS, args![organization, from, &project, at, needed_since]).await?);
        if loss.project_id.is_none() {
            lost.extend(self.rows(PROJECTS, args![organization, from]).await?);
        }
        let due_at = at.plus_micros(time_of(&self.own_setting(grant, Setting::HandoverDeadline).await?));
        let mut opened = Vec::new();
        for row in &lost {
            let handover = Handover {
                id: HandoverId::from_parts(at, crate::random_u128()?),
                organization_id: organization.ok_or(Error::not_found("organization"))?,
                project_id: row.id("project_id")?,
                subject: subject_of(&row.text("kind")?, &row.text("id")?)?,
                from,
                cause: loss.cause,
                opened_at: at,
                due_at,
                state: State::Open,
                to: None,
                closed_by: None,
                closed_at: None,
            };
            if self.insert_handover(&handover).await? {
                opened.push(handover);
            }
        }
        Ok(opened)
    }

    async fn insert_handover(&mut self, handover: &Handover) -> Result<bool> {
        let sql = "insert into handovers (id, organization_id, project_id, kind, subject_id, from_user_id, cause, \
                   opened_at, due_at, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open') \
                   on conflict (subject_id) where state = 'open' do nothing";
        let args = args![
            handover.id,
            handover.organization_id,
            handover.project_id,
            handover.subject.kind(),
            handover.subject.id(),
            handover.from,
            handover.cause.name(),
            handover.opened_at,
            handover.due_at,
        ];
        Ok(self.run(sql, args).await? > 0)
    }

    /// One hand-over within the grant's reach, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn lock_handover(&mut self, grant: &Grant, id: HandoverId) -> Result<Handover> {
        let sql = "select * from handovers where organization_id = $1 and ($2 or project_id in list($3)) \
                   and id = $4 for update";
        let to = Reached::of(grant);
        let row = self.row(sql, args![to.organization, to.all, to.whole, id]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), handover_of)
    }

    /// Writes what became of a hand-over.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_handover(&mut self, handover: &Handover) -> Result<()> {
        let sql =
            "update handovers set state = $2, to_user_id = $3, closed_by = $4, closed_at = $5 where id = $1";
        let args =
            args![handover.id, handover.state.name(), handover.to, handover.closed_by, handover.closed_at];
        self.run(sql, args).await.map(drop)
    }

    /// The hand-overs of what a person owned that are open, or expired and were not decided since, by project.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn handovers_from(&mut self, grant: &Grant, from: UserId) -> Result<Vec<Handover>> {
        let sql = "select * from handovers where from_user_id = $1 and organization_id = $2 \
                   and state in ('open', 'expired') order by project_id, id";
        let rows = self.rows(sql, args![from, grant.organization_id()]).await?;
        rows.iter().map(handover_of).collect()
    }

    /// Closes the hand-over of something that was decided elsewhere: given to somebody, or ended.
    pub(crate) async fn close_handover_of(
        &mut self,
        subject: &str,
        (state, to): (State, Option<UserId>),
    ) -> Result<()> {
        let by = self.acting_user();
        let sql = "update handovers set state = $2, to_user_id = $3, closed_by = $4, closed_at = $5 \
                   where subject_id = $1 and state in ('open', 'expired') and from_user_id <> coalesce($3, '')";
        self.run(sql, args![subject, state.name(), to, by, self.at()]).await.map(drop)
    }

    /// Whether a key works by itself: its owner may use it.
    ///
    /// # Errors
    /// `NotFound` when there is no such key, or it is revoked.
    pub async fn has_active_owner(&mut self, key: KeyId) -> Result<bool> {
        const SQL: &str = concat!(
            "select ",
            owner_active!(),
            " as owner_active from api_keys k left join service_accounts s on s.id = k.owner_service_account_id \
             left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id \
             left join project_members pm on pm.project_id = k.project_id and pm.user_id = k.owner_user_id \
             where k.id = $1 and k.revoked_at is null"
        );
        self.row(SQL, args![key]).await?.ok_or(Error::not_found("API key"))?.flag("owner_active")
    }

    /// Disables the keys of what expired, so that enabling undoes it; which they are.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn disable_keys_of(&mut self, subject: Subject) -> Result<Vec<KeyId>> {
        let sql = "update api_keys set disabled_at = $2 where (id = $1 or owner_service_account_id = $1) \
                   and disabled_at is null and revoked_at is null returning id";
        let rows = self.rows(sql, args![subject.id(), self.at()]).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Enables the keys that an expired hand-over disabled, and no others; which they are.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn enable_keys_of(&mut self, expired: &Handover) -> Result<Vec<KeyId>> {
        let sql = "update api_keys set disabled_at = null where (id = $1 or owner_service_account_id = $1) \
                   and disabled_at = $2 and revoked_at is null returning id";
        let rows = self.rows(sql, args![expired.subject.id(), expired.closed_at]).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}

fn subject_of(kind: &str, id: &str) -> Result<Subject> {
    Subject::parse(kind, id).ok_or_else(|| Error::Corrupt(format!("a hand-over is about {kind} {id}")))
}

fn handover_of(row: &Row) -> Result<Handover> {
    Ok(Handover {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        project_id: row.id("project_id")?,
        subject: subject_of(&row.text("kind")?, &row.text("subject_id")?)?,
        from: row.id("from_user_id")?,
        cause: row.word("cause", Cause::parse)?,
        opened_at: row.time("opened_at")?,
        due_at: row.time("due_at")?,
        state: row.word("state", State::parse)?,
        to: row.opt_id("to_user_id")?,
        closed_by: row.opt_id("closed_by")?,
        closed_at: row.opt_time("closed_at")?,
    })
}

fn named(row: &Row) -> Result<NamedHandover> {
    let handover = handover_of(row)?;
    Ok(NamedHandover {
        project_name: row.text("project_name")?,
        subject_name: row.text("subject_name")?,
        from: joined_user(row, "from", Some(handover.from))?,
        to: joined_user(row, "to", handover.to)?,
        handover,
    })
}
