//! `access`: whether somebody may do something and why, who can see a project, what a person can see.

use std::fmt::Write as _;

use domain::time::Timestamp;
use serde_json::Value;

use super::client::{Asking, id};
use super::{Failed, table};

/// What is asked.
#[derive(clap::Subcommand)]
pub enum Access {
    /// Whether somebody may do something somewhere, and why.
    Explain {
        /// Address or id of a member, or id of a service account or key; whoever asks when left out.
        #[arg(long, value_name = "WHO", default_value = "")]
        principal: String,
        /// A permission such as project.update, or model.request:MODEL for a key.
        #[arg(long, value_name = "PERMISSION")]
        permission: String,
        /// Id of a project, key, service account, group or member; the organization when left out.
        #[arg(long, value_name = "ID", default_value = "")]
        resource: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Who can see a project, how, and what they can do.
    Project {
        /// The project's id.
        id: String,
        #[command(flatten)]
        asking: Asking,
        /// How many people and service accounts at most.
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
    },
    /// What a member can see and do.
    Member {
        /// The user's id; whoever asks when left out.
        id: Option<String>,
        #[command(flatten)]
        asking: Asking,
        /// How many projects at most.
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
    },
}

/// Asks and shows the answer.
///
/// # Errors
/// The server's sentence.
pub async fn run(asked: Access) -> Result<(), Failed> {
    match asked {
        Access::Explain { principal, permission, resource, asking } => {
            let client = asking.client()?;
            let query = [
                ("principal", principal.as_str()),
                ("permission", permission.as_str()),
                ("resource", resource.as_str()),
            ];
            let answer = client.get("/v1/organization/access/explain", &query).await?;
            client.show(&answer, explanation)
        }
        Access::Project { id: project, asking, limit } => {
            let client = asking.client()?;
            let path = format!("/v1/organization/projects/{}/access", id(&project)?);
            let list = client.list(&path, &[], limit).await?;
            client.show(&list, |list| listed(list, &["name", "email", "can", "because", "active_keys"]))
        }
        Access::Member { id: user, asking, limit } => {
            let client = asking.client()?;
            let path = match &user {
                Some(user) => format!("/v1/organization/users/{}/access", id(user)?),
                None => "/v1/organization/access/mine".to_owned(),
            };
            let mut sight = client.get(&path, &[("limit", "1")]).await?;
            sight["projects"] = client.list_in(&path, Some("projects"), &[], limit).await?;
            client.show(&sight, told)
        }
    }
}

/// An explanation as people read it: the answer, then its chain.
fn explanation(answer: &Value) -> String {
    let mut text = format!("{}\n", words(&answer["sentence"]));
    // Writing to a text cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "  {words}");
    };
    for step in answer["steps"].as_array().into_iter().flatten() {
        let mark = if step["passes"] == true { "+" } else { "-" };
        line(format!("{mark} {}", words(&step["sentence"])));
    }
    for reason in answer["because"].as_array().into_iter().flatten() {
        line(reason_line(reason));
    }
    let missing = &answer["missing"];
    if !missing.is_null() {
        let role = |role: &Value| {
            let own = if role["gives"] == "own" { ", for what one owns" } else { "" };
            format!("{} ({}{own})", words(&role["name"]), words(&role["level"]))
        };
        line(format!("roles that give it: {}", joined(&missing["roles"], role)));
        line(format!("who can give them: {}", joined(&missing["givers"], |who| words(&who["name"]))));
    }
    text
}

/// `Project Owner in Support, given by NAME on 2026-11-24T…, through the group Platform`.
fn reason_line(reason: &Value) -> String {
    let mut text = format!("{} in {}", words(&reason["role"]["name"]), words(&reason["scope"]["name"]));
    if !reason["through"].is_null() {
        text += &format!(" through the group {}", words(&reason["through"]["name"]));
    }
    if !reason["given_by"].is_null() {
        text += &format!(", given by {}", words(&reason["given_by"]["name"]));
    }
    text += &format!(" on {}", moment(&reason["given_at"]));
    if !reason["ends_at"].is_null() {
        text += &format!(", ends {}", moment(&reason["ends_at"]));
    }
    text
}

/// A list whose reasons are told by their roles.
fn listed(list: &Value, columns: &[&str]) -> String {
    let mut list = list.clone();
    for item in list["data"].as_array_mut().into_iter().flatten() {
        let role = |reason: &Value| {
            let through = words(&reason["through"]["name"]);
            let through = if through.is_empty() { through } else { format!(" through {through}") };
            format!("{}{through}", words(&reason["role"]["name"]))
        };
        item["because"] = Value::String(joined(&item["because"], role));
    }
    table::of_list(&list, columns)
}

fn told(sight: &Value) -> String {
    let mut text = format!("{} ({})", words(&sight["name"]), words(&sight["email"]));
    if !sight["suspended_at"].is_null() {
        text += &format!(", suspended since {}", moment(&sight["suspended_at"]));
    }
    text += &format!("\nin the organization: {}\n", words(&sight["can"]));
    for reason in sight["because"].as_array().into_iter().flatten() {
        text += &format!("  {}\n", reason_line(reason));
    }
    text + "\n" + &listed(&sight["projects"], &["name", "environment", "can", "because"])
}

fn joined(list: &Value, say: impl Fn(&Value) -> String) -> String {
    list.as_array().into_iter().flatten().map(say).collect::<Vec<_>>().join(", ")
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace(char::is_control, " ")
}

fn moment(seconds: &Value) -> String {
    seconds.as_i64().map(|at| Timestamp::from_unix_seconds(at).to_string()).unwrap_or_default()
}
