//! The rows of explanations: `/v1/organization/access/…`.

use domain::Error;
use domain::access::Permission;
use domain::ids::UserId;
use domain::page::Order;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::wire::{ExplanationJson, SightJson, ViewerJson};
use super::{explain_access, explain_call, what_person_sees, who_sees_project};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// How a question about a call to a model begins; the model follows.
const CALL: &str = "model.request:";

/// A question.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct ExplainQuery {
    /// Whom it is about: the id or e-mail address of a member, or the id of a key; the caller when absent.
    principal: Option<String>,
    /// The name of a permission, or `model.request:` and a model for a key.
    permission: String,
    /// Where: the id of a project or of a key in it; the organization when absent.
    resource: Option<String>,
}

/// Which page is wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct ViewersQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// How many, 1 to 100; 50 when absent.
    limit: Option<i64>,
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
        api(Method::Get, MINE, "read_own_access", "List what you can see and do, and through which role.")
            .needs(everyone)
            .answer::<SightJson>()
            .to(mine),
        api(
            Method::Get,
            OF_USER,
            "read_member_access",
            "List what a member can see and do, and through which role.",
        )
        .needs(Access::Organization(Permission::AccessRead))
        .answer::<SightJson>()
        .to(of_user),
        api(Method::Get, OF_PROJECT, "list_project_access", "List who can see a project, and how.")
            .needs(Access::Project(Permission::ProjectMemberRead))
            .query::<ViewersQuery>()
            .answer::<ListJson<ViewerJson>>()
            .to(of_project),
    ]
}

async fn explain(call: Call) -> Result<Answer, Failure> {
    let me = call.actor()?.user_id.to_string();
    let principal = call.query.one("principal").filter(|text| !text.is_empty()).unwrap_or(&me);
    let name = call.query.text("permission");
    if let Some(model) = name.strip_prefix(CALL) {
        let answered = explain_call(&call.control, &call.grant, principal, model).await?;
        return Ok(Answer::json(ExplanationJson::from(answered)));
    }
    let permission = Permission::parse(name).ok_or_else(|| {
        let sentence = "Name a permission such as project.read, or model.request: and a model.";
        Error::invalid_param("unknown_permission", "permission", sentence)
    })?;
    let question = (principal, permission, call.query.text("resource"));
    Ok(Answer::json(ExplanationJson::from(explain_access(&call.control, &call.grant, question).await?)))
}

async fn mine(call: Call) -> Result<Answer, Failure> {
    let user = call.actor()?.user_id;
    Ok(Answer::json(SightJson::from(what_person_sees(&call.control, &call.grant, user).await?)))
}

async fn of_user(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    Ok(Answer::json(SightJson::from(what_person_sees(&call.control, &call.grant, user).await?)))
}

async fn of_project(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<UserId>(50, 100, Order::Ascending)?;
    let project = call.path("project_id")?;
    let viewers = who_sees_project(&call.control, &call.grant, project, &page).await?;
    let viewers = viewers.map(|seen| ViewerJson::of(&seen, project));
    Ok(Answer::json(ListJson::of(viewers, |viewer| &viewer.id)))
}
