//! Approvals: requests that wait for a second person, and what was carried out for a stated time.

use domain::access::{Grant, Permission, RoleRef};
use domain::approvals::{Approval, Asked, Decider, Kind, MOST_WAITING, State};
use domain::ids::{ApprovalId, OrganizationId, ProjectId, UserId};
use domain::members::User;
use domain::page::{Order, Page, PageRequest};
use domain::time::Timestamp;

use crate::reached::cursor;
use crate::users::joined_user;
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "approval";

/// An approval with the people in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedApproval {
    /// The approval.
    pub approval: Approval,
    /// Who asked.
    pub requester: User,
    /// Who decided; none while it waits, or where nobody did.
    pub decider: Option<User>,
}

/// Which approvals are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// In this state at the moment.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Asked for by this person.
    pub requested_by: Option<UserId>,
}

/// Something of an organization whose time has come.
pub type Due = (OrganizationId, ApprovalId);

/// The start of a statement that reads approvals with their people.
macro_rules! select_approvals {
    ($rest:literal) => {
        concat!(
            "select a.*, q.email as requester_email, q.name as requester_name, q.created_at as requester_created_at, \
             d.email as decider_email, d.name as decider_name, d.created_at as decider_created_at \
             from approvals a join users q on q.id = a.requested_by left join users d on d.id = a.decided_by \
             where a.organization_id = $1 and ",
            $rest
        )
    };
}

/// The rest of a list: state, kind, requester, cursor, limit.
macro_rules! listed {
    ($order:literal) => {
        concat!(
            select_approvals!(
                "($2 = '' or $2 = case when a.state = 'pending' and a.expires_at <= $3 then 'expired' else a.state end) \
                 and ($4 = '' or a.kind = $4) and ($5 = '' or a.requested_by = $5) and a.id "
            ),
            $order
        )
    };
}

impl Store {
    /// One approval of the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn approval(&self, grant: &Grant, id: ApprovalId) -> Result<AskedApproval> {
        let row = self.row(select_approvals!("a.id = $2"), args![grant.organization_id(), id]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read_asked)
    }

    /// Approvals of the grant's organization, by when they were asked for.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn approvals(
        &self,
        grant: &Grant,
        filter: ApprovalFilter,
        at: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<AskedApproval>> {
        let sql = match page.order {
            Order::Ascending => listed!("> $6 order by a.id limit $7"),
            Order::Descending => listed!("< $6 order by a.id desc limit $7"),
        };
        let args = args![
            grant.organization_id(),
            filter.state.map_or("", State::name),
            at,
            filter.kind.map_or("", Kind::name),
            filter.requested_by.map(|id| id.to_string()).unwrap_or_default(),
            cursor(page),
            page.limit + 1,
        ];
        let rows = self.rows(sql, args).await?;
        Ok(Page::from_read(rows.iter().map(read_asked).collect::<Result<_>>()?, page.limit))
    }

    /// How many requests of other people wait in the grant's organization.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn waiting_approvals(&self, grant: &Grant, viewer: UserId, at: Timestamp) -> Result<i64> {
        let sql = "select count(*) as waiting from approvals where organization_id = $1 and state = 'pending' \
                   and expires_at > $2 and requested_by <> $3";
        let row = self.row(sql, args![grant.organization_id(), at, viewer]).await?;
        row.map_or(Ok(0), |row| row.int("waiting"))
    }

    /// What was carried out for a time and is in force in the grant's organization, what ends last first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn approvals_in_force(&self, grant: &Grant, at: Timestamp) -> Result<Vec<AskedApproval>> {
        let sql = select_approvals!(
            "a.state = 'approved' and a.ended_at is null and a.ends_at > $2 order by a.ends_at desc limit 500"
        );
        let rows = self.rows(sql, args![grant.organization_id(), at]).await?;
        rows.iter().map(read_asked).collect()
    }

    /// Requests of all organizations that nobody decided in time, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn overdue_approvals(&self, _: &Grant, at: Timestamp, limit: i64) -> Result<Vec<Due>> {
        let sql = "select organization_id, id from approvals where state = 'pending' and expires_at <= $1 \
                   order by expires_at limit $2";
        self.rows(sql, args![at, limit]).await?.iter().map(read_due).collect()
    }

    /// What was carried out for a time in all organizations and ran out, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn run_out_approvals(&self, _: &Grant, at: Timestamp, limit: i64) -> Result<Vec<Due>> {
        let sql = "select organization_id, id from approvals where ends_at is not null and ended_at is null \
                   and ends_at <= $1 order by ends_at limit $2";
        self.rows(sql, args![at, limit]).await?.iter().map(read_due).collect()
    }
}

impl Change {
    /// Adds a request, unless the same person waits for the same kind of thing about the same subject, or for too much.
    ///
    /// # Errors
    /// `already_requested`, `too_many_requests_waiting`.
    pub async fn insert_approval(&mut self, approval: &Approval) -> Result<()> {
        let sql = "select count(*) as waiting from approvals where organization_id = $1 and requested_by = $2 \
                   and state = 'pending' and expires_at > $3";
        let args = args![approval.organization_id, approval.requested_by, self.at()];
        let waiting = self.row(sql, args).await?.map_or(Ok(0), |row| row.int("waiting"))?;
        if waiting >= MOST_WAITING {
            return Err(Error::Conflict {
                code: "too_many_requests_waiting",
                message: format!("{MOST_WAITING} of your requests wait already. Withdraw one to ask again."),
            });
        }
        let sql = "select id from approvals where organization_id = $1 and requested_by = $2 and kind = $3 \
                   and subject_id = $4 and state = 'pending' and expires_at > $5 limit 1";
        let kind = approval.asked.kind().name();
        let (organization, by, subject) =
            (approval.organization_id, approval.requested_by, &approval.subject_id);
        if self.row(sql, args![organization, by, kind, subject, self.at()]).await?.is_some() {
            return Err(Error::Conflict {
                code: "already_requested",
                message: "You asked for this already. Withdraw that request to ask differently.".to_owned(),
            });
        }
        self.run(
            "insert into approvals (id, organization_id, kind, payload, reason, requested_by, subject_id, \
             decide_permission, decide_project_id, created_at, expires_at, state, note) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            args![
                approval.id,
                organization,
                kind,
                &approval.asked.payload(),
                &approval.reason,
                by,
                subject,
                approval.decider.permission.name(),
                approval.decider.project_id,
                approval.created_at,
                approval.expires_at,
                approval.state.name(),
                &approval.note,
            ],
        )
        .await
        .map(drop)
    }

    /// An approval of the grant's organization, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn lock_approval(&mut self, grant: &Grant, id: ApprovalId) -> Result<Approval> {
        let sql = "select * from approvals where organization_id = $1 and id = $2 for update";
        let row = self.row(sql, args![grant.organization_id(), id]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read_approval)
    }

    /// What the acting person was given of a kind about a subject, that is in force and ends by itself, locked.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn lock_approvals_in_force(
        &mut self,
        grant: &Grant,
        by: UserId,
        (kind, subject): (Kind, String),
    ) -> Result<Vec<Approval>> {
        let sql = "select * from approvals where organization_id = $1 and requested_by = $2 and kind = $3 \
                   and subject_id = $4 and state = 'approved' and ended_at is null and ends_at > $5 \
                   order by id for update";
        let args = args![grant.organization_id(), by, kind.name(), subject, self.at()];
        self.rows(sql, args).await?.iter().map(read_approval).collect()
    }

    /// Writes what has become of an approval.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_approval(&mut self, approval: &Approval) -> Result<()> {
        self.run(
            "update approvals set state = $2, decided_by = $3, decided_at = $4, note = $5, ends_at = $6, \
             ended_at = $7 where id = $1",
            args![
                approval.id,
                approval.state.name(),
                approval.decided_by,
                approval.decided_at,
                &approval.note,
                approval.ends_at,
                approval.ended_at
            ],
        )
        .await
        .map(drop)
    }

    /// Gives a role of the organization that ends by itself; what was given for good is never touched.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn give_role_until(
        &mut self,
        approval: &Approval,
        (user, role): (UserId, RoleRef),
        ends_at: Timestamp,
    ) -> Result<()> {
        self.run(
            "insert into role_assignments (organization_id, principal_id, project_id, role, given_by, given_at, \
             ends_at) values ($1, $2, '', $3, $4, $5, $6) \
             on conflict (organization_id, principal_id, project_id, role) do update \
             set given_by = excluded.given_by, given_at = excluded.given_at, ends_at = excluded.ends_at \
             where role_assignments.ends_at is not null",
            args![
                approval.organization_id,
                user,
                role.to_string(),
                approval.decided_by,
                self.at(),
                ends_at
            ],
        )
        .await
        .map(drop)
    }

    /// Takes the role away that an approval gave until its end; one that a later approval gave stays.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn end_role(&mut self, approval: &Approval, (user, role): (UserId, RoleRef)) -> Result<()> {
        let sql = "delete from role_assignments where organization_id = $1 and principal_id = $2 \
                   and project_id = '' and role = $3 and ends_at = $4";
        let args = args![approval.organization_id, user, role.to_string(), approval.ends_at];
        self.run(sql, args).await.map(drop)
    }
}

fn read_due(row: &Row) -> Result<Due> {
    Ok((row.id("organization_id")?, row.id("id")?))
}

fn read_asked(row: &Row) -> Result<AskedApproval> {
    let approval = read_approval(row)?;
    let requester = joined_user(row, "requester", Some(approval.requested_by))?;
    let requester = requester.ok_or_else(|| Error::Corrupt("a requester is not there".to_owned()))?;
    let decider = joined_user(row, "decider", approval.decided_by)?;
    Ok(AskedApproval { approval, requester, decider })
}

fn read_approval(row: &Row) -> Result<Approval> {
    let kind = row.word("kind", Kind::parse)?;
    let asked = Asked::read(kind, row.json("payload")?);
    Ok(Approval {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        asked: asked.map_err(|error| Error::Corrupt(format!("the payload of an approval: {error}")))?,
        reason: row.text("reason")?,
        requested_by: row.id("requested_by")?,
        subject_id: row.text("subject_id")?,
        decider: Decider {
            permission: row.word("decide_permission", Permission::parse)?,
            project_id: row.opt_id::<ProjectId>("decide_project_id")?,
        },
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        state: row.word("state", State::parse)?,
        decided_by: row.opt_id("decided_by")?,
        decided_at: row.opt_time("decided_at")?,
        note: row.text("note")?,
        ends_at: row.opt_time("ends_at")?,
        ended_at: row.opt_time("ended_at")?,
    })
}
