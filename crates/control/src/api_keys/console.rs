//! The console's rows of keys: those of a project, created with the one moment in which the secret is shown.

use domain::Error;
use domain::access::{Grant, Permission};
use domain::api_keys::{KeyOwner, KeyStatus};
use domain::approvals::ChangeKind;
use domain::audit::Verb;
use domain::ids::{KeyId, ProjectId};
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::time::{TimeZone, Timestamp};
use store::{KeyFilter, OwnedKey};

use super::limits::{Limits, LimitsForm, limits_in_words};
use super::pages::{KeyRow, KeyState, ProjectKeysPage, SecretReveal};
use super::{IssuedKey, NewKey, create_key, disable_key, enable_key, list_keys, revoke_key};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, Section};
use crate::model_permissions::console::models_in_words;
use crate::projects::frame::{frame, granted_here, project_root};
use crate::{Answer, Call, Endpoint, Failure, changes, page};

/// How many keys and owners a page shows.
const ON_A_PAGE: i64 = 500;

const DAY_SECONDS: i64 = 24 * 3_600;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let form = |path: &'static str, operation: &'static str, summary: &'static str, verb: Verb| {
        page(Method::Post, path, operation, summary)
            .needs(Access::Project(Permission::ApiKeyManage))
            .audited(verb)
    };
    vec![
        page(Method::Get, "/o/{slug}/projects/{project_id}/keys", "project_keys_page", "A project's keys.")
            .needs(Access::Project(Permission::ApiKeyRead))
            .to(keys_page),
        form(
            "/o/{slug}/projects/{project_id}/keys",
            "create_key_form",
            "Create a key and show its secret once.",
            Verb::ApiKeyCreated,
        )
        .to(create),
        form(
            "/o/{slug}/projects/{project_id}/keys/{key_id}/disable",
            "disable_key_form",
            "Switch a key off.",
            Verb::ApiKeyDisabled,
        )
        .to(disable),
        form(
            "/o/{slug}/projects/{project_id}/keys/{key_id}/enable",
            "enable_key_form",
            "Switch a key on again.",
            Verb::ApiKeyEnabled,
        )
        .to(enable),
        form(
            "/o/{slug}/projects/{project_id}/keys/{key_id}/revoke",
            "revoke_key_form",
            "Revoke a key for ever.",
            Verb::ApiKeyRevoked,
        )
        .to(revoke),
    ]
    .into_iter()
    .chain(super::key_console::endpoints())
    .collect()
}

async fn keys_page(call: Call) -> Result<Answer, Failure> {
    keys(&call, None, None).await
}

async fn keys(
    call: &Call,
    reveal: Option<SecretReveal>,
    refused: Option<Failure>,
) -> Result<Answer, Failure> {
    let mut frame = frame(call, Some("Keys"), Section::ProjectKeys).await?;
    if let Some(failure) = refused {
        frame.shell.flashes.push(console::refusal(failure)?);
    }
    let project = frame.owned.project.id;
    let reading = granted_here(call, Permission::ApiKeyRead).ok_or(Error::Hidden { what: "project" })?;
    let managing = granted_here(call, Permission::ApiKeyManage);
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let filter = KeyFilter { revoked_too: true, ..KeyFilter::default() };
    let keys = list_keys(&call.control, &reading, project, filter, &request).await?;
    let can_manage = |owner: KeyOwner| {
        let user = match owner {
            KeyOwner::User(user) => Some(user),
            KeyOwner::ServiceAccount(_) => None,
        };
        managing.as_ref().is_some_and(|grant| grant.reaches(project, user))
    };
    let rows = keys.items.into_iter().rev().map(|owned| {
        let may = can_manage(owned.key.owner);
        row(owned, call.at, &frame.zone, may)
    });
    let page = ProjectKeysPage {
        keys: rows.collect(),
        owners: match &managing {
            Some(grant) => owners(call, grant, project).await?,
            None => Vec::new(),
        },
        lifetimes: lifetimes(call.form().text("expires_in_days")),
        limits: LimitsForm::typed(&call.form()),
        of_project: models_in_words(call, project).await?,
        asks_for_key: changes::console::is_asked_for(call, &frame.owned.project, ChangeKind::KeyCreation)
            .await?,
        can_create: managing.is_some(),
        shell: frame.shell,
        head: frame.head,
        reveal,
    };
    console::page(&page)
}

/// A key as lists show it.
pub(crate) fn row(owned: OwnedKey, at: Timestamp, zone: &TimeZone, can_manage: bool) -> KeyRow {
    let key = owned.key;
    let minute = |at: Option<Timestamp>| at.map(|at| When::minute(at, zone));
    KeyRow {
        id: key.id.to_string(),
        state: match key.status(at) {
            KeyStatus::Active => KeyState::Active,
            KeyStatus::Disabled => KeyState::Disabled,
            KeyStatus::Expired => KeyState::Expired,
            KeyStatus::Revoked => KeyState::Revoked,
        },
        is_service_account: matches!(key.owner, KeyOwner::ServiceAccount(_)),
        last_used_at: minute(key.last_used_at),
        expires_at: minute(key.expires_at),
        created_at: When::day(key.created_at, zone),
        name: key.name,
        limits: limits_in_words(&key.scopes, &key.models),
        masked: key.redacted,
        owner: owned.owner_name,
        can_manage,
    }
}

/// Who may own a new key: the viewer first, then people and service accounts of the project.
async fn owners(call: &Call, grant: &Grant, project: ProjectId) -> Result<Vec<Choice>, Failure> {
    let actor = call.actor()?;
    let choice = |value: String, label: String| Choice { value, label, is_selected: false };
    let mut owners = vec![choice(actor.user_id.to_string(), "You".to_owned())];
    if !grant.reaches(project, None) {
        return Ok(owners);
    }
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let members = call.control.store.project_members(grant, project, &request).await?;
    let others = members.items.into_iter().filter(|member| member.user.id != actor.user_id);
    owners.extend(others.map(|member| choice(member.user.id.to_string(), member.user.name)));
    let accounts = call.control.store.service_accounts(grant, project, &request).await?;
    let label = |name: String| format!("{name} (service account)");
    let accounts = accounts.items.into_iter().map(|owned| owned.account);
    owners.extend(accounts.map(|one| choice(one.id.to_string(), label(one.name))));
    Ok(owners)
}

/// After how many days a key may end.
pub(crate) fn lifetimes(selected: &str) -> Vec<Choice> {
    let pairs = [
        ("", "Never"),
        ("7", "After 7 days"),
        ("30", "After 30 days"),
        ("90", "After 90 days"),
        ("365", "After a year"),
    ];
    Choice::list(&pairs, selected)
}

/// The lifetime that was chosen, in seconds.
///
/// # Errors
/// `invalid_type`; `invalid_expiry`.
pub(crate) fn lifetime(call: &Call) -> Result<Option<i64>, Error> {
    let days = call.form().number("expires_in_days")?;
    let sentence = "Choose 1 to 3650 days, or never.";
    let bad = || Error::invalid_param("invalid_expiry", "expires_in_days", sentence);
    days.map(|days| (1..=3_650).contains(&days).then_some(days * DAY_SECONDS).ok_or_else(bad)).transpose()
}

fn new_key(call: &Call) -> Result<NewKey, Error> {
    let form = call.form();
    let sentence = "Choose the key's owner from the list.";
    let bad = || Error::invalid_param("owner_not_in_project", "owner", sentence);
    let owner = |text: &str| {
        let user = text.parse().map(KeyOwner::User).ok();
        user.or_else(|| text.parse().map(KeyOwner::ServiceAccount).ok()).ok_or_else(bad)
    };
    let limits = Limits::read(&form);
    Ok(NewKey {
        name: form.text("name").to_owned(),
        owner: form.one("owner").map(owner).transpose()?,
        scopes: limits.scopes,
        models: limits.models,
        denied_models: limits.denied_models,
        expires_in_seconds: lifetime(call)?,
        ..NewKey::default()
    })
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let project: ProjectId = call.path("project_id")?;
    let issued = match new_key(&call) {
        Ok(new) => create_key(&call.control, &call.grant, project, new).await,
        Err(error) => Err(error.into()),
    };
    match issued {
        Ok(issued) => {
            let reveal = shown_once(&call, &issued);
            keys(&call, Some(reveal), None).await
        }
        Err(failure) => keys(&call, None, Some(failure)).await,
    }
}

/// The secret of a new project key, with a first call to make.
pub(crate) fn shown_once(call: &Call, issued: &IssuedKey) -> SecretReveal {
    let key = &issued.owned.key;
    let named = key.models.allowed().unwrap_or_default().into_iter().find(|name| !name.ends_with('*'));
    let model = named.unwrap_or_else(|| "gpt-5-mini".to_owned());
    let secret = issued.secret.reveal();
    let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
    let url = &call.control.settings.public_url;
    SecretReveal {
        name: key.name.clone(),
        curl: format!(
            "curl {url}/v1/chat/completions \\\n  -H 'authorization: Bearer {secret}' \\\n  \
             -H 'content-type: application/json' \\\n  -d '{body}'"
        ),
        secret: secret.to_owned(),
    }
}

fn ids(call: &Call) -> Result<(ProjectId, KeyId), Failure> {
    Ok((call.path("project_id")?, call.path("key_id")?))
}

fn back(call: &Call, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    console::back(call, &format!("{}/keys", project_root(call)), done)
}

async fn disable(call: Call) -> Result<Answer, Failure> {
    let (project, id) = ids(&call)?;
    let done = disable_key(&call.control, &call.grant, project, id).await;
    back(&call, done.map(|_| "Disabled. It stops with its next call."))
}

async fn enable(call: Call) -> Result<Answer, Failure> {
    let (project, id) = ids(&call)?;
    let done = enable_key(&call.control, &call.grant, project, id).await;
    back(&call, done.map(|_| "Enabled. It works again."))
}

async fn revoke(call: Call) -> Result<Answer, Failure> {
    let (project, id) = ids(&call)?;
    let done = revoke_key(&call.control, &call.grant, project, id).await;
    back(&call, done.map(|()| "Revoked. It cannot come back."))
}
