//! Signing in: one answer and one duration for whatever is wrong, and a bounded number of tries.

use domain::access::{Grant, Origin, Task};
use domain::api_keys;
use domain::audit::{AuditActor, AuditEntry, Verb};
use domain::ids::{SessionId, UserId};
use domain::members::User;
use domain::text;
use domain::time::{MINUTE, SECOND, Timestamp};
use serde_json::json;
use store::{Account, Session};

use super::set_up::wrong_password;
use crate::authn::session;
use crate::{Control, Failure};

/// Tries are counted per so many microseconds.
const WINDOW_MICROS: i64 = 15 * MINUTE;
/// Tries per account and window.
const MOST_PER_ACCOUNT: i64 = 10;
/// Tries per network address and window: many people may share one.
const MOST_PER_ADDRESS: i64 = 100;

/// What is tried so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Proving oneself by a password.
    Passwords,
    /// Asking for a mail with a link.
    Resets,
}

impl Tries {
    /// The subject under which tries on an address's account are counted.
    fn subject(self, email: &str) -> String {
        match self {
            Self::Passwords => format!("account {email}"),
            Self::Resets => format!("reset {email}"),
        }
    }
}

/// A browser that was signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user_id: UserId,
    /// The `set-cookie` value that makes it so.
    pub cookie: String,
}

/// Checks address and password and opens a session with a new id.
///
/// # Errors
/// `wrong_password` for every cause alike; `too_many_attempts`.
pub async fn sign_in(
    control: &Control,
    email: &str,
    password: &str,
    origin: &Origin,
) -> Result<SignedIn, Failure> {
    match prove(control, email, password, origin).await? {
        Some(account) => open_session(control, &account.user, origin).await,
        None => Err(wrong_password()),
    }
}

/// The account that address and password prove; none when they do not. Every try counts.
///
/// # Errors
/// `too_many_attempts`.
pub(crate) async fn prove(
    control: &Control,
    email: &str,
    password: &str,
    origin: &Origin,
) -> Result<Option<Account>, Failure> {
    let email = text::email(email).unwrap_or_default();
    let at = control.now();
    count_try(control, Tries::Passwords, &email, origin).await?;
    let account = control.store.account_of_email(&email).await?;
    let kept = account.as_ref().and_then(|account| account.password_hash.as_deref());
    if control.passwords().fits(password, kept).await? {
        let subject = hashed(control, &Tries::Passwords.subject(&email));
        control.store.forget_attempts(&subject, at.plus_micros(-2 * WINDOW_MICROS)).await?;
        return Ok(account);
    }
    note_failure(control, account.map(|account| account.user), &email, origin).await?;
    Ok(None)
}

/// Opens a session for a person who proved who they are.
///
/// # Errors
/// `store_unavailable`.
pub async fn open_session(control: &Control, user: &User, origin: &Origin) -> Result<SignedIn, Failure> {
    let ambient = control.ambient.as_ref();
    let (at, settings) = (control.now(), &control.settings);
    let token = api_keys::opaque_token(ambient);
    let session = Session {
        id: SessionId::mint(ambient),
        user_id: user.id,
        address: origin.address.map(|address| address.to_string()),
        user_agent: origin.user_agent.clone(),
        created_at: at,
        seen_at: at,
        ends_at: at.plus_micros(settings.session_length_micros),
    };
    let organization = control.store.first_organization(user.id).await?;
    let mut change = control.change(&Grant::system(Task::SignIn, organization)).await?;
    change.insert_session(&session, &control.secrets.pepper().hash(token.reveal())).await?;
    change.acted_by(AuditActor {
        credential_id: Some(session.id.to_string()),
        ..actor_of(Some(user), "session", origin)
    });
    control.commit(change, AuditEntry::new(Verb::SignedIn, user.id)).await?;
    let lifetime_seconds = settings.session_length_micros / SECOND;
    let cookie = session::cookie(&token, settings.is_https, lifetime_seconds);
    Ok(SignedIn { user_id: user.id, cookie })
}

/// Counts a try on an account and from a network address.
///
/// # Errors
/// `too_many_attempts`.
pub(crate) async fn count_try(
    control: &Control,
    tries: Tries,
    email: &str,
    origin: &Origin,
) -> Result<(), Failure> {
    let at = control.now();
    count(control, &tries.subject(email), MOST_PER_ACCOUNT, at).await?;
    match origin.address {
        Some(address) => count(control, &format!("address {address}"), MOST_PER_ADDRESS, at).await,
        None => Ok(()),
    }
}

async fn count(control: &Control, subject: &str, most: i64, at: Timestamp) -> Result<(), Failure> {
    let start = Timestamp::from_unix_micros(at.unix_micros().div_euclid(WINDOW_MICROS) * WINDOW_MICROS);
    if control.store.count_attempt(&hashed(control, subject), start).await? <= most {
        return Ok(());
    }
    Err(Failure::TooMany {
        code: "too_many_attempts",
        message: "Too many attempts. Wait a quarter of an hour.",
        retry_after_seconds: start.plus_micros(WINDOW_MICROS).micros_since(at) / SECOND + 1,
    })
}

/// What is kept of who tried is a keyed hash.
fn hashed(control: &Control, subject: &str) -> String {
    control.secrets.pepper().hash(subject).bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn note_failure(
    control: &Control,
    user: Option<User>,
    email: &str,
    origin: &Origin,
) -> Result<(), Failure> {
    let organization = match &user {
        Some(user) => control.store.first_organization(user.id).await?,
        None => None,
    };
    let mut change = control.change(&Grant::system(Task::SignIn, organization)).await?;
    change.acted_by(actor_of(user.as_ref(), "password", origin));
    let target = user.map(|user| user.id.to_string()).unwrap_or_default();
    let entry = AuditEntry::new(Verb::SignInFailed, target).after(json!({"email": email}));
    control.commit(change, entry).await
}

/// How somebody who is not signed in stands in the trail.
pub(super) fn actor_of(user: Option<&User>, credential_kind: &str, origin: &Origin) -> AuditActor {
    let address = origin.address.map(|address| address.to_string());
    AuditActor {
        kind: if user.is_some() { "user" } else { "stranger" }.to_owned(),
        id: user.map(|user| user.id.to_string()).or_else(|| address.clone()).unwrap_or_default(),
        email: user.map(|user| user.email.clone()),
        credential_kind: credential_kind.to_owned(),
        address,
        user_agent: origin.user_agent.clone(),
        request_id: origin.request_id.map(|id| id.to_string()),
        ..AuditActor::default()
    }
}
