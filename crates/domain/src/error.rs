//! What can be wrong with a request, in words for the person who made it; no HTTP here.

use std::borrow::Cow;

/// Why a rule refused. The sentence is public: it holds no secret and no private context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value that cannot be accepted, whoever sends it.
    #[error("{message}")]
    Invalid {
        /// Stable, machine-readable cause.
        code: &'static str,
        /// The field it is about, in the wire's spelling.
        param: Option<Cow<'static, str>>,
        /// One sentence that says what to do.
        message: Cow<'static, str>,
    },
    /// No such thing, or none that this caller may know of: the two are told alike.
    #[error("No such {what}.")]
    Hidden {
        /// The noun that was asked for.
        what: &'static str,
    },
    /// The caller may know of it, but may not do this.
    #[error("{message}")]
    Forbidden {
        /// Stable, machine-readable cause.
        code: &'static str,
        /// One sentence that names what is missing.
        message: Cow<'static, str>,
    },
    /// Nobody, or nobody any more: the credential is missing, unknown or expired.
    #[error("{message}")]
    Unauthenticated {
        /// Stable, machine-readable cause.
        code: &'static str,
        /// One sentence that says what to do.
        message: Cow<'static, str>,
    },
    /// The request contradicts what is there now.
    #[error("{message}")]
    Conflict {
        /// Stable, machine-readable cause.
        code: &'static str,
        /// One sentence that says what to do.
        message: Cow<'static, str>,
    },
}

impl Error {
    /// An unacceptable value, of no particular field.
    pub fn invalid(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { code, param: None, message: message.into() }
    }

    /// An unacceptable value of the field `param`.
    pub fn invalid_param(
        code: &'static str,
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { code, param: Some(param.into()), message: message.into() }
    }

    /// A contradiction with the present state.
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// A refusal to someone who may see the thing.
    pub fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Forbidden { code, message: message.into() }
    }

    /// A refusal to someone whose credential does not stand.
    pub fn unauthenticated(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unauthenticated { code, message: message.into() }
    }

    /// The stable, machine-readable cause.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Hidden { .. } => "not_found",
            Self::Invalid { code, .. }
            | Self::Forbidden { code, .. }
            | Self::Unauthenticated { code, .. }
            | Self::Conflict { code, .. } => code,
        }
    }
}
