//! What can go wrong in the store; no SQL and no HTTP in what people read.

/// Why a read or a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refused.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    /// No such thing within the grant's reach.
    #[error("No such {what}.")]
    NotFound {
        /// The noun.
        what: &'static str,
    },
    /// The change contradicts what is stored.
    #[error("{message}")]
    Conflict {
        /// Stable, machine-readable cause.
        code: &'static str,
        /// One sentence for the caller.
        message: String,
    },
    /// The database cannot be used now; the context is for the log.
    #[error("The store is unavailable.")]
    Unavailable(String),
    /// What was read cannot be; the context is for the log.
    #[error("The store holds something it cannot read.")]
    Corrupt(String),
}

impl Error {
    /// The private context, for the log.
    pub fn context(&self) -> &str {
        match self {
            Self::Unavailable(context) | Self::Corrupt(context) => context,
            _ => "",
        }
    }

    /// Nothing of that noun within reach.
    pub const fn not_found(what: &'static str) -> Self {
        Self::NotFound { what }
    }

    /// Whether it is the given conflict.
    pub fn is_conflict(&self, wanted: &str) -> bool {
        matches!(self, Self::Conflict { code, .. } if *code == wanted)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Conflict {
                code: "already_exists",
                message: "Something with this name or id already exists.".to_owned(),
            },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;
