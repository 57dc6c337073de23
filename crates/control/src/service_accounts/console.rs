//! The console's rows of a project's service accounts: create one, give it keys, name who answers for them.

use domain::Error;
use domain::access::{Permission, ProjectRole};
use domain::api_keys::KeyOwner;
use domain::audit::Verb;
use domain::ids::{ProjectId, ServiceAccountId, UserId};
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::service_accounts::KeyOwnerStatus;
use domain::time::TimeZone;
use store::{KeyFilter, OwnedAccount};

use super::api::role;
use super::pages::{ServiceAccountPage, ServiceAccountRow, ServiceAccountsPage};
use super::{
    NewServiceAccount, ServiceAccountChanges, create_service_account, delete_service_account,
    list_service_accounts, retrieve_service_account, update_service_account,
};
use crate::api_keys::console::{lifetime, lifetimes, row as key_row, shown_once};
use crate::api_keys::limits::{Limits, LimitsForm};
use crate::api_keys::pages::{KeyRow, SecretReveal};
use crate::api_keys::{NewKey, create_key};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Section};
use crate::model_permissions::console::models_in_words;
use crate::projects::forms::people;
use crate::projects::frame::{frame, granted_here, may_here, project_root};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many accounts and keys a page shows.
const ON_A_PAGE: i64 = 500;

const ALL: &str = "/o/{slug}/projects/{project_id}/service-accounts";
const ONE: &str = "/o/{slug}/projects/{project_id}/service-accounts/{service_account_id}";
const KEYS: &str = "/o/{slug}/projects/{project_id}/service-accounts/{service_account_id}/keys";
const REMOVE: &str = "/o/{slug}/projects/{project_id}/service-accounts/{service_account_id}/remove";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let read = Access::Project(Permission::ServiceAccountRead);
    let manage = Access::Project(Permission::ServiceAccountManage);
    vec![
        page(Method::Get, ALL, "service_accounts_page", "A project's service accounts.")
            .needs(read)
            .to(list_page),
        page(Method::Post, ALL, "create_service_account_form", "Create a service account.")
            .needs(manage)
            .audited(Verb::ServiceAccountCreated)
            .to(create),
        page(Method::Get, ONE, "service_account_page", "One service account and its keys.")
            .needs(read)
            .to(account_page),
        page(Method::Post, ONE, "update_service_account_form", "Change a service account.")
            .needs(manage)
            .audited(Verb::ServiceAccountUpdated)
            .to(update),
        page(Method::Post, KEYS, "create_service_account_key_form", "Create a key and show its secret once.")
            .needs(Access::Project(Permission::ApiKeyManage))
            .audited(Verb::ApiKeyCreated)
            .to(create_account_key),
        page(Method::Post, REMOVE, "remove_service_account_form", "Remove a service account.")
            .needs(manage)
            .audited(Verb::ServiceAccountDeleted)
            .to(remove),
    ]
}

async fn list_page(call: Call) -> Result<Answer, Failure> {
    let frame = frame(&call, Some("Service accounts"), Section::ProjectServiceAccounts).await?;
    let project = frame.owned.project.id;
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let accounts = list_service_accounts(&call.control, &call.grant, project, &request).await?.items;
    let keys = call.control.store.account_key_counts(&call.grant, project, call.at).await?;
    let row = |owned: OwnedAccount| {
        let active = keys.get(&owned.account.id).copied().unwrap_or_default();
        row(owned, active, &frame.zone)
    };
    let page = ServiceAccountsPage {
        accounts: accounts.into_iter().map(row).collect(),
        key_owners: key_owners(&call, None).await?,
        can_manage: may_here(&call, Permission::ServiceAccountManage) && !frame.head.is_archived,
        shell: frame.shell,
        head: frame.head,
    };
    console::page(&page)
}

fn row(owned: OwnedAccount, active_keys: u64, zone: &TimeZone) -> ServiceAccountRow {
    let account = owned.account;
    ServiceAccountRow {
        id: account.id.to_string(),
        name: account.name,
        role: account.role.map_or("none", ProjectRole::name).to_owned(),
        key_owner: match owned.key_owner_name.is_empty() {
            true => account.key_owner_id.to_string(),
            false => owned.key_owner_name,
        },
        key_owner_gone: match owned.key_owner_status {
            KeyOwnerStatus::Active => "",
            gone => gone.name(),
        },
        active_keys: Count(active_keys),
        created_at: When::day(account.created_at, zone),
    }
}

/// Who may answer for keys: the present key owner, the viewer, and whom else the viewer may see.
async fn key_owners(call: &Call, present: Option<UserId>) -> Result<Vec<Choice>, Failure> {
    let viewer = call.actor()?.user_id.to_string();
    let selected = present.map_or_else(|| viewer.clone(), |id| id.to_string());
    let mut pairs = vec![(viewer.clone(), "You".to_owned())];
    let others = people(call).await?.into_iter().filter(|(id, _)| *id != viewer);
    pairs.extend(others.map(|(id, person)| (id, person.name)));
    if !pairs.iter().any(|(id, _)| *id == selected) {
        pairs.insert(0, (selected.clone(), "As it is".to_owned()));
    }
    Ok(Choice::list(&pairs, &selected))
}

fn named(call: &Call) -> Result<(ProjectId, ServiceAccountId), Failure> {
    Ok((call.path("project_id")?, call.path("service_account_id")?))
}

async fn account_page(call: Call) -> Result<Answer, Failure> {
    account(&call, None, None).await
}

async fn account(
    call: &Call,
    reveal: Option<SecretReveal>,
    refused: Option<Failure>,
) -> Result<Answer, Failure> {
    let (project, id) = named(call)?;
    let owned = retrieve_service_account(&call.control, &call.grant, project, id).await?;
    let mut frame = frame(call, Some(&owned.account.name), Section::ProjectServiceAccounts).await?;
    if let Some(failure) = refused {
        frame.shell.flashes.push(console::refusal(failure)?);
    }
    let is_open = !frame.head.is_archived;
    let manages_keys =
        granted_here(call, Permission::ApiKeyManage).is_some_and(|grant| grant.reaches(project, None));
    let keys = keys_of(call, (project, id), &frame.zone, manages_keys).await?;
    let active = keys.iter().filter(|key| key.is_active()).count() as u64;
    let present = owned.account.role.map_or("none", ProjectRole::name);
    let page = ServiceAccountPage {
        key_owners: key_owners(call, Some(owned.account.key_owner_id)).await?,
        roles: Choice::list(&roles(), present),
        lifetimes: lifetimes(call.form().text("expires_in_days")),
        limits: LimitsForm::typed(&call.form()),
        of_project: models_in_words(call, project).await?,
        can_manage: may_here(call, Permission::ServiceAccountManage) && is_open,
        can_create_keys: manages_keys && is_open && owned.key_owner_status == KeyOwnerStatus::Active,
        account: row(owned, active, &frame.zone),
        shell: frame.shell,
        head: frame.head,
        reveal,
        keys,
    };
    console::page(&page)
}

fn roles() -> Vec<(&'static str, &'static str)> {
    let built_in = ProjectRole::ALL.iter().map(|role| (role.name(), role.title()));
    std::iter::once(("none", "None")).chain(built_in).collect()
}

/// The keys of an account that the viewer may see, the newest first.
async fn keys_of(
    call: &Call,
    (project, id): (ProjectId, ServiceAccountId),
    zone: &TimeZone,
    can_manage: bool,
) -> Result<Vec<KeyRow>, Failure> {
    let Some(grant) = granted_here(call, Permission::ApiKeyRead) else { return Ok(Vec::new()) };
    let filter = KeyFilter { revoked_too: true, service_account: Some(id), ..KeyFilter::default() };
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let keys = call.control.store.project_keys(&grant, project, filter, &request).await?.items;
    Ok(keys.into_iter().rev().map(|owned| key_row(owned, call.at, zone, can_manage)).collect())
}

fn key_owner(call: &Call) -> Result<Option<UserId>, Error> {
    let form = call.form();
    let bad = |_| {
        Error::invalid_param("key_owner_not_member", "key_owner_id", "Choose the key owner from the list.")
    };
    form.one("key_owner_id").map(|text| text.parse().map_err(bad)).transpose()
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let project: ProjectId = call.path("project_id")?;
    let made = match key_owner(&call) {
        Ok(key_owner_id) => {
            let name = call.form().text("name").to_owned();
            let new =
                NewServiceAccount { name, without_key: true, key_owner_id, ..NewServiceAccount::default() };
            create_service_account(&call.control, &call.grant, project, new).await
        }
        Err(error) => Err(error.into()),
    };
    let list = format!("{}/service-accounts", project_root(&call));
    match made {
        Ok((owned, _)) => {
            Ok(console::done(&call, &format!("{list}/{}", owned.account.id), "Created. Give it a key here."))
        }
        Err(failure) => console::back(&call, &list, Err(failure)),
    }
}

fn changes(call: &Call) -> Result<ServiceAccountChanges, Error> {
    let form = call.form();
    Ok(ServiceAccountChanges {
        name: Some(form.text("name").to_owned()),
        role: form.one("role").map(role).transpose()?,
        key_owner_id: key_owner(call)?,
    })
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let changed = match changes(&call) {
        Ok(changes) => update_service_account(&call.control, &call.grant, project, id, changes).await,
        Err(error) => Err(error.into()),
    };
    let here = format!("{}/service-accounts/{id}", project_root(&call));
    console::back(&call, &here, changed.map(|_| "Saved."))
}

async fn create_account_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let limits = Limits::read(&call.form());
    let issued = match lifetime(&call) {
        Ok(expires_in_seconds) => {
            let new = NewKey {
                name: call.form().text("name").to_owned(),
                owner: Some(KeyOwner::ServiceAccount(id)),
                scopes: limits.scopes,
                models: limits.models,
                denied_models: limits.denied_models,
                expires_in_seconds,
                ..NewKey::default()
            };
            create_key(&call.control, &call.grant, project, new).await
        }
        Err(error) => Err(error.into()),
    };
    match issued {
        Ok(issued) => account(&call, Some(shown_once(&call, &issued)), None).await,
        Err(failure) => account(&call, None, Some(failure)).await,
    }
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let done = delete_service_account(&call.control, &call.grant, project, id).await;
    let list = format!("{}/service-accounts", project_root(&call));
    console::back(&call, &list, done.map(|()| "Removed. Its keys are revoked."))
}
