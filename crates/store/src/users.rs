//! People: their addresses, names and password hashes, and the one-time link that makes the first of them.

use domain::api_keys::KeyHash;
use domain::ids::UserId;
use domain::members::User;
use domain::time::Timestamp;

use crate::change::Change;
use crate::dialect::Row;
use crate::error::Result;
use crate::{Store, args};

/// A person with what proves them.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub user: User,
    /// The argon2id hash of their password; none when they have none.
    pub password_hash: Option<String>,
}

impl Store {
    /// The account of an address in its one spelling.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn account_of_email(&self, email: &str) -> Result<Option<Account>> {
        let sql = "select id, email, name, password_hash, created_at from users where email = $1";
        self.row(sql, args![email]).await?.as_ref().map(account_of).transpose()
    }

    /// The account of a person.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn account(&self, user: UserId) -> Result<Option<Account>> {
        let sql = "select id, email, name, password_hash, created_at from users where id = $1";
        self.row(sql, args![user]).await?.as_ref().map(account_of).transpose()
    }

    /// Whether any organization has an Admin: the instance is set up then.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn has_admin(&self) -> Result<bool> {
        let sql = "select user_id from members where role = 'admin' limit 1";
        Ok(self.row(sql, args![]).await?.is_some())
    }

    /// Makes this the only set-up link that works.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn put_set_up_link(&self, token: &KeyHash, at: Timestamp) -> Result<()> {
        let mut tx = self.measure().await?;
        tx.run(
            "insert into set_up_link (only_row, token_hash, created_at) values (1, $1, $2) \
             on conflict (only_row) do update set token_hash = excluded.token_hash, created_at = excluded.created_at",
            args![token.bytes().to_vec(), at],
        )
        .await?;
        tx.commit().await
    }

    /// Whether a set-up link works at present.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn is_set_up_link(&self, token: &KeyHash) -> Result<bool> {
        let sql = "select only_row from set_up_link where token_hash = $1";
        Ok(self.row(sql, args![token.bytes().to_vec()]).await?.is_some() && !self.has_admin().await?)
    }
}

impl Change {
    /// Uses the set-up link up; whether it was the one that works and nobody is Admin yet.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn take_set_up_link(&mut self, token: &KeyHash) -> Result<bool> {
        let taken =
            self.run("delete from set_up_link where token_hash = $1", args![token.bytes().to_vec()]).await?;
        let admin = self.row("select user_id from members where role = 'admin' limit 1", args![]).await?;
        Ok(taken > 0 && admin.is_none())
    }

    /// Adds a person.
    ///
    /// # Errors
    /// `already_exists` when the address has an account.
    pub async fn insert_user(&mut self, user: &User, password_hash: &str) -> Result<()> {
        self.run(
            "insert into users (id, email, name, password_hash, created_at) values ($1, $2, $3, $4, $5)",
            args![user.id, &user.email, &user.name, password_hash, user.created_at],
        )
        .await?;
        Ok(())
    }

    /// Writes a new password hash, unless another change of it came first; whether it was written.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn set_password_hash(&mut self, user: UserId, before: &str, after: &str) -> Result<bool> {
        let sql = "update users set password_hash = $3 where id = $1 and password_hash = $2";
        Ok(self.run(sql, args![user, before, after]).await? > 0)
    }
}

/// A person in a row of something else, whose columns begin with a word; none where there is no such person.
pub(crate) fn joined_user(row: &Row, word: &str, id: Option<UserId>) -> Result<Option<User>> {
    let (Some(id), Some(email)) = (id, row.opt_text(&format!("{word}_email"))?) else { return Ok(None) };
    let (name, created_at) = (row.text(&format!("{word}_name"))?, row.time(&format!("{word}_created_at"))?);
    Ok(Some(User { id, email, name, created_at }))
}

fn account_of(row: &Row) -> Result<Account> {
    Ok(Account { user: user_of(row)?, password_hash: row.opt_text("password_hash")? })
}

pub(crate) fn user_of(row: &Row) -> Result<User> {
    Ok(User {
        id: row.id("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
    })
}
