//! `org`, `project`, `member`, `key` and `usage`: thin commands over the admin API.

use std::collections::BTreeMap;

use domain::money::NanoUsd;
use domain::time::{Ambient as _, DAY, Timestamp};
use serde_json::{Value, json};

use super::client::{Asking, Client, id};
use super::{Failed, table};
use crate::ambient::System;

const ORGANIZATION: &str = "/v1/organization";
const PROJECTS: &str = "/v1/organization/projects";
const MEMBERS: &str = "/v1/organization/users";

/// How long a list is, and how it is asked for.
#[derive(clap::Args, Clone)]
pub struct Listing {
    /// How many at most.
    #[arg(long, default_value_t = 1_000)]
    pub limit: usize,
    /// How it is asked for.
    #[command(flatten)]
    pub asking: Asking,
}

/// What is done with the organization.
#[derive(clap::Subcommand)]
pub enum Organization {
    /// Show it.
    Show(Asking),
    /// Give it another name.
    Rename {
        /// The name people read.
        name: String,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Does it.
///
/// # Errors
/// The server's sentence.
pub async fn organization(asked: Organization) -> Result<(), Failed> {
    match asked {
        Organization::Show(asking) => {
            let client = asking.client()?;
            client.show_one(&client.get(ORGANIZATION, &[]).await?)
        }
        Organization::Rename { name, asking } => {
            let client = asking.client()?;
            client.show_one(&client.post(ORGANIZATION, &json!({ "name": name })).await?)
        }
    }
}

/// What is done with projects.
#[derive(clap::Subcommand)]
pub enum Project {
    /// List those that you may see.
    List {
        /// Archived ones too.
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Create one, owned by you.
    Create {
        /// The name people read.
        name: String,
        /// development, staging or production.
        #[arg(long, value_name = "WORD", default_value = "development")]
        environment: String,
        /// The team to which its cost is attributed.
        #[arg(long, value_name = "NAME")]
        team: Option<String>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Archive one: its keys stop.
    Archive {
        /// Its id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Restore an archived one.
    Restore {
        /// Its id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Does it.
///
/// # Errors
/// The server's sentence.
pub async fn project(asked: Project) -> Result<(), Failed> {
    let columns = ["id", "name", "environment", "status", "team", "accountable_owner_id", "created_at"];
    let one = |project: &str| Ok::<_, Failed>(format!("{PROJECTS}/{}", id(project)?));
    match asked {
        Project::List { archived, listing } => {
            let client = listing.asking.client()?;
            let query = [("include_archived", if archived { "true" } else { "" })];
            client.show_list(&client.list(PROJECTS, &query, listing.limit).await?, &columns)
        }
        Project::Show { id, asking } => {
            let client = asking.client()?;
            client.show_one(&client.get(&one(&id)?, &[]).await?)
        }
        Project::Create { name, environment, team, asking } => {
            let client = asking.client()?;
            let body = json!({"name": name, "environment": environment, "team": team});
            client.show_one(&client.post(PROJECTS, &body).await?)
        }
        Project::Archive { id, asking } => act(asking, &format!("{}/archive", one(&id)?)).await,
        Project::Restore { id, asking } => act(asking, &format!("{}/restore", one(&id)?)).await,
    }
}

async fn act(asking: Asking, path: &str) -> Result<(), Failed> {
    let client = asking.client()?;
    client.show_one(&client.post(path, &json!({})).await?)
}

/// What is done with members.
#[derive(clap::Subcommand)]
pub enum Member {
    /// List them.
    List(Listing),
    /// Show one.
    Show {
        /// Their user id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Invite somebody; prints the link to pass on.
    Invite {
        /// The only address that can accept it.
        email: String,
        /// admin, member, finance or auditor.
        #[arg(long, value_name = "ROLE", default_value = "member")]
        role: String,
        /// A project in which they become a member.
        #[arg(long, value_name = "ID")]
        project: Vec<String>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Give one another role in the organization.
    Role {
        /// Their user id.
        id: String,
        /// admin, member, finance or auditor.
        role: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Suspend one: nothing of theirs works in the organization until they are reactivated.
    Suspend {
        /// Their user id.
        id: String,
        /// They are not expected back: what production needs of theirs waits for another owner.
        #[arg(long)]
        for_good: bool,
        #[command(flatten)]
        asking: Asking,
    },
    /// Let a suspended one act again.
    Reactivate {
        /// Their user id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Give everything that one owns to another.
    Transfer {
        /// Their user id.
        id: String,
        /// The user id of the new owner.
        to: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Make the link with which one sets their password anew; prints it, where it does not go by mail.
    ResetPassword {
        /// Their user id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Remove one; their own keys stop at once, except those that production needs: they wait for another owner.
    Remove {
        /// Their user id.
        id: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Leave the organization yourself.
    Leave(Asking),
}

/// Does it.
///
/// # Errors
/// The server's sentence.
pub async fn member(asked: Member) -> Result<(), Failed> {
    let one = |user: &str| Ok::<_, Failed>(format!("{MEMBERS}/{}", id(user)?));
    match asked {
        Member::List(listing) => {
            let client = listing.asking.client()?;
            let list = client.list(MEMBERS, &[], listing.limit).await?;
            client.show_list(&list, &["id", "name", "email", "bailiwick_role", "added_at"])
        }
        Member::Show { id, asking } => {
            let client = asking.client()?;
            client.show_one(&client.get(&one(&id)?, &[]).await?)
        }
        Member::Invite { email, role, project, asking } => {
            let client = asking.client()?;
            let projects: Vec<Value> = project.iter().map(|id| json!({"id": id, "role": "member"})).collect();
            let body = json!({"email": email, "bailiwick_role": role, "projects": projects});
            client.show_one(&client.post("/v1/organization/invites", &body).await?)
        }
        Member::Role { id, role, asking } => {
            let client = asking.client()?;
            client.show_one(&client.post(&one(&id)?, &json!({ "bailiwick_role": role })).await?)
        }
        Member::Suspend { id, for_good, asking } => {
            let client = asking.client()?;
            let path = format!("{}/suspend", one(&id)?);
            client.show_one(&client.post(&path, &json!({ "for_good": for_good })).await?)
        }
        Member::Reactivate { id, asking } => act(asking, &format!("{}/reactivate", one(&id)?)).await,
        Member::Transfer { id, to, asking } => {
            let client = asking.client()?;
            let path = format!("{}/transfer", one(&id)?);
            client.show_one(&client.post(&path, &json!({ "to_user_id": to })).await?)
        }
        Member::ResetPassword { id, asking } => act(asking, &format!("{}/password_reset", one(&id)?)).await,
        Member::Remove { id, asking } => {
            let client = asking.client()?;
            client.show_one(&client.delete(&one(&id)?).await?)
        }
        Member::Leave(asking) => act(asking, "/v1/organization/leave").await,
    }
}

/// What is done with the keys of a project.
#[derive(clap::Subcommand)]
pub enum Key {
    /// List those that you may see.
    List {
        /// The project's id.
        project: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one.
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asking: Asking,
    },
    /// Create one of your own; prints its secret, this once.
    Create {
        /// The project's id.
        project: String,
        /// The name people read.
        name: String,
        /// A model that it may use; may be repeated. All that the project may use when left out.
        #[arg(long, value_name = "NAME")]
        model: Vec<String>,
        /// How many seconds it lives; for ever when left out.
        #[arg(long, value_name = "SECONDS")]
        expires_in: Option<i64>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Draw a new secret; the old one works for the overlap. Prints it, this once.
    Rotate {
        #[command(flatten)]
        which: Which,
        /// How many seconds the old secret still works.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        overlap: i64,
        #[command(flatten)]
        asking: Asking,
    },
    /// Switch one off; it can be switched on again.
    Disable {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asking: Asking,
    },
    /// Switch one on again.
    Enable {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asking: Asking,
    },
    /// End one for good.
    Revoke {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Which key.
#[derive(clap::Args, Clone)]
pub struct Which {
    /// The project's id.
    project: String,
    /// The key's id.
    key: String,
}

impl Which {
    fn path(&self) -> Result<String, Failed> {
        Ok(format!("{}/{}", keys(&self.project)?, id(&self.key)?))
    }
}

fn keys(project: &str) -> Result<String, Failed> {
    Ok(format!("{PROJECTS}/{}/api_keys", id(project)?))
}

/// Does it.
///
/// # Errors
/// The server's sentence.
pub async fn key(asked: Key) -> Result<(), Failed> {
    match asked {
        Key::List { project, listing } => {
            let client = listing.asking.client()?;
            let list = client.list(&keys(&project)?, &[], listing.limit).await?;
            client.show_list(
                &list,
                &["id", "name", "redacted_value", "status", "owner", "last_used_at", "expires_at"],
            )
        }
        Key::Show { which, asking } => {
            let client = asking.client()?;
            client.show_one(&client.get(&which.path()?, &[]).await?)
        }
        Key::Create { project, name, model, expires_in, asking } => {
            let client = asking.client()?;
            let models = (!model.is_empty()).then_some(model);
            let body = json!({"name": name, "models": models, "expires_in_seconds": expires_in});
            client.show_one(&client.post(&keys(&project)?, &body).await?)
        }
        Key::Rotate { which, overlap, asking } => {
            let client = asking.client()?;
            let path = format!("{}/rotate", which.path()?);
            client.show_one(&client.post(&path, &json!({ "overlap_seconds": overlap })).await?)
        }
        Key::Disable { which, asking } => act(asking, &format!("{}/disable", which.path()?)).await,
        Key::Enable { which, asking } => act(asking, &format!("{}/enable", which.path()?)).await,
        Key::Revoke { which, asking } => {
            let client = asking.client()?;
            client.show_one(&client.delete(&which.path()?).await?)
        }
    }
}

/// What is asked of usage.
#[derive(clap::Subcommand)]
pub enum Usage {
    /// What calls cost over the last days, the dearest first.
    Costs {
        /// How many days, of UTC, up to now.
        #[arg(long, default_value_t = 30)]
        days: i64,
        /// What tells the sums apart: `project_id`, `line_item` (the model), `api_key_id`, `team`, `environment`, …
        #[arg(long, value_name = "DIMENSION", default_value = "project_id")]
        by: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Single metered calls, newest first.
    Records {
        /// Only of this project.
        #[arg(long, value_name = "ID", default_value = "")]
        project: String,
        /// Only of this key.
        #[arg(long, value_name = "ID", default_value = "")]
        key: String,
        #[command(flatten)]
        listing: Listing,
    },
}

/// Does it.
///
/// # Errors
/// The server's sentence.
pub async fn usage(asked: Usage) -> Result<(), Failed> {
    match asked {
        Usage::Costs { days, by, asking } => costs(&asking.client()?, days, &by).await,
        Usage::Records { project, key, listing } => {
            let client = listing.asking.client()?;
            let query = [("project_id", project.as_str()), ("api_key_id", key.as_str())];
            let list = client.list("/v1/organization/usage/records", &query, listing.limit).await?;
            let columns = [
                "created_at",
                "project_id",
                "api_key_id",
                "model",
                "input_tokens",
                "output_tokens",
                "cost_nano_usd",
                "status",
            ];
            client.show_list(&list, &columns)
        }
    }
}

async fn costs(client: &Client, days: i64, by: &str) -> Result<(), Failed> {
    let today = System.now().unix_micros().div_euclid(DAY);
    let start = Timestamp::from_unix_micros((today - days + 1) * DAY).unix_seconds().to_string();
    let limit = days.to_string();
    let query = [("start_time", start.as_str()), ("limit", limit.as_str()), ("group_by", by)];
    let report = client.get("/v1/organization/costs", &query).await?;
    client.show(&report, |report| {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        let buckets = report["data"].as_array().into_iter().flatten();
        for result in buckets.flat_map(|bucket| bucket["results"].as_array().into_iter().flatten()) {
            let what = result[by].as_str().unwrap_or("-").to_owned();
            *sums.entry(what).or_default() +=
                i128::from(result["amount"]["nano_usd"].as_i64().unwrap_or_default());
        }
        let mut sums: Vec<(String, i128)> = sums.into_iter().collect();
        sums.sort_by_key(|(_, nano)| std::cmp::Reverse(*nano));
        let dollars = |nano: i128| NanoUsd::from_nano(i64::try_from(nano).unwrap_or(i64::MAX)).to_string();
        let rows: Vec<Value> =
            sums.iter().map(|(what, nano)| json!({by: what, "cost_usd": dollars(*nano)})).collect();
        table::of_rows(&rows, &[by, "cost_usd"])
    })
}
