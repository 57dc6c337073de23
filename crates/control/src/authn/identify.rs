//! Who is acting, in which organization: by admin key, or by session cookie.

use domain::Error;
use domain::access::{Actor, Credential, Origin};
use domain::ids::{OrganizationId, UserId};
use domain::routes::Surface;
use domain::time::Timestamp;
use http::{HeaderMap, header};

use super::{admin_key, session};
use crate::{Control, Failure};

/// What of a request says who is acting.
pub(crate) struct Presented<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) surface: Surface,
    /// The slug in the console's address.
    pub(crate) slug: Option<&'a str>,
    pub(crate) origin: &'a Origin,
    pub(crate) at: Timestamp,
}

impl<'a> Presented<'a> {
    pub(crate) fn bearer(&self) -> Option<&'a str> {
        let value = self.headers.get(header::AUTHORIZATION).filter(|_| self.surface == Surface::Api)?;
        let text = value.to_str().unwrap_or_default();
        Some(
            text.split_once(' ')
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map_or("", |(_, key)| key.trim()),
        )
    }

    fn wanted_organization(&self) -> Option<&'a str> {
        self.headers
            .get("openai-organization")
            .and_then(|value| value.to_str().ok())
            .filter(|id| !id.is_empty())
    }
}

/// The acting person, with their standing in the organization of the request.
///
/// # Errors
/// `Unauthenticated` when nothing valid was presented; `Unavailable` when the database is away.
pub(crate) async fn identify(control: &Control, presented: &Presented<'_>) -> Result<Actor, Failure> {
    if let Some(bearer) = presented.bearer() {
        let actor = admin_key::actor(control, bearer, presented).await?;
        return match (presented.wanted_organization(), &actor.standing) {
            (Some(wanted), Some(standing)) if standing.organization_id.to_string() != wanted => {
                Err(Error::unauthenticated(
                    "mismatched_organization",
                    "OpenAI-Organization header should match organization for API key.",
                )
                .into())
            }
            _ => Ok(actor),
        };
    }
    let token = session::token_of(presented.headers, control.settings.is_https);
    let token = token.ok_or_else(session::missing)?;
    let idle_since = presented.at.plus_micros(-control.settings.session_idle_micros);
    let hash = control.secrets.pepper().hash(token);
    let holder = control.store.session_holder(&hash, presented.at, idle_since).await?;
    let holder = holder.ok_or_else(session::missing)?;
    let user_id = holder.session.user_id;
    let standing = match organization_of(control, user_id, presented).await? {
        Some(organization) => control.store.standing(user_id, organization, presented.at).await?,
        None => None,
    };
    let credential = Credential::Session(holder.session.id);
    Ok(Actor { user_id, email: holder.email, credential, standing, origin: presented.origin.clone() })
}

/// The organization in which a signed-in person acts: the one in the address, the one in the header, else the
/// first that they joined.
async fn organization_of(
    control: &Control,
    user: UserId,
    presented: &Presented<'_>,
) -> Result<Option<OrganizationId>, Failure> {
    if let Some(slug) = presented.slug {
        return Ok(control.store.organization_of_slug(slug).await?);
    }
    if let Some(wanted) = presented.wanted_organization() {
        return Ok(wanted.parse().ok());
    }
    Ok(control.store.first_organization(user).await?)
}
