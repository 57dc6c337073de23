//! From the table to a router, and from a request to its answer: identify, authorize, run, audit refusals.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts as _, RawPathParams};
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use domain::Error;
use domain::access::{Actor, Credential, Grant, Origin, Permission, Target, Task, authorize};
use domain::audit::AuditActor;
use domain::ids::{OrganizationId, ProjectId, RequestId};
use domain::networks::client_address;
use domain::routes::{Access, Method, Route, Surface};
use domain::time::Timestamp;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};

use super::answer::Answer;
use super::call::Call;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::query::Query;
use super::refusals::Refused;
use super::{idempotency, openapi, reference};
use crate::authn::identify::{Presented, identify};
use crate::authn::session;
use crate::{Control, policy, routes};

/// How many bytes of a body are read.
const MOST_BODY_BYTES: usize = 1024 * 1024;

/// The control plane's router. `extra_routes` are the gateway's rows, for the documents.
pub fn router(control: Control, extra_routes: Vec<Route>) -> Router {
    let endpoints = routes::endpoints();
    let document = Bytes::from(openapi::document(&endpoints, &extra_routes).to_string());
    let page = Bytes::from(reference::page(&endpoints, &extra_routes));
    let mut paths: BTreeMap<&'static str, MethodRouter> = BTreeMap::new();
    for endpoint in endpoints {
        let path = endpoint.route.path;
        let filter = match endpoint.route.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Delete => MethodFilter::DELETE,
        };
        let service = handler(control.clone(), Arc::new(endpoint));
        let router = paths.remove(path).unwrap_or_default();
        paths.insert(path, router.on(filter, service));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(path, methods.fallback(fallback(control.clone(), || Failure::Method)));
    }
    router
        .route("/openapi.json", constant(document, "application/json"))
        .route("/docs", constant(page, "text/html; charset=utf-8"))
        .route("/assets/style.css", asset(super::STYLE_CSS, "text/css; charset=utf-8"))
        .route("/assets/console.js", asset(super::CONSOLE_JS, "text/javascript; charset=utf-8"))
        .route("/assets/icon.svg", asset(super::ICON_SVG, "image/svg+xml"))
        .fallback(fallback(control, || Failure::Path))
}

type Answering = std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

fn handler(
    control: Control,
    endpoint: Arc<Endpoint>,
) -> impl Fn(Request<Body>) -> Answering + Clone + Send + Sync + 'static {
    move |request| {
        let (control, endpoint) = (control.clone(), endpoint.clone());
        Box::pin(async move { answer(control, endpoint, request).await })
    }
}

fn fallback(
    control: Control,
    failure: fn() -> Failure,
) -> impl Fn(Request<Body>) -> Answering + Clone + Send + Sync + 'static {
    move |request| {
        let control = control.clone();
        Box::pin(async move {
            let id = RequestId::mint(control.ambient.as_ref());
            let path = request.uri().path();
            let is_api = path.starts_with("/v1/") || path.starts_with("/openai/") || path == "/v1";
            let surface = if is_api { Surface::Api } else { Surface::Console };
            respond(shown(&control, surface, &failure(), id), surface, id)
        })
    }
}

fn constant(body: Bytes, media_type: &'static str) -> MethodRouter {
    on(MethodFilter::GET, move || {
        let policy = "default-src 'none'; style-src 'unsafe-inline'";
        let answer = Answer::of(StatusCode::OK, media_type, body.clone());
        std::future::ready(answer.header(header::CONTENT_SECURITY_POLICY, policy).into_response())
    })
}

/// A file of the console; its address changes with it, so a browser keeps it for good.
fn asset(text: &'static str, media_type: &'static str) -> MethodRouter {
    on(MethodFilter::GET, move || {
        let answer = Answer::of(StatusCode::OK, media_type, Bytes::from_static(text.as_bytes()))
            .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        std::future::ready(answer.into_response())
    })
}

async fn answer(control: Control, endpoint: Arc<Endpoint>, request: Request<Body>) -> Response<Body> {
    let id = RequestId::mint(control.ambient.as_ref());
    let route = endpoint.route;
    let (mut parts, body) = request.into_parts();
    let location = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let answer = match prepare(&control, &route, &mut parts, body, id).await {
        Ok(call) => run(endpoint, call).await,
        Err(failure) => Err(failure),
    };
    let answer = answer.unwrap_or_else(|failure| {
        failure.log(&id.to_string());
        match sign_in_instead(&route, &failure, &location) {
            Some(redirect) => redirect,
            None => shown(&control, route.surface, &failure, id),
        }
    });
    respond(answer, route.surface, id)
}

/// Runs the handler. A refusal that it made itself goes into the trail like one made before it.
async fn run(endpoint: Arc<Endpoint>, call: Call) -> Result<Answer, Failure> {
    let (control, route, location) = (call.control.clone(), call.route, call.location.clone());
    let (actor, at) = (call.person.clone(), call.at);
    let answer = idempotency::run(endpoint, call).await;
    if let (Err(failure), Some(actor)) = (&answer, &actor) {
        note_refusal(&control, &route, actor, (&location, at), failure).await;
    }
    answer
}

async fn prepare(
    control: &Control,
    route: &Route,
    parts: &mut Parts,
    body: Body,
    request_id: RequestId,
) -> Result<Call, Failure> {
    let at = control.now();
    // Before anything can refuse: a connection that is answered with its request half read has to be closed, and the
    // client's next request on it would be lost.
    let body = read_body(body).await?;
    let origin = origin_of(control, parts, request_id);
    let path = path_of(parts).await;
    let location = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let slug = path.iter().find(|(name, _)| name == "slug").map(|(_, value)| value.as_str());
    let presented = Presented { headers: &parts.headers, surface: route.surface, slug, origin: &origin, at };
    let person = match identify(control, &presented).await {
        Ok(actor) => Some(actor),
        Err(_) if route.access == Access::Public => None,
        Err(failure) => {
            note_stranger(control, route, &presented, &location, &failure).await;
            return Err(failure);
        }
    };
    let decided = decide_there(control, route, person.as_ref(), &path).await;
    if let (Err(failure), Some(actor)) = (&decided, &person) {
        note_refusal(control, route, actor, (&location, at), failure).await;
    }
    let grant = decided?;
    let entered = match policy::enter(control, &grant, (route.surface, project_in(route, &path)), at).await {
        Ok(()) => prove_origin(control, route, person.as_ref(), &parts.headers, &body),
        refused => refused,
    };
    if let (Err(failure), Some(actor)) = (&entered, &person) {
        note_refusal(control, route, actor, (&location, at), failure).await;
    }
    entered?;
    control.0.uses.note(&grant, project_in(route, &path), at);
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let (control, headers) = (control.clone(), std::mem::take(&mut parts.headers));
    Ok(Call { control, route: *route, grant, person, at, query, headers, location, origin, path, body })
}

/// What the row's access says of this person. Of a project that is not in the organization it says just that, before
/// anything else is judged: a foreign id and one that never was are told alike.
async fn decide_there(
    control: &Control,
    route: &Route,
    person: Option<&Actor>,
    path: &[(String, String)],
) -> Result<Grant, Failure> {
    let decided = decide(route, person, path);
    let (Access::Project(_), Some(actor)) = (route.access, person) else { return decided };
    let seen = match &decided {
        Ok(grant) => Some(grant.clone()),
        Err(_) => authorize(actor, Permission::ProjectRead, project_of(actor, path)?).ok(),
    };
    if let (Some(grant), Target::Project(_, project)) = (seen, project_of(actor, path)?) {
        control.store.project(&grant, project).await?;
    }
    decided
}

/// What the row's access says of this person.
fn decide(route: &Route, person: Option<&Actor>, path: &[(String, String)]) -> Result<Grant, Failure> {
    let actor = match (route.access, person) {
        (Access::Public, _) => return Ok(Grant::system(Task::SignIn, None)),
        (_, Some(actor)) => actor,
        (_, None) => return Err(session::missing().into()),
    };
    let granted = match route.access {
        Access::Organization(permission) => {
            authorize(actor, permission, Target::Organization(organization_of(actor)?))
        }
        Access::Project(permission) => authorize(actor, permission, project_of(actor, path)?),
        // Any permission serves: on an account target none is asked for.
        Access::Account => authorize(actor, Permission::OrganizationRead, Target::Account),
        Access::Public | Access::ProjectKey => Err(Error::Hidden { what: "path" }),
    };
    let granted = granted?;
    is_switched_on(route, actor)?;
    Ok(granted)
}

/// Whether the organization has the feature to which the row belongs.
fn is_switched_on(route: &Route, actor: &Actor) -> Result<(), Error> {
    let (Some(feature), Some(standing)) = (route.feature, &actor.standing) else { return Ok(()) };
    standing.allows_feature(feature)
}

fn organization_of(actor: &Actor) -> Result<OrganizationId, Error> {
    let standing = actor.standing.as_ref();
    standing.map(|standing| standing.organization_id).ok_or(Error::Hidden { what: "organization" })
}

/// The project that the row is about, where it is about one.
fn project_in(route: &Route, path: &[(String, String)]) -> Option<ProjectId> {
    let text = path.iter().find(|(name, _)| name == "project_id").map(|(_, value)| value.as_str());
    text.filter(|_| matches!(route.access, Access::Project(_)))?.parse().ok()
}

/// The project in the path, in the organization in which the person acts.
fn project_of(actor: &Actor, path: &[(String, String)]) -> Result<Target, Error> {
    let text = path.iter().find(|(name, _)| name == "project_id").map(|(_, value)| value.as_str());
    let project: Option<ProjectId> = text.and_then(|text| text.parse().ok());
    let project = project.ok_or(Error::Hidden { what: "project" })?;
    Ok(Target::Project(organization_of(actor)?, project))
}

/// A change asked for by a browser has to come from the console's own page.
fn prove_origin(
    control: &Control,
    route: &Route,
    person: Option<&Actor>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(), Failure> {
    let session = match person.map(|actor| actor.credential) {
        Some(Credential::Session(id)) => Some(id),
        Some(_) => return Ok(()),
        None => None,
    };
    let is_console = route.surface == Surface::Console;
    if route.method == Method::Get || (session.is_none() && !is_console) {
        return Ok(());
    }
    let header = headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let field = || Query::parse(std::str::from_utf8(body).unwrap_or_default()).text("csrf").to_owned();
    let is_proven = match session.filter(|_| route.access != Access::Public) {
        None => true,
        Some(id) => {
            let proof = header.unwrap_or_else(|| if is_console { field() } else { String::new() });
            session::is_proven(control.secrets.pepper(), id, &proof)
        }
    };
    if is_proven && !session::is_cross_site(headers) {
        return Ok(());
    }
    let message = "This form was not sent from the console's own page, or is too old. Load the page again.";
    Err(Error::forbidden("csrf_proof_missing", message).into())
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    axum::body::to_bytes(body, MOST_BODY_BYTES).await.map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if inner.is::<http_body_util::LengthLimitError>() {
                return Failure::TooLarge;
            }
            cause = inner.source();
        }
        Error::invalid("body_incomplete", "The body ended early.").into()
    })
}

async fn path_of(parts: &mut Parts) -> Vec<(String, String)> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    params
        .map(|params| params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        .unwrap_or_default()
}

fn origin_of(control: &Control, parts: &Parts, request_id: RequestId) -> Origin {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let trusted = &control.settings.trusted_proxies;
    let forwarded = parts.headers.get_all("x-forwarded-for").iter();
    // A line that is no text is one that is no address.
    let forwarded = forwarded.map(|line| line.to_str().unwrap_or_default());
    Origin {
        address: peer.map(|peer| client_address(peer, forwarded, trusted)),
        user_agent: text("user-agent").map(|agent| agent.chars().take(256).collect()),
        request_id: Some(request_id),
    }
}

async fn note_refusal(
    control: &Control,
    route: &Route,
    actor: &Actor,
    (location, at): (&str, Timestamp),
    failure: &Failure,
) {
    if !matches!(failure, Failure::Domain(Error::Forbidden { .. } | Error::Hidden { .. })) {
        return;
    }
    let refused = Refused {
        organization_id: actor.standing.as_ref().map(|standing| standing.organization_id),
        actor: store::actor_of(actor),
        entry: Refused::entry_of(route, location, failure),
        at,
    };
    control.0.refusals.note(control, refused).await;
}

/// A wrong credential is an attempt too; a request without any is only someone who has not signed in.
async fn note_stranger(
    control: &Control,
    route: &Route,
    presented: &Presented<'_>,
    location: &str,
    failure: &Failure,
) {
    let is_refusal = matches!(failure, Failure::Domain(Error::Unauthenticated { .. }));
    if presented.bearer().is_none() || !is_refusal {
        return;
    }
    let address = presented.origin.address.map(|address| address.to_string());
    let actor = AuditActor {
        kind: "stranger".to_owned(),
        id: address.clone().unwrap_or_default(),
        credential_kind: "admin_key".to_owned(),
        address,
        user_agent: presented.origin.user_agent.clone(),
        request_id: presented.origin.request_id.map(|id| id.to_string()),
        ..AuditActor::default()
    };
    let entry = Refused::entry_of(route, location, failure);
    let refused = Refused { organization_id: None, actor, entry, at: presented.at };
    control.0.refusals.note(control, refused).await;
}

fn sign_in_instead(route: &Route, failure: &Failure, location: &str) -> Option<Answer> {
    let is_stranger = matches!(failure, Failure::Domain(Error::Unauthenticated { .. }));
    if route.surface != Surface::Console || route.access == Access::Public || !is_stranger {
        return None;
    }
    let next = if route.method == Method::Get { location } else { "/" };
    let query = serde_urlencoded::to_string([("return_to", next)]).unwrap_or_default();
    Some(Answer::redirect(&format!("/sign-in?{query}")))
}

fn shown(control: &Control, surface: Surface, failure: &Failure, id: RequestId) -> Answer {
    match surface {
        Surface::Console => failure.page((control.error_page)(failure, &id.to_string())),
        Surface::Api | Surface::Gateway => failure.json(),
    }
}

fn respond(answer: Answer, surface: Surface, id: RequestId) -> Response<Body> {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if surface == Surface::Console {
        set(header::CONTENT_SECURITY_POLICY, super::CONTENT_SECURITY_POLICY);
        set(header::REFERRER_POLICY, "same-origin");
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}
