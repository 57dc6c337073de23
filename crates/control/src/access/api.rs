//! The rows of explanations: `/v1/organization/access/…`, and the lists of a project and of a member.

use domain::access::Permission;
use domain::ids::{ProjectId, UserId};
use domain::page::Order;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::lists::SeerId;
use super::wire::{ExplanationJson, SeerJson, SightJson, organization_json};
use super::{Asked, Question, explain_access, what_person_sees, who_sees_project};
use crate::http::list_query::ListQuery;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A question.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct ExplainQuery {
    /// Whom it is about: the id or e-mail address of a member, or the id of a service account or key; the caller when
    /// absent.
    principal: Option<String>,
    /// The name of a permission, or `model.request:` and a model for a key.
    permission: String,
    /// Where: the id of a project, key, service account, group or member; the organization when absent.
    resource: Option<String>,
}

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    const EXPLAIN: &str = "/v1/organization/access/explain";
    const MINE: &str = "/v1/organization/access/mine";
    const OF_USER: &str = "/v1/organization/users/{user_id}/access";
    const OF_PROJECT: &str = "/v1/organization/projects/{project_id}/access";
    let everyone = Access::Organization(Permission::OrganizationRead);
    vec![
        api(Method::Get, EXPLAIN, "explain_access", "Say whether somebody may do something, and why.")
            .needs(everyone)
            .query::<ExplainQuery>()
            .answer::<ExplanationJson>()
            .to(explain),
        api(Method::Get, MINE, "read_own_access", "List what you can see and do, and why.")
            .needs(everyone)
            .query::<ListQuery>()
            .answer::<SightJson>()
            .to(mine),
        api(Method::Get, OF_USER, "read_member_access", "List what a member can see and do, and why.")
            .needs(Access::Organization(Permission::AccessRead))
            .query::<ListQuery>()
            .answer::<SightJson>()
            .to(of_user),
        api(
            Method::Get,
            OF_PROJECT,
            "list_project_access",
            "List who can see a project, how, and what they can do.",
        )
        .needs(Access::Project(Permission::ProjectMemberRead))
        .query::<ListQuery>()
        .answer::<ListJson<SeerJson>>()
        .to(of_project),
    ]
}

async fn explain(call: Call) -> Result<Answer, Failure> {
    let act = Asked::parse(call.query.text("permission"))?;
    let (principal, resource) = (call.query.text("principal"), call.query.text("resource"));
    let answered = explain_access(&call.control, &call.grant, Question { principal, act, resource }).await?;
    Ok(Answer::json(ExplanationJson::of(&answered, act)))
}

async fn mine(call: Call) -> Result<Answer, Failure> {
    let user = call.actor()?.user_id;
    sight(&call, user).await
}

async fn of_user(call: Call) -> Result<Answer, Failure> {
    sight(&call, call.path("user_id")?).await
}

async fn sight(call: &Call, user: UserId) -> Result<Answer, Failure> {
    let page = call.query.page::<ProjectId>(20, 100, Order::Ascending)?;
    let sight = what_person_sees(&call.control, &call.grant, user, &page).await?;
    let organization = organization_json(&call.control.store.organization(&call.grant).await?);
    Ok(Answer::json(SightJson::of(&sight, &organization)))
}

async fn of_project(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<SeerId>(20, 100, Order::Ascending)?;
    let seers = who_sees_project(&call.control, &call.grant, call.path("project_id")?, &page).await?;
    let organization = organization_json(&call.control.store.organization(&call.grant).await?);
    let seers = seers.map(|seer| SeerJson::of(&seer, &organization));
    Ok(Answer::json(ListJson::of(seers, |seer| &seer.id)))
}
