//! `handover`: what lost its owner, and what becomes of it.

use serde_json::json;

use super::Failed;
use super::client::{Asking, id};
use super::nouns::Listing;

const HANDOVERS: &str = "/v1/organization/handovers";

/// What is done with hand-overs.
#[derive(clap::Subcommand)]
pub enum Handover {
    /// List what lost its owner.
    List {
        /// open, resolved, ended, expired or returned; all of them with an empty word.
        #[arg(long, value_name = "STATE", default_value = "open")]
        state: String,
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
    /// Give what lost its owner to somebody else.
    Give {
        /// Its id.
        id: String,
        /// The user id of its new owner.
        to: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// End it: keys are revoked, a service account is deleted, a project archived.
    End {
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
pub async fn run(asked: Handover) -> Result<(), Failed> {
    match asked {
        Handover::List { state, listing } => {
            let client = listing.asking.client()?;
            let query = [("state", state.as_str())];
            let list = client.list(HANDOVERS, &query, listing.limit).await?;
            client
                .show_list(&list, &["id", "kind", "subject_name", "project_name", "cause", "state", "due_at"])
        }
        Handover::Show { id: handover, asking } => {
            let client = asking.client()?;
            client.show_one(&client.get(&format!("{HANDOVERS}/{}", id(&handover)?), &[]).await?)
        }
        Handover::Give { id: handover, to, asking } => {
            let client = asking.client()?;
            client.show_one(&client.post(&resolve(&handover)?, &json!({ "owner_id": to })).await?)
        }
        Handover::End { id: handover, asking } => {
            let client = asking.client()?;
            client.show_one(&client.post(&resolve(&handover)?, &json!({ "end": true })).await?)
        }
    }
}

fn resolve(handover: &str) -> Result<String, Failed> {
    Ok(format!("{HANDOVERS}/{}/resolve", id(handover)?))
}
