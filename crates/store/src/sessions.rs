//! Signed-in browsers, attempts to sign in, and when each was last seen.

use domain::api_keys::KeyHash;
use domain::ids::{SessionId, UserId};
use domain::time::{MINUTE, Timestamp};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::Result;
use crate::{Store, args};

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// From which network address it signed in.
    pub address: Option<String>,
    /// With which browser.
    pub user_agent: Option<String>,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last seen, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

/// The person behind a session that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHolder {
    /// The session.
    pub session: Session,
    /// The person's address.
    pub email: String,
}

const COLUMNS: &str = "select s.id, s.user_id, s.address, s.user_agent, s.created_at, s.seen_at, s.ends_at, u.email \
     from sessions s join users u on u.id = s.user_id where s.token_hash = $1 and s.ends_at > $2 and s.seen_at > $3";

impl Store {
    /// The session of a token, unless it ended or was idle since `idle_since`. Notes that it was seen.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn session_holder(
        &self,
        token: &KeyHash,
        at: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<SessionHolder>> {
        let row = self.row(COLUMNS, args![token.bytes().to_vec(), at, idle_since]).await?;
        let Some(row) = row else { return Ok(None) };
        let holder = SessionHolder { session: session_of(&row)?, email: row.text("email")? };
        if at.micros_since(holder.session.seen_at) > MINUTE {
            let mut tx = self.measure().await?;
            tx.run("update sessions set seen_at = $2 where id = $1", args![holder.session.id, at]).await?;
            tx.commit().await?;
        }
        Ok(Some(holder))
    }

    /// The sessions of a person that stand, newest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn sessions_of(
        &self,
        user: UserId,
        at: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Vec<Session>> {
        let rows = self
            .rows(
                "select id, user_id, address, user_agent, created_at, seen_at, ends_at from sessions \
                 where user_id = $1 and ends_at > $2 and seen_at > $3 order by id desc limit 100",
                args![user, at, idle_since],
            )
            .await?;
        rows.iter().map(session_of).collect()
    }

    /// Counts an attempt to sign in and returns how many there were in its window, this one included.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn count_attempt(&self, subject: &str, window_start: Timestamp) -> Result<i64> {
        let mut tx = self.measure().await?;
        let row = tx
            .row(
                "insert into sign_in_attempts (subject, window_start, count) values ($1, $2, 1) \
                 on conflict (subject, window_start) do update set count = sign_in_attempts.count + 1 returning count",
                args![subject, window_start],
            )
            .await?;
        tx.commit().await?;
        row.map_or(Ok(1), |row| row.int("count"))
    }

    /// Forgets the attempts of a subject, after it proved itself, and those of windows long past.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn forget_attempts(&self, subject: &str, before: Timestamp) -> Result<()> {
        let mut tx = self.measure().await?;
        tx.run(
            "delete from sign_in_attempts where subject = $1 or window_start < $2",
            args![subject, before],
        )
        .await?;
        tx.commit().await
    }
}

impl Change {
    /// Adds a session.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_session(&mut self, session: &Session, token: &KeyHash) -> Result<()> {
        self.run("delete from sessions where ends_at < $1", args![session.created_at]).await?;
        self.run(
            "insert into sessions (id, token_hash, user_id, address, user_agent, created_at, seen_at, ends_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            args![
                session.id,
                token.bytes().to_vec(),
                session.user_id,
                session.address.clone(),
                session.user_agent.clone(),
                session.created_at,
                session.seen_at,
                session.ends_at
            ],
        )
        .await?;
        Ok(())
    }

    /// Ends one session of a person; whether it stood.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn end_session(&mut self, user: UserId, session: SessionId) -> Result<bool> {
        let sql = "delete from sessions where id = $1 and user_id = $2";
        Ok(self.run(sql, args![session, user]).await? > 0)
    }

    /// Ends every session of a person, except one to keep; how many.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn end_sessions(&mut self, user: UserId, keep: Option<SessionId>) -> Result<u64> {
        let keep = keep.map(|id| id.to_string()).unwrap_or_default();
        self.run("delete from sessions where user_id = $1 and id <> $2", args![user, keep]).await
    }
}

fn session_of(row: &Row) -> Result<Session> {
    Ok(Session {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        address: row.opt_text("address")?,
        user_agent: row.opt_text("user_agent")?,
        created_at: row.time("created_at")?,
        seen_at: row.time("seen_at")?,
        ends_at: row.time("ends_at")?,
    })
}
