//! Everything in which SQLite and PostgreSQL differ: pools, transactions, lists, locks, rows.
//!
//! Above this file there is one SQL text. It may use `$n` parameters, `x in list($n)` for a list of texts, and
//! `for update`, which SQLite does not need since its writers take turns.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use domain::time::Timestamp;
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Postgres, Row as _, Sqlite, Transaction};

use crate::error::{Error, Result};

/// How many readers SQLite serves side by side.
const SQLITE_READERS: u32 = 4;
/// How many transactions one replica has open in PostgreSQL.
const POSTGRES_WRITERS: u32 = 8;
/// How many reads one replica sends to PostgreSQL side by side.
const POSTGRES_READERS: u32 = 6;

/// How many rows one statement adds at most; both engines take that many of the widest table's.
const ROWS_AT_ONCE: usize = 64;

/// The database behind the store.
#[derive(Clone)]
pub(crate) enum Engine {
    /// One writer and several readers on one file.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    /// A pool of connections for transactions, and one for reads: who reads within a transaction never waits for
    /// others who hold theirs.
    Postgres { writers: PgPool, readers: PgPool },
}

/// An open transaction.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A parameter. Columns are TEXT, BIGINT, BOOLEAN or bytes, so these are all.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text or null.
    Text(Option<String>),
    /// A number or null.
    Int(Option<i64>),
    /// Yes, no or null.
    Flag(Option<bool>),
    /// Bytes or null.
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($variant:ident: $($type:ty),* => $from:expr;)*) => {$($(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(Some(($from)(value)))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map($from))
            }
        }
    )*)*};
}

values! {
    Text: String, &String, &str => Into::into;
    Int: i64 => |value| value;
    Flag: bool => |value| value;
    Bytes: Vec<u8> => |value| value;
    Int: Timestamp => Timestamp::unix_micros;
    Int: domain::money::NanoUsd => domain::money::NanoUsd::nano;
}

macro_rules! id_values {
    ($($id:ident)*) => {$(
        impl From<domain::ids::$id> for Value {
            fn from(id: domain::ids::$id) -> Self {
                Self::Text(Some(id.to_string()))
            }
        }
        impl From<Option<domain::ids::$id>> for Value {
            fn from(id: Option<domain::ids::$id>) -> Self {
                Self::Text(id.map(|id| id.to_string()))
            }
        }
    )*};
}

id_values! {
    OrganizationId UserId ProjectId KeyId SecretId ServiceAccountId InviteId ProviderId PriceId AllowanceId
    RecordId AuditId SessionId RequestId ReplicaId RoleId GroupId HandoverId ApprovalId ReviewId ReviewItemId ExceptionId WebhookId DeliveryId MailId
}

/// A list, for `in list($n)`: travels as a JSON array.
impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Self::Text(Some(serde_json::Value::from(list).to_string()))
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        Self::Text(Some(json.to_string()))
    }
}

/// The parameters of a statement, in order.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::Value::from($value)),*] };
}

/// A row as read.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident -> $type:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// `Corrupt` when there is no such column or it holds something else.
        pub fn $name(&self, column: &str) -> Result<$type> {
            match self {
                // SQLite types values, not columns: an expression may come as any of its types.
                Self::Sqlite(row) => Ok(row.try_get_unchecked(column)?),
                Self::Postgres(row) => Ok(row.try_get(column)?),
            }
        }
    };
}

impl Row {
    getter!(
        /// A text.
        text -> String);
    getter!(
        /// A text or nothing.
        opt_text -> Option<String>);
    getter!(
        /// A number.
        int -> i64);
    getter!(
        /// A number or nothing.
        opt_int -> Option<i64>);
    getter!(
        /// Yes or no.
        flag -> bool);
    getter!(
        /// Bytes.
        bytes -> Vec<u8>);

    /// An id, or anything else that is read from its text.
    ///
    /// # Errors
    /// `Corrupt` when the column does not hold one.
    pub fn id<T: FromStr>(&self, column: &str) -> Result<T> {
        let text = self.text(column)?;
        text.parse().map_err(|_| Error::Corrupt(format!("column {column} holds {text}")))
    }

    /// An id or nothing.
    ///
    /// # Errors
    /// `Corrupt` when the column holds something else.
    pub fn opt_id<T: FromStr>(&self, column: &str) -> Result<Option<T>> {
        let read =
            |text: String| text.parse().map_err(|_| Error::Corrupt(format!("column {column} holds {text}")));
        self.opt_text(column)?.map(read).transpose()
    }

    /// A moment.
    ///
    /// # Errors
    /// `Corrupt` when the column does not hold one.
    pub fn time(&self, column: &str) -> Result<Timestamp> {
        self.int(column).map(Timestamp::from_unix_micros)
    }

    /// A moment or nothing.
    ///
    /// # Errors
    /// `Corrupt` when the column holds something else.
    pub fn opt_time(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.opt_int(column)?.map(Timestamp::from_unix_micros))
    }

    /// A value kept as JSON.
    ///
    /// # Errors
    /// `Corrupt` when the column does not hold one.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|error| Error::Corrupt(format!("column {column}: {error}")))
    }

    /// A value of a closed list of words, by its parser.
    ///
    /// # Errors
    /// `Corrupt` when the word is not one of the list.
    pub fn word<T>(&self, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| Error::Corrupt(format!("column {column} holds {text}")))
    }
}

/// Binds the parameters and runs the statement on an executor of either engine.
macro_rules! run {
    ($executor:expr, $sql:expr, $args:expr, $method:ident) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for value in $args {
            query = match value {
                Value::Text(value) => query.bind(value.as_deref()),
                Value::Int(value) => query.bind(*value),
                Value::Flag(value) => query.bind(*value),
                Value::Bytes(value) => query.bind(value.as_deref()),
            };
        }
        query.$method($executor).await?
    }};
}

impl Engine {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgPoolOptions::new().min_connections(1).acquire_timeout(Duration::from_secs(5));
            let writers = options.clone().max_connections(POSTGRES_WRITERS).connect(url).await?;
            let readers = options.max_connections(POSTGRES_READERS).connect(url).await?;
            return Ok(Self::Postgres { writers, readers });
        }
        let path = url.strip_prefix("sqlite://").unwrap_or(url);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .min_connections(0)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(options.read_only(true).create_if_missing(false));
        Ok(Self::Sqlite { writer, readers })
    }

    pub(crate) async fn begin(&self) -> Result<Tx> {
        match self {
            // Taking the write lock at once turns a deadlock between two upgrading readers into a short wait.
            Self::Sqlite { writer, .. } => Ok(Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)),
            Self::Postgres { writers, .. } => Ok(Tx::Postgres(writers.begin().await?)),
        }
    }

    /// A transaction that only reads, and sees the database as it is now until its end.
    pub(crate) async fn snapshot(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Tx::Sqlite(readers.begin().await?)),
            Self::Postgres { readers, .. } => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Ok(Tx::Postgres(readers.begin_with(begin).await?))
            }
        }
    }

    pub(crate) async fn rows(&self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite { readers, .. } => {
                let rows = run!(readers, sqlite_text(sql), args, fetch_all);
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres { readers, .. } => {
                let rows = run!(readers, postgres_text(sql), args, fetch_all);
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs a script of several statements, as migrations are, in one transaction with what records it.
    pub(crate) async fn script(
        &self,
        script: &'static str,
        record: &'static str,
        args: &[Value],
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let _rows_affected = match &mut tx {
            Tx::Sqlite(tx) => sqlx::raw_sql(script).execute(&mut **tx).await?.rows_affected(),
            Tx::Postgres(tx) => sqlx::raw_sql(script).execute(&mut **tx).await?.rows_affected(),
        };
        tx.run(record, args).await?;
        tx.commit().await
    }

    /// The migrations of this engine, in order: number, name, text.
    pub(crate) fn migrations(&self) -> &'static [(i64, &'static str, &'static str)] {
        match self {
            Self::Sqlite { .. } => crate::migrations::SQLITE,
            Self::Postgres { .. } => crate::migrations::POSTGRES,
        }
    }

    /// Lets only one replica migrate at a time; SQLite's file has only one owner anyway.
    pub(crate) async fn migration_lock(&self) -> Result<Option<Tx>> {
        let Self::Postgres { .. } = self else { return Ok(None) };
        let mut tx = self.begin().await?;
        tx.rows("select pg_advisory_xact_lock(7240611020260)", &[]).await?;
        Ok(Some(tx))
    }

    /// Waits for what runs and closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { writers, readers } => {
                readers.close().await;
                writers.close().await;
            }
        }
    }
}

impl Tx {
    pub(crate) async fn rows(&mut self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(tx) => {
                let rows = run!(&mut **tx, sqlite_text(sql), args, fetch_all);
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let rows = run!(&mut **tx, postgres_text(sql), args, fetch_all);
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    pub(crate) async fn run(&mut self, sql: &'static str, args: &[Value]) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => Ok(run!(&mut **tx, sqlite_text(sql), args, execute).rows_affected()),
            Self::Postgres(tx) => Ok(run!(&mut **tx, postgres_text(sql), args, execute).rows_affected()),
        }
    }

    /// Adds rows to `into`, a table with its columns: many by one statement, for each costs a walk to the engine.
    pub(crate) async fn insert<const N: usize>(
        &mut self,
        into: &'static str,
        rows: Vec<[Value; N]>,
    ) -> Result<()> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            // Few different texts, so that the engine knows them again.
            let count = ROWS_AT_ONCE.min(1 << rows.len().ilog2());
            let args: Vec<Value> = rows.by_ref().take(count).flatten().collect();
            let inserted = match self {
                Self::Sqlite(tx) => {
                    // A number would make SQLite look each of them up by its name.
                    run!(&mut **tx, insert_text(into, (count, N), |_| "?".to_owned()), &args, execute)
                        .rows_affected()
                }
                Self::Postgres(tx) => {
                    run!(&mut **tx, insert_text(into, (count, N), |n| format!("${n}")), &args, execute)
                        .rows_affected()
                }
            };
            debug_assert_eq!(inserted, count as u64, "every row is new");
        }
        Ok(())
    }

    /// Tells other replicas that the feed has grown; they also poll, should the word be lost.
    pub(crate) async fn announce(&mut self, sequence: i64) -> Result<()> {
        if let Self::Postgres(_) = self {
            self.rows("select pg_notify('bailiwick_feed', $1)", &[Value::from(sequence.to_string())]).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => Ok(tx.commit().await?),
            Self::Postgres(tx) => Ok(tx.commit().await?),
        }
    }
}

fn sqlite_text(sql: &'static str) -> Cow<'static, str> {
    if !sql.contains("list(") && !sql.contains(" for update") {
        return Cow::Borrowed(sql);
    }
    expand_lists(&sql.replace(" for update", ""), "(select value from json_each(", "))").into()
}

fn postgres_text(sql: &'static str) -> Cow<'static, str> {
    if !sql.contains("list(") {
        return Cow::Borrowed(sql);
    }
    expand_lists(sql, "(select jsonb_array_elements_text((", ")::jsonb))").into()
}

/// The statement that adds so many rows of so many columns, its parameters written by `parameter` from their number.
fn insert_text(into: &str, (rows, columns): (usize, usize), parameter: impl Fn(usize) -> String) -> String {
    let row = |row: usize| {
        let parameters: Vec<String> = (1..=columns).map(|column| parameter(row * columns + column)).collect();
        format!("({})", parameters.join(", "))
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    format!("insert into {into} values {}", values.join(", "))
}

/// Replaces every `in list($n)` by `in` and the engine's way to read a JSON array.
fn expand_lists(sql: &str, open: &str, close: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once("in list(") {
        let (parameter, tail) = after.split_once(')').unwrap_or((after, ""));
        text.extend([before, "in ", open, parameter, close]);
        rest = tail;
    }
    text.push_str(rest);
    text
}
