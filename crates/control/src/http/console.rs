//! What the handlers of pages share: the frame of the viewer, and what follows an act.

use askama::Template;
use domain::Error;
use domain::access::{Permission, Standing, Target, allows};
use domain::organizations::{Feature, Organization, OrganizationState};
use domain::time::{TimeZone, Timestamp};
use http::header;

use super::errors::ErrorPage;
use super::figures::When;
use super::shell::{Bare, Flash, OrganizationLink, Person, Section, Shell, Standstill, Theme, Tone};
use crate::projects::frame::granted;
use crate::{Answer, Call, Failure, accounts, approvals};

/// How long a chosen theme is remembered, in seconds: a year.
const THEME_SECONDS: i64 = 31_536_000;

/// Places of the organization and what one needs to see them.
const PLACES: [(Section, Permission); 15] = [
    (Section::Members, Permission::MemberRead),
    (Section::Groups, Permission::GroupRead),
    (Section::Roles, Permission::RoleRead),
    (Section::Handovers, Permission::HandoverRead),
    (Section::Reviews, Permission::ReviewRead),
    (Section::Access, Permission::AccessRead),
    (Section::Usage, Permission::UsageRead),
    (Section::Allowances, Permission::AllowanceRead),
    (Section::Providers, Permission::ProviderRead),
    (Section::Prices, Permission::PriceRead),
    (Section::Policy, Permission::PolicyRead),
    (Section::Webhooks, Permission::WebhookRead),
    (Section::AdminKeys, Permission::AdminKeyRead),
    (Section::Audit, Permission::AuditRead),
    (Section::Settings, Permission::OrganizationUpdate),
];

/// The frame of a page for whoever is signed in.
///
/// # Errors
/// When nobody is signed in, or the store is away.
pub(crate) async fn shell(call: &Call, title: &str, here: Section) -> Result<Shell, Failure> {
    let actor = call.actor()?;
    let slug = call.path_text("slug");
    let user = accounts::whoami(&call.control, actor).await?;
    let belongings = call.control.store.organizations_of(actor.user_id).await?;
    let organizations: Vec<OrganizationLink> = belongings
        .into_iter()
        .map(|one| OrganizationLink {
            standstill: standstill(&one.organization),
            slug: one.organization.slug,
            name: one.organization.name,
            role: one.role.title().to_owned(),
        })
        .collect();
    let mut hidden = call.organization_id().map_or(Vec::new(), |organization| {
        let target = Target::Organization(organization);
        let sees = |permission| allows(actor, permission, target);
        let is_seen = |place, needed| {
            sees(needed)
                || match place {
                    // The page of usage shows costs alone to those who may see no more.
                    Section::Usage => sees(Permission::CostRead),
                    // Who may bring the organization back finds the place for it while nothing else can be changed.
                    Section::Settings => sees(Permission::OrganizationSuspend),
                    _ => false,
                }
        };
        PLACES.iter().filter(|(place, needed)| !is_seen(*place, *needed)).map(|(place, _)| *place).collect()
    });
    let has_reviews = |standing: &Standing| standing.allows_feature(Feature::AccessReviews).is_ok();
    if !actor.standing.as_ref().is_some_and(has_reviews) {
        hidden.push(Section::Reviews);
    }
    let (approvals, elevation) = approvals::console::notices(call).await?;
    Ok(Shell {
        elevation,
        title: title.to_owned(),
        path: call.location.clone(),
        theme: theme(call),
        csrf: call.csrf(),
        person: Person { name: user.name, email: user.email },
        organization: organizations.iter().find(|one| one.slug == slug).cloned(),
        organizations,
        project: None,
        here,
        hidden,
        waiting: vec![(Section::Approvals, approvals), (Section::Handovers, handovers_waiting(call).await?)],
        flashes: flash(call).into_iter().collect(),
        made_at: When::minute(call.at, &TimeZone::utc()),
    })
}

/// How many hand-overs wait for somebody, where the viewer may see them.
async fn handovers_waiting(call: &Call) -> Result<u64, Failure> {
    match granted(call, Permission::HandoverRead) {
        Some(grant) => Ok(call.control.store.count_open_handovers(&grant).await?),
        None => Ok(0),
    }
}

/// Why nothing can be changed in an organization; none where it is in use.
pub(crate) fn standstill(organization: &Organization) -> Option<Standstill> {
    let day = |at: Option<Timestamp>| {
        at.map(|at| When::day(at, &organization.time_zone).text().to_owned()).unwrap_or_default()
    };
    let text = match (organization.state(), &organization.suspension) {
        (OrganizationState::Closed, _) => format!(
            "{} is closed since {}. Its keys are refused and nothing can be changed. It is purged on {}, unless an \
             Admin reactivates it before.",
            organization.name,
            day(organization.closed_at),
            day(organization.purge_at())
        ),
        (_, Some(suspension)) => format!(
            "{} is suspended since {}: {} Its keys are refused and nothing can be changed until an Admin reactivates \
             it.",
            organization.name,
            day(Some(suspension.at)),
            as_sentence(&suspension.reason)
        ),
        (_, None) => return None,
    };
    Some(Standstill { state: organization.state().name(), text })
}

fn as_sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// The frame of a page that needs no session.
pub(crate) fn bare(call: &Call, title: &str) -> Bare {
    let flashes = flash(call).into_iter().collect();
    Bare { title: title.to_owned(), theme: theme(call), csrf: call.csrf(), flashes }
}

fn theme(call: &Call) -> Theme {
    Theme::parse(&cookie(call, "theme").unwrap_or_default())
}

/// The cookie that remembers a theme.
pub(crate) fn theme_cookie(theme: Theme) -> String {
    format!("theme={}; Path=/; Max-Age={THEME_SECONDS}; SameSite=Lax", theme.name())
}

/// A path of this console out of a form or an address; anything that could lead elsewhere is `otherwise`.
pub(crate) fn own_path<'a>(wanted: &'a str, otherwise: &'a str) -> &'a str {
    let is_own = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.chars().any(|c| c == '\\' || c.is_control());
    if is_own { wanted } else { otherwise }
}

fn cookie(call: &Call, name: &str) -> Option<String> {
    let text = call.headers.get(header::COOKIE)?.to_str().ok()?;
    text.split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

fn flash(call: &Call) -> Option<Flash> {
    let value = crate::Query::parse(&format!("flash={}", cookie(call, "flash")?));
    let (tone, text) = value.one("flash")?.split_once('|')?;
    let tone = if tone == "bad" { Tone::Bad } else { Tone::Good };
    Some(Flash { tone, text: text.to_owned() })
}

/// A page from its template. The message that it shows is not shown again.
///
/// # Errors
/// `Broken` when the template fails.
pub(crate) fn page(template: &impl Template) -> Result<Answer, Failure> {
    let text = template.render().map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(Answer::html(text).cookie("flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))
}

/// On to a page that says what was done.
pub(crate) fn done(_: &Call, to: &str, text: &str) -> Answer {
    told(to, Tone::Good, text)
}

fn told(to: &str, tone: Tone, text: &str) -> Answer {
    let value =
        serde_urlencoded::to_string([("flash", format!("{}|{text}", tone.name()))]).unwrap_or_default();
    Answer::redirect(to).cookie(&format!("{value}; Path=/; Max-Age=5; HttpOnly; SameSite=Lax"))
}

/// Codes of refusals after which something else on the same page may work.
const MENDABLE: [&str; 7] = [
    "wrong_password",
    "wider_than_giver",
    "higher_rank",
    "owners_do_not_invite",
    "invite_gives_more",
    "approval_required",
    "projects_not_requested",
];

/// Why an act was refused, where the person can do something about it on the same page.
///
/// # Errors
/// The failure itself, where it is about something else.
pub(crate) fn refusal(failure: Failure) -> Result<Flash, Failure> {
    let is_theirs = matches!(
        failure,
        Failure::Domain(Error::Invalid { .. } | Error::Conflict { .. })
            | Failure::Store(store::Error::Conflict { .. })
            | Failure::TooMany { .. }
    ) || MENDABLE.contains(&failure.code());
    if is_theirs { Ok(Flash { tone: Tone::Bad, text: failure.to_string() }) } else { Err(failure) }
}

/// Back to a page, which says what was done or why not.
///
/// # Errors
/// What the person cannot mend there.
pub(crate) fn back(_: &Call, to: &str, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    match done {
        Ok(text) => Ok(told(to, Tone::Good, text)),
        Err(failure) => refusal(failure).map(|flash| told(to, Tone::Bad, &flash.text)),
    }
}

/// How a failure looks as a page of its own.
pub(crate) fn error_page(failure: &Failure, request_id: &str) -> String {
    let bare = Bare { title: "Error".to_owned(), ..Bare::default() };
    let id = request_id.to_owned();
    let page = match failure {
        Failure::Path | Failure::Domain(Error::Hidden { .. }) => ErrorPage::not_found(bare, id),
        Failure::Domain(Error::Forbidden { code: "missing_permission", message }) => {
            let named = message.split_whitespace().map(|word| word.trim_end_matches('.'));
            let missing = named.filter_map(Permission::parse).next();
            ErrorPage::forbidden(bare, missing.map_or("", Permission::name), id)
        }
        failure if failure.status().is_server_error() => ErrorPage::internal(bare, id),
        failure => {
            let title = "That did not work".to_owned();
            let status = failure.status().as_u16();
            let text = failure.to_string();
            ErrorPage { bare, status, title, text, missing_permission: None, request_id: id }
        }
    };
    page.render().unwrap_or_else(|_| super::failure::plain_page(failure, request_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for path in ["", "//evil.test", "/\\evil.test", "https://evil.test", "/a\r\nset-cookie: b"] {
            assert_eq!(own_path(path, "/"), "/", "{path:?}");
        }
        assert_eq!(own_path("/o/a/members?x=1", "/"), "/o/a/members?x=1");
    }
}
