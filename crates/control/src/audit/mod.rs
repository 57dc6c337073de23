//! The audit trail: what the compatible API has names for, and all of it.

pub mod api;
pub mod console;
pub mod pages;

use std::collections::HashMap;

use domain::access::Grant;
use domain::audit::AuditRecord;
use domain::ids::ProjectId;
use domain::page::Page;
use serde_json::Value;
use store::audit::{AuditCursor, AuditFilter, list_audit_records};

use crate::{Control, Failure};

/// What people call the thing that a record keeps the facts of.
pub(crate) fn name_in(facts: &Value) -> Option<&str> {
    let fields = ["name", "email", "role_name", "principal_name", "group_name"];
    fields.iter().find_map(|field| facts.get(field)?.as_str())
}

/// A page of the trail, newest first.
///
/// # Errors
/// When the store is away.
pub async fn audit_records(
    control: &Control,
    grant: &Grant,
    filter: &AuditFilter,
    cursor: &AuditCursor,
    limit: i64,
) -> Result<Page<AuditRecord>, Failure> {
    Ok(list_audit_records(&control.store, grant, filter, cursor, limit).await?)
}

/// The names of the projects that records are about, as far as they are within reach.
///
/// # Errors
/// When the store is away.
pub async fn project_names(
    control: &Control,
    grant: &Grant,
    records: &[AuditRecord],
) -> Result<HashMap<ProjectId, String>, Failure> {
    let mut names = HashMap::new();
    for id in records.iter().filter_map(|record| record.entry.project_id) {
        if names.contains_key(&id) {
            continue;
        }
        match control.store.project(grant, id).await {
            Ok(project) => names.insert(id, project.name),
            Err(store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(names)
}
