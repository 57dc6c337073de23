//! First answers of creates, kept sealed for as long as a repetition may ask for them again.

use domain::time::Timestamp;

use crate::error::Result;
use crate::{Store, args};

/// A request that must have one effect however often it comes.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// The keyed hash by which its repetitions are recognised.
    pub key: String,
    /// The hash of its body.
    pub body_hash: String,
    /// This attempt.
    pub claim: String,
    /// When it came.
    pub at: Timestamp,
    /// Until when a repetition gets the first answer.
    pub ends_at: Timestamp,
    /// A claim taken before this moment without an answer is dead: its process was.
    pub dead_before: Timestamp,
    /// Whether this is known to be a call of its own, which displaces what an equal one left.
    pub displaces: bool,
}

/// What to do with a repeatable request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is the first: run it.
    First,
    /// The first one still runs.
    Running,
    /// The first one's sealed answer, with the hash of the body it was for.
    Answered {
        /// Sealed.
        answer: Vec<u8>,
        /// Of the first body.
        body_hash: String,
        /// The claim under which it was sealed.
        claim: String,
    },
    /// The same key came with another body that still runs.
    OtherBody,
}

impl Store {
    /// Claims the right to run a request, or tells what came of the one that did.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn claim_request(&self, request: &Repeatable) -> Result<Claimed> {
        let mut tx = self.measure().await?;
        let dead = "delete from idempotency where ends_at <= $1 or (key = $2 and answer is null and claimed_at < $3)";
        tx.run(dead, args![request.at, &request.key, request.dead_before]).await?;
        if request.displaces {
            tx.run("delete from idempotency where key = $1", args![&request.key]).await?;
        }
        let inserted = tx
            .run(
                "insert into idempotency (key, claim, body_hash, answer, claimed_at, ends_at) \
                 values ($1, $2, $3, null, $4, $5) on conflict (key) do nothing",
                args![&request.key, &request.claim, &request.body_hash, request.at, request.ends_at],
            )
            .await?;
        let sql = "select claim, body_hash, answer is not null as answered, coalesce(answer, $2) as answer \
                   from idempotency where key = $1";
        let row = tx.row(sql, args![&request.key, Vec::<u8>::new()]).await?;
        tx.commit().await?;
        let Some(row) = row.filter(|_| inserted == 0) else { return Ok(Claimed::First) };
        let body_hash = row.text("body_hash")?;
        Ok(match (row.flag("answered")?, body_hash == request.body_hash) {
            (true, _) => {
                Claimed::Answered { answer: row.bytes("answer")?, body_hash, claim: row.text("claim")? }
            }
            (false, true) => Claimed::Running,
            (false, false) => Claimed::OtherBody,
        })
    }

    /// Keeps the first answer for repetitions.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn keep_answer(&self, request: &Repeatable, sealed: Vec<u8>) -> Result<()> {
        let mut tx = self.measure().await?;
        tx.run(
            "update idempotency set answer = $3 where key = $1 and claim = $2",
            args![&request.key, &request.claim, sealed],
        )
        .await?;
        tx.commit().await
    }

    /// Gives a claim back after the request failed, so that it can be tried again.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn release_claim(&self, request: &Repeatable) -> Result<()> {
        let mut tx = self.measure().await?;
        tx.run("delete from idempotency where key = $1 and claim = $2", args![&request.key, &request.claim])
            .await?;
        tx.commit().await
    }
}
