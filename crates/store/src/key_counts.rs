//! How many keys of projects and service accounts work.

use std::collections::HashMap;

use domain::access::Grant;
use domain::ids::{ProjectId, ServiceAccountId};
use domain::time::Timestamp;

use crate::reached::Reached;
use crate::{Result, Store, args};

impl Store {
    /// How many keys work, per project, of those within reach; projects without any are absent.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn active_key_counts(
        &self,
        grant: &Grant,
        projects: &[String],
        at: Timestamp,
    ) -> Result<HashMap<ProjectId, u64>> {
        let to = Reached::of(grant);
        let rows = self
            .rows(
                "select project_id, CAST(count(*) AS BIGINT) as keys from api_keys where organization_id = $1 \
                 and ($2 or project_id in list($3) or (project_id in list($4) and owner_user_id = $5)) \
                 and project_id in list($6) and revoked_at is null and disabled_at is null \
                 and (expires_at is null or expires_at > $7) group by project_id",
                args![to.organization, to.all, to.whole, to.own, to.user, projects.to_vec(), at],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.id("project_id")?, u64::try_from(row.int("keys")?).unwrap_or_default())))
            .collect()
    }

    /// How many keys of each service account of a project work; accounts without any are absent.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn account_key_counts(
        &self,
        grant: &Grant,
        project: ProjectId,
        at: Timestamp,
    ) -> Result<HashMap<ServiceAccountId, u64>> {
        let to = Reached::of(grant);
        let rows = self
            .rows(
                "select owner_service_account_id, CAST(count(*) AS BIGINT) as keys from api_keys \
                 where organization_id = $1 and ($2 or project_id in list($3)) and project_id = $4 \
                 and owner_service_account_id is not null and revoked_at is null and disabled_at is null \
                 and (expires_at is null or expires_at > $5) group by owner_service_account_id",
                args![to.organization, to.all, to.whole, project, at],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let keys = u64::try_from(row.int("keys")?).unwrap_or_default();
                Ok((row.id("owner_service_account_id")?, keys))
            })
            .collect()
    }
}
