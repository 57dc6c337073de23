//! Mails on their way: letters with links, written in the change that made the link, and notices, written from the
//! feed. What is in them is sealed until it is sent, and gone afterwards.

use domain::access::Grant;
use domain::ids::{MailId, OrganizationId, UserId};
use domain::messages::{Audience, DeliveryState, Letter, Mail, Notice};
use domain::page::{Page, PageRequest};
use domain::time::Timestamp;

use crate::change::Change;
use crate::deliveries::Happened;
use crate::dialect::{Row, Value};
use crate::error::{Error, Result};
use crate::measurement::Measurement;
use crate::secrets::{Aad, Secrets};
use crate::{Store, args};

const INSERT: &str = "insert into mails (id, organization_id, event_id, kind, recipient, body, state, attempts, \
     created_at, next_at, claimed_until) values ($1, $2, $3, $4, $5, $6, 'pending', 0, $7, $7, 0)";

/// What writing mails needs: how they are sealed, and how the console is reached.
pub struct Post<'a> {
    /// What seals them.
    pub secrets: &'a Secrets,
    /// How people reach this server.
    pub public_url: &'a str,
}

/// A mail to send now.
#[derive(Clone, Debug)]
pub struct DueMail {
    /// The mail.
    pub mail: Mail,
    /// What it says.
    pub letter: Letter,
}

impl Store {
    /// Claims mails that are due until a moment, the oldest first.
    ///
    /// # Errors
    /// `Corrupt` when one does not open.
    pub async fn claim_mails(
        &self,
        secrets: &Secrets,
        limit: i64,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<Vec<DueMail>> {
        const DUE: &str = "select * from mails where state = 'pending' and next_at <= $1 and claimed_until <= $1 \
             order by next_at, id limit $2";
        if self.row(DUE, args![now, 1]).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.measure().await?;
        let mut due = Vec::new();
        for row in tx.rows(DUE, args![now, limit]).await? {
            let mail = mail_of(&row)?;
            let sql = "update mails set claimed_until = $2 where id = $1 and claimed_until <= $3 and state = 'pending'";
            if tx.run(sql, args![mail.id, until, now]).await? > 0 {
                let letter = opened(secrets, mail.id, &row.bytes("body")?)?;
                due.push(DueMail { mail, letter });
            }
        }
        tx.commit().await?;
        Ok(due)
    }

    /// Writes down what became of a mail: taken, to be tried again, or given up. What it said is forgotten with the
    /// end. A refusal of the address itself is kept with the address.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn record_mail(
        &self,
        mail: &Mail,
        error: Option<&str>,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let state = match (error, next_at) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Pending,
            (Some(_), None) => DeliveryState::Failed,
        };
        let ended_at = (state != DeliveryState::Pending).then_some(now);
        let mut tx = self.measure().await?;
        tx.run(
            "update mails set state = $2, attempts = attempts + 1, first_at = coalesce(first_at, $3), next_at = $4, \
             claimed_until = 0, ended_at = $5, last_error = $6, \
             body = case when $7 then $8 else body end where id = $1",
            args![
                mail.id,
                state.name(),
                now,
                next_at.unwrap_or(now),
                ended_at,
                error.map(str::to_owned),
                ended_at.is_some(),
                Vec::<u8>::new()
            ],
        )
        .await?;
        match state {
            DeliveryState::Delivered => {
                tx.run("delete from mail_refusals where recipient = $1", args![&mail.recipient]).await?;
            }
            DeliveryState::Failed => {
                let sql = "insert into mail_refusals (recipient, at, reason) values ($1, $2, $3) \
                           on conflict (recipient) do update set at = excluded.at, reason = excluded.reason";
                tx.run(sql, args![&mail.recipient, now, error.unwrap_or_default()]).await?;
            }
            DeliveryState::Pending => {}
        }
        tx.commit().await
    }

    /// A page of the mails of the grant's organization, newest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn mails(&self, grant: &Grant, page: &PageRequest) -> Result<Page<Mail>> {
        let sql = "select * from mails where organization_id = $1 and ($2 = '' or id < $2) order by id desc limit $3";
        let after = page.after.clone().unwrap_or_default();
        let rows = self.rows(sql, args![grant.organization_id(), after, page.limit + 1]).await?;
        Ok(Page::from_read(rows.iter().map(mail_of).collect::<Result<_>>()?, page.limit))
    }

    /// Why mails to an address were last refused for good, and when.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn mail_refusal(&self, recipient: &str) -> Result<Option<(Timestamp, String)>> {
        let row =
            self.row("select at, reason from mail_refusals where recipient = $1", args![recipient]).await?;
        row.map(|row| Ok((row.time("at")?, row.text("reason")?))).transpose()
    }

    /// The notices that a person has switched off in an organization.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn notices_off(&self, user: UserId, organization: OrganizationId) -> Result<Vec<Notice>> {
        let sql =
            "select notice from notices_off where user_id = $1 and organization_id = $2 order by notice";
        let rows = self.rows(sql, args![user, organization]).await?;
        rows.iter().map(|row| row.word("notice", Notice::parse)).collect()
    }
}

impl Change {
    /// Writes a letter in the same transaction as what it tells of.
    ///
    /// # Errors
    /// `Unavailable` when the database or the random source is away.
    pub async fn insert_mail(
        &mut self,
        organization: OrganizationId,
        recipient: &str,
        letter: &Letter,
        secrets: &Secrets,
    ) -> Result<MailId> {
        let id = MailId::from_parts(self.at(), crate::random_u128()?);
        let args = mail_args(id, organization, None, (recipient, letter), (secrets, self.at()))?;
        self.run(INSERT, args).await?;
        Ok(id)
    }

    /// Switches a notice off or on for a person.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn set_notice(
        &mut self,
        user: UserId,
        organization: OrganizationId,
        notice: Notice,
        is_on: bool,
    ) -> Result<()> {
        let args = args![user, organization, notice.name()];
        let sql = match is_on {
            true => "delete from notices_off where user_id = $1 and organization_id = $2 and notice = $3",
            false => {
                "insert into notices_off (user_id, organization_id, notice) values ($1, $2, $3) \
                      on conflict (user_id, organization_id, notice) do nothing"
            }
        };
        self.run(sql, args).await.map(drop)
    }
}

/// Writes the notices that events cause: each person once for an event, none to who did it.
pub(crate) async fn notify(
    tx: &mut Measurement,
    happened: &[Happened],
    post: &Post<'_>,
    now: Timestamp,
) -> Result<()> {
    for event in happened {
        let Some(notice) = Notice::of(event.verb) else { continue };
        let mut told: Vec<(String, String)> = Vec::new();
        for audience in notice.audience() {
            told.extend(people(tx, event, *audience).await?);
        }
        told.sort_unstable();
        told.dedup();
        told.retain(|(user, _)| *user != event.actor.id);
        if told.is_empty() {
            continue;
        }
        let letter = letter(tx, event, notice, post).await?;
        for (user, email) in told {
            if !is_off(tx, &user, event.organization_id, notice).await? {
                let id = MailId::from_parts(now, crate::random_u128()?);
                let event_id = Some(event.id.to_string());
                tx.run(
                    INSERT,
                    mail_args(id, event.organization_id, event_id, (&email, &letter), (post.secrets, now))?,
                )
                .await?;
            }
        }
    }
    Ok(())
}

async fn is_off(
    tx: &mut Measurement,
    user: &str,
    organization: OrganizationId,
    notice: Notice,
) -> Result<bool> {
    let sql = "select notice from notices_off where user_id = $1 and organization_id = $2 and notice = $3";
    Ok(tx.row(sql, args![user, organization, notice.name()]).await?.is_some())
}

async fn letter(tx: &mut Measurement, event: &Happened, notice: Notice, post: &Post<'_>) -> Result<Letter> {
    let sql = "select name, slug from organizations where id = $1";
    let row = tx.row(sql, args![event.organization_id]).await?;
    let (name, slug) = match row {
        Some(row) => (row.text("name")?, row.text("slug")?),
        None => (String::new(), String::new()),
    };
    let named = ["name", "email"].iter().find_map(|field| {
        let side = if event.after.is_null() { &event.before } else { &event.after };
        side.get(*field)?.as_str().map(str::to_owned)
    });
    Ok(Letter::Notice {
        notice: notice.name().to_owned(),
        organization: name,
        verb: event.verb.name().to_owned(),
        actor: event.actor.email.clone().unwrap_or_else(|| "The system".to_owned()),
        target: named.unwrap_or_else(|| event.target_id.clone()),
        at: event.at.to_string(),
        link: format!("{}/o/{slug}", post.public_url),
    })
}

/// The ids and addresses of those whom an event concerns.
async fn people(tx: &mut Measurement, event: &Happened, audience: Audience) -> Result<Vec<(String, String)>> {
    const ADMINS: &str = "select u.id, u.email from members m join users u on u.id = m.user_id \
         where m.organization_id = $1 and m.role = 'admin' and m.suspended_at is null";
    const OWNERS: &str = "select u.id, u.email from project_members p join users u on u.id = p.user_id \
         where p.organization_id = $1 and p.project_id = $2 and p.role = 'owner'";
    const KEY_OWNER: &str = "select u.id, u.email from api_keys k \
         left join service_accounts s on s.id = k.owner_service_account_id \
         join users u on u.id = coalesce(s.key_owner_id, k.owner_user_id) \
         where k.organization_id = $1 and k.id = $2";
    const MEMBER: &str = "select u.id, u.email from members m join users u on u.id = m.user_id \
         where m.organization_id = $1 and m.user_id = $2";
    let organization = event.organization_id;
    let of_target = |id: &str| args![organization, id];
    let rows = match audience {
        Audience::Admins => tx.rows(ADMINS, args![organization]).await?,
        Audience::ProjectOwners => {
            let project = event.project_id.clone().unwrap_or_else(|| event.target_id.clone());
            tx.rows(OWNERS, of_target(&project)).await?
        }
        Audience::KeyOwner => tx.rows(KEY_OWNER, of_target(&event.target_id)).await?,
        Audience::Person => tx.rows(MEMBER, of_target(&event.target_id)).await?,
        Audience::Requester => {
            let requester = ["after", "before"].iter().find_map(|side| {
                let facts = if *side == "after" { &event.after } else { &event.before };
                facts.get("requester_id")?.as_str()
            });
            tx.rows(MEMBER, of_target(requester.unwrap_or_default())).await?
        }
    };
    rows.iter().map(|row| Ok((row.text("id")?, row.text("email")?))).collect()
}

fn mail_args(
    id: MailId,
    organization: OrganizationId,
    event_id: Option<String>,
    (recipient, letter): (&str, &Letter),
    (secrets, at): (&Secrets, Timestamp),
) -> Result<[Value; 7]> {
    let text = serde_json::to_vec(letter).map_err(|error| Error::Corrupt(error.to_string()))?;
    let body = secrets.seal(place(&id.to_string()), &text)?;
    Ok(args![id, organization, event_id, letter.kind(), recipient, body, at])
}

fn place(id: &str) -> Aad<'_> {
    Aad { organization: "", table: "mails", row: id, version: 1 }
}

fn opened(secrets: &Secrets, id: MailId, sealed: &[u8]) -> Result<Letter> {
    let text = secrets.open(place(&id.to_string()), sealed)?;
    serde_json::from_slice(&text).map_err(|error| Error::Corrupt(error.to_string()))
}

fn mail_of(row: &Row) -> Result<Mail> {
    Ok(Mail {
        id: row.id("id")?,
        kind: row.text("kind")?,
        recipient: row.text("recipient")?,
        state: row.word("state", DeliveryState::parse)?,
        attempts: row.int("attempts")?,
        created_at: row.time("created_at")?,
        first_at: row.opt_time("first_at")?,
        ended_at: row.opt_time("ended_at")?,
        last_error: row.opt_text("last_error")?,
    })
}
