//! Exceptions and warnings as rows of the page: each says where by the name of its project and its key.

use std::collections::HashMap;

use domain::Error;
use domain::access::Grant;
use domain::ids::{KeyId, ProjectId, UserId};
use domain::policy::{Exception, Spot};
use domain::time::{TimeZone, Timestamp};
use store::policy::{KeyLabel, Warning};

use super::pages::{ExceptionRow, SpotRow, WarningRow};
use super::view::words;
use crate::http::figures::{Count, When};
use crate::http::shell::ProjectLink;
use crate::projects::frame::{link, naming};
use crate::projects::retrieve_project;
use crate::{Call, Failure};

/// How many warnings the page shows.
const WARNINGS_MOST: usize = 100;

/// Names places.
pub(super) struct Spots<'a> {
    call: &'a Call,
    grant: Option<Grant>,
    keys: HashMap<String, KeyLabel>,
}

impl<'a> Spots<'a> {
    /// For what is on one page.
    pub(super) async fn of(
        call: &'a Call,
        exceptions: &[(Spot, Exception)],
        warnings: &[Warning],
    ) -> Result<Self, Failure> {
        let excepted = exceptions.iter().filter(|(spot, _)| matches!(spot, Spot::Key(_)));
        let warned = warnings.iter().take(WARNINGS_MOST).map(|warning| warning.key_id.clone());
        let keys: Vec<String> = excepted.map(|(spot, _)| spot.id()).chain(warned).collect();
        let labels = call.control.store.key_labels(&call.grant, keys).await?;
        let keys = labels.into_iter().map(|label| (label.id.to_string(), label)).collect();
        Ok(Self { call, grant: naming(call), keys })
    }

    async fn project(&self, id: ProjectId) -> Result<Option<ProjectLink>, Failure> {
        let Some(grant) = &self.grant else { return Ok(None) };
        match retrieve_project(&self.call.control, grant, id).await {
            Ok(owned) => Ok(Some(link(&owned))),
            Err(Failure::Domain(Error::Hidden { .. }) | Failure::Store(store::Error::NotFound { .. })) => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// A key by its name; by its id where it is not known.
    fn key(&self, project: Option<ProjectLink>, id: String) -> SpotRow {
        match self.keys.get(&id) {
            Some(label) => SpotRow { project, what: label.name.clone(), masked: label.redacted.clone() },
            None => SpotRow { project, what: id, masked: String::new() },
        }
    }

    async fn project_of_key(&self, key: KeyId) -> Result<Option<ProjectLink>, Failure> {
        match self.keys.get(&key.to_string()).and_then(|label| label.project_id) {
            Some(project) => self.project(project).await,
            None => Ok(None),
        }
    }

    async fn row(&self, spot: Spot) -> Result<SpotRow, Failure> {
        let what = spot.id();
        Ok(match spot {
            Spot::Organization | Spot::Environment(_) => {
                SpotRow { project: None, what, masked: String::new() }
            }
            Spot::Project(id) => {
                let project = self.project(id).await?;
                let what = if project.is_some() { String::new() } else { what };
                SpotRow { project, what, masked: String::new() }
            }
            Spot::Key(key) => self.key(self.project_of_key(key).await?, what),
        })
    }
}

/// Exceptions as rows.
pub(super) async fn exception_rows(
    spots: &Spots<'_>,
    exceptions: Vec<(Spot, Exception)>,
    (names, zone): (&HashMap<UserId, String>, &TimeZone),
    at: Timestamp,
) -> Result<Vec<ExceptionRow>, Failure> {
    let mut rows = Vec::with_capacity(exceptions.len());
    for (spot, one) in exceptions {
        rows.push(ExceptionRow {
            id: one.id.to_string(),
            setting: one.setting.name(),
            spot: spots.row(spot).await?,
            values: words(one.setting, &one.value),
            by: one.given_by.and_then(|user| names.get(&user)).cloned().unwrap_or_default(),
            ends_at: When::day(one.ends_at, zone),
            is_standing: at < one.ends_at,
            reason: one.reason,
        });
    }
    Ok(rows)
}

/// The most frequent warnings as rows.
pub(super) async fn warning_rows(
    spots: &Spots<'_>,
    warnings: Vec<Warning>,
    zone: &TimeZone,
) -> Result<Vec<WarningRow>, Failure> {
    let mut rows = Vec::new();
    for warning in warnings.into_iter().take(WARNINGS_MOST) {
        let project = match warning.project_id.parse() {
            Ok(id) => spots.project(id).await?,
            Err(_) => None,
        };
        rows.push(WarningRow {
            setting: warning.setting.name(),
            spot: spots.key(project, warning.key_id),
            subject: warning.subject,
            count: Count(u64::try_from(warning.count).unwrap_or_default()),
            last_at: When::minute(warning.last_at, zone),
        });
    }
    Ok(rows)
}
