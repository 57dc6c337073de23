//! The console's rows of admin keys.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::KeyId;
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};

use super::{NewAdminKey, create_admin_key, list_admin_keys, revoke_admin_key};
use crate::api_keys::console::{lifetime, lifetimes, row};
use crate::api_keys::pages::{AdminKeysPage, SecretReveal};
use crate::http::console;
use crate::http::shell::Section;
use crate::projects::frame::{granted, may, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many keys the page shows.
const ON_A_PAGE: i64 = 500;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/admin-keys", "admin_keys_page", "The organization's admin keys.")
            .needs(Access::Organization(Permission::AdminKeyRead))
            .to(keys_page),
        page(
            Method::Post,
            "/o/{slug}/admin-keys",
            "create_admin_key_form",
            "Create an admin key and show its secret once.",
        )
        .needs(Access::Organization(Permission::AdminKeyManage))
        .audited(Verb::AdminKeyCreated)
        .to(create),
        page(
            Method::Post,
            "/o/{slug}/admin-keys/{key_id}/revoke",
            "revoke_admin_key_form",
            "Revoke an admin key for ever.",
        )
        .needs(Access::Organization(Permission::AdminKeyManage))
        .audited(Verb::AdminKeyRevoked)
        .to(revoke),
    ]
}

async fn keys_page(call: Call) -> Result<Answer, Failure> {
    keys(&call, None, None).await
}

async fn keys(
    call: &Call,
    reveal: Option<SecretReveal>,
    refused: Option<Failure>,
) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Admin keys", Section::AdminKeys).await?;
    if let Some(failure) = refused {
        shell.flashes.push(console::refusal(failure)?);
    }
    let grant = granted(call, Permission::AdminKeyRead).ok_or(Error::Hidden { what: "organization" })?;
    let request = PageRequest::first(ON_A_PAGE, Order::Descending);
    let keys = list_admin_keys(&call.control, &grant, &request).await?;
    let (zone, can_manage) = (zone(call).await?, may(call, Permission::AdminKeyManage));
    let page = AdminKeysPage {
        keys: keys.items.into_iter().map(|owned| row(owned, call.at, &zone, can_manage)).collect(),
        lifetimes: lifetimes(call.form().text("expires_in_days")),
        can_manage,
        shell,
        reveal,
    };
    console::page(&page)
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let new = lifetime(&call).map(|expires_in_seconds| NewAdminKey {
        name: call.form().text("name").to_owned(),
        expires_in_seconds,
        owner_id: None,
    });
    let issued = match new {
        Ok(new) => create_admin_key(&call.control, &call.grant, new).await,
        Err(error) => Err(error.into()),
    };
    match issued {
        Ok(issued) => {
            let secret = issued.secret.reveal().to_owned();
            let url = &call.control.settings.public_url;
            let reveal = SecretReveal {
                name: issued.owned.key.name,
                curl: format!(
                    "curl {url}/v1/organization/projects \\\n  -H 'authorization: Bearer {secret}'"
                ),
                secret,
            };
            keys(&call, Some(reveal), None).await
        }
        Err(failure) => keys(&call, None, Some(failure)).await,
    }
}

async fn revoke(call: Call) -> Result<Answer, Failure> {
    let id: KeyId = call.path("key_id")?;
    let done = revoke_admin_key(&call.control, &call.grant, id).await;
    console::back(
        &call,
        &format!("{}/admin-keys", root(&call)),
        done.map(|()| "Revoked. It cannot come back."),
    )
}
