//! Everything that an organization has, table by table: what its export shows of it, and what goes when it is purged.
//! A table of the schema that is not decided here fails the test below.

use domain::access::Grant;
use domain::ids::OrganizationId;
use serde_json::{Map, Value as Json};

use crate::change::Change;
use crate::dialect::{Row, Value};
use crate::error::Result;
use crate::{Store, args};

/// How many lines of an export are read at once.
const STEP: i64 = 500;

/// A table of which organizations have rows.
struct Holding {
    /// Its name.
    table: &'static str,
    /// What an export shows of it; none for secrets, and for sums of what is shown.
    shown: Option<Shown>,
    /// What removes an organization's rows when it is purged; none for what is kept: ledger and audit trail.
    purged_by: Option<&'static str>,
}

/// The lines of an export that come from one table.
struct Shown {
    /// What each line is, as its `object` says.
    object: &'static str,
    /// Reads a page: the organization, the cursor, how many.
    sql: &'static str,
    /// The cursor before the first page.
    start: Start,
    /// The fields of a line, in their order.
    fields: &'static [(&'static str, Kind)],
}

#[derive(Clone, Copy)]
enum Start {
    Text,
    Number,
}

/// What a field holds; each may be null.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Flag,
    /// A value kept as JSON.
    Json,
}

macro_rules! shown {
    ($object:literal: $from:literal of $organization:literal by $start:ident $key:literal { $($kind:ident: $($field:ident)*;)* }) => {
        Some(Shown {
            object: $object,
            sql: concat!(
                "select ", $($(stringify!($field), ", ",)*)* $key, " as place from ", $from, " where ", $organization,
                " = $1 and ", $key, " > $2 order by ", $key, " limit $3"
            ),
            start: Start::$start,
            fields: &[$($((stringify!($field), Kind::$kind),)*)*],
        })
    };
}

macro_rules! of_organization {
    ($table:literal) => {
        Some(concat!("delete from ", $table, " where organization_id = $1"))
    };
}

/// In the order of an export. A purge goes through them backwards, so that rows go before what they hang on.
const HOLDINGS: &[Holding] = &[
    Holding {
        table: "organizations",
        shown: shown!("organization": "organizations" of "id" by Text "id" {
            Text: id name slug time_zone suspended_reason;
            Number: created_at suspended_at closed_at;
            Json: features_off;
        }),
        purged_by: Some("delete from organizations where id = $1"),
    },
    Holding {
        table: "members",
        shown: shown!("member": "members join users on users.id = members.user_id" of "organization_id" by Text "user_id" {
            Text: user_id email name role given_by;
            Number: added_at given_at suspended_at;
        }),
        purged_by: of_organization!("members"),
    },
    Holding {
        table: "notices_off",
        shown: shown!("notice_off": "notices_off" of "organization_id" by Text "user_id || ' ' || notice" {
            Text: user_id notice;
        }),
        purged_by: of_organization!("notices_off"),
    },
    // Links belong to people; those for which somebody of the organization vouched go with it.
    Holding { table: "account_links", shown: None, purged_by: of_organization!("account_links") },
    Holding {
        table: "invites",
        shown: shown!("invite": "invites" of "organization_id" by Text "id" {
            Text: id email role invited_by;
            Number: created_at expires_at accepted_at revoked_at;
        }),
        purged_by: of_organization!("invites"),
    },
    Holding {
        table: "invite_projects",
        shown: shown!(
            "invite_project":
            "(select p.*, i.organization_id from invite_projects p join invites i on i.id = p.invite_id) given"
            of "organization_id" by Text "invite_id || ' ' || project_id" {
            Text: invite_id project_id role;
        }),
        purged_by: Some(
            "delete from invite_projects where invite_id in (select id from invites where organization_id = $1)",
        ),
    },
    Holding {
        table: "roles",
        shown: shown!("role": "roles" of "organization_id" by Text "id" {
            Text: id project_id name description created_by;
            Json: permissions;
            Flag: holds_keys;
            Number: created_at updated_at;
        }),
        purged_by: of_organization!("roles"),
    },
    Holding {
        table: "groups",
        shown: shown!("group": "groups" of "organization_id" by Text "id" {
            Text: id name created_by;
            Number: created_at;
        }),
        purged_by: of_organization!("groups"),
    },
    Holding {
        table: "group_members",
        shown: shown!("group_member": "group_members" of "organization_id" by Text "group_id || ' ' || user_id" {
            Text: group_id user_id added_by;
            Number: added_at;
        }),
        purged_by: of_organization!("group_members"),
    },
    Holding {
        table: "role_assignments",
        shown: shown!(
            "role_assignment": "role_assignments"
            of "organization_id" by Text "principal_id || ' ' || project_id || ' ' || role" {
            Text: principal_id project_id role given_by;
            Number: given_at ends_at;
        }),
        purged_by: of_organization!("role_assignments"),
    },
    Holding {
        table: "projects",
        shown: shown!("project": "projects" of "organization_id" by Text "id" {
            Text: id name description environment workload risk team product_line cost_center client accountable_owner_id;
            Json: tags;
            Number: created_at archived_at;
        }),
        purged_by: of_organization!("projects"),
    },
    Holding {
        table: "project_members",
        shown: shown!("project_member": "project_members" of "organization_id" by Text "project_id || ' ' || user_id" {
            Text: project_id user_id role given_by;
            Number: added_at given_at;
        }),
        purged_by: of_organization!("project_members"),
    },
    Holding {
        table: "model_permissions",
        shown: shown!("model_permissions": "model_permissions" of "organization_id" by Text "project_id" {
            Text: project_id mode set_by;
            Json: model_ids;
            Number: set_at;
        }),
        purged_by: of_organization!("model_permissions"),
    },
    Holding {
        table: "service_accounts",
        shown: shown!("service_account": "service_accounts" of "organization_id" by Text "id" {
            Text: id project_id name role key_owner_id;
            Number: created_at deleted_at;
        }),
        purged_by: of_organization!("service_accounts"),
    },
    Holding {
        table: "api_keys",
        shown: shown!("api_key": "api_keys" of "organization_id" by Text "id" {
            Text: id project_id kind name description owner_user_id owner_service_account_id created_by redacted secret_id;
            Json: tags models denied_models scopes;
            Number: created_at expires_at disabled_at revoked_at last_used_at secret_version;
        }),
        purged_by: of_organization!("api_keys"),
    },
    Holding {
        table: "handovers",
        shown: shown!("handover": "handovers" of "organization_id" by Text "id" {
            Text: id project_id kind subject_id from_user_id cause state to_user_id closed_by;
            Number: opened_at due_at closed_at;
        }),
        purged_by: of_organization!("handovers"),
    },
    Holding {
        table: "api_key_secrets",
        shown: None,
        purged_by: Some(
            "delete from api_key_secrets where key_id in (select id from api_keys where organization_id = $1)",
        ),
    },
    Holding {
        table: "providers",
        shown: shown!("provider": "providers" of "organization_id" by Text "id" {
            Text: id name kind base_url contract_owner;
            Json: models project_ids;
            Number: created_at removed_at;
        }),
        purged_by: of_organization!("providers"),
    },
    Holding {
        table: "prices",
        shown: shown!("price": "prices" of "organization_id" by Text "id" {
            Text: id model kind source;
            Json: rates;
            Number: context_tokens max_output_tokens effective_from created_at;
        }),
        purged_by: None,
    },
    Holding {
        table: "allowances",
        shown: shown!("allowance": "allowances" of "organization_id" by Text "id" {
            Text: id level level_id model unit time_window enforcement;
            Number: amount created_at;
            Flag: is_spend_limit;
        }),
        purged_by: None,
    },
    Holding {
        table: "allowance_counters",
        shown: shown!(
            "allowance_counter": "allowance_counters"
            of "organization_id" by Text "allowance_id || ' ' || cast(window_start as text)" {
            Text: allowance_id;
            Number: window_start window_end settled leased;
        }),
        purged_by: None,
    },
    Holding {
        table: "policy_entries",
        shown: shown!(
            "policy_entry": "policy_entries"
            of "organization_id" by Text "level || ' ' || level_id || ' ' || setting" {
            Text: setting level level_id mode set_by;
            Json: value floor;
            Flag: is_locked;
            Number: set_at;
        }),
        purged_by: of_organization!("policy_entries"),
    },
    Holding {
        table: "policy_exceptions",
        shown: shown!("policy_exception": "policy_exceptions" of "organization_id" by Text "id" {
            Text: id setting level level_id reason given_by;
            Json: value;
            Number: ends_at given_at ended_at;
        }),
        purged_by: of_organization!("policy_exceptions"),
    },
    Holding {
        table: "policy_trials",
        shown: shown!(
            "policy_trial": "policy_trials"
            of "organization_id" by Text "level || ' ' || level_id || ' ' || setting" {
            Text: setting level level_id mode set_by;
            Json: value floor;
            Flag: is_locked;
            Number: set_at ends_at;
        }),
        purged_by: of_organization!("policy_trials"),
    },
    Holding {
        table: "policy_warnings",
        shown: shown!(
            "policy_warning": "policy_warnings" of "organization_id"
            by Text "cast(day as text) || ' ' || setting || ' ' || project_id || ' ' || key_id || ' ' || subject" {
            Text: setting project_id key_id subject;
            Number: day count last_at;
        }),
        purged_by: of_organization!("policy_warnings"),
    },
    Holding {
        table: "webhooks",
        shown: shown!("webhook": "webhooks" of "organization_id" by Text "id" {
            Text: id url description created_by;
            Json: event_types;
            Flag: is_enabled;
            Number: created_at deleted_at;
        }),
        purged_by: of_organization!("webhooks"),
    },
    Holding {
        table: "deliveries",
        shown: shown!("webhook_delivery": "deliveries" of "organization_id" by Text "id" {
            Text: id webhook_id event_id event_type state last_error;
            Number: attempts created_at ended_at last_status;
        }),
        purged_by: of_organization!("deliveries"),
    },
    Holding {
        table: "delivery_attempts",
        shown: None,
        purged_by: Some(
            "delete from delivery_attempts where delivery_id in (select id from deliveries where organization_id = $1)",
        ),
    },
    Holding {
        table: "mails",
        shown: shown!("mail": "mails" of "organization_id" by Text "id" {
            Text: id event_id kind recipient state last_error;
            Number: attempts created_at ended_at;
        }),
        purged_by: of_organization!("mails"),
    },
    Holding {
        table: "approvals",
        shown: shown!("approval": "approvals" of "organization_id" by Text "id" {
            Text: id kind reason requested_by subject_id decide_permission decide_project_id state decided_by note;
            Json: payload;
            Number: created_at expires_at decided_at ends_at ended_at;
        }),
        purged_by: of_organization!("approvals"),
    },
    Holding {
        table: "allowance_raises",
        shown: shown!("allowance_raise": "allowance_raises" of "organization_id" by Text "allowance_id" {
            Text: allowance_id approval_id;
            Number: amount_before amount_raised;
        }),
        purged_by: of_organization!("allowance_raises"),
    },
    Holding {
        table: "permission_uses",
        shown: shown!(
            "permission_use": "permission_uses"
            of "organization_id" by Text "user_id || ' ' || permission || ' ' || project_id" {
            Text: user_id permission project_id;
            Number: day;
        }),
        purged_by: of_organization!("permission_uses"),
    },
    Holding {
        table: "reviews",
        shown: shown!("review": "reviews" of "organization_id" by Text "id" {
            Text: id name opened_by closed_by;
            Number: opened_at due_at closed_at;
        }),
        purged_by: of_organization!("reviews"),
    },
    Holding {
        table: "review_items",
        shown: shown!("review_item": "review_items" of "organization_id" by Text "id" {
            Text: id review_id user_id user_name user_email source role role_name project_id project_name group_id
                group_name given_by proposal proposed_role decision decided_role note decided_by;
            Json: permissions uses;
            Number: joined_at given_at decided_at;
        }),
        purged_by: of_organization!("review_items"),
    },
    Holding { table: "metering_heads", shown: None, purged_by: None },
    Holding {
        table: "attributions",
        shown: shown!("attribution": "attributions" of "organization_id" by Text "id" {
            Text: id project_id key_id owner_user_id owner_service_account_id accountable_owner_id environment workload team
                product_line cost_center client;
        }),
        purged_by: None,
    },
    Holding {
        table: "usage_records",
        shown: shown!("usage_record": "usage_records" of "organization_id" by Text "id" {
            Text: id attribution_id project_id key_id secret_id owner_user_id endpoint model provider_id price_id status
                client_address user_agent end_user;
            Number: admitted_at settled_at input cached_input cache_write output reasoning requests cost held upstream_status;
            Flag: is_stream is_estimated;
        }),
        purged_by: None,
    },
    Holding { table: "rollups", shown: None, purged_by: None },
    Holding {
        table: "purged_usage",
        shown: shown!(
            "purged_usage": "purged_usage" of "organization_id"
            by Text "attribution_id || ' ' || project_id || ' ' || key_id || ' ' || model || ' ' || endpoint || ' ' || \
                     provider_id || ' ' || CAST(bucket_start AS TEXT)" {
            Text: attribution_id project_id key_id model endpoint provider_id;
            Number: bucket_start requests input cached_input cache_write output reasoning cost;
        }),
        purged_by: None,
    },
    Holding { table: "audit_heads", shown: None, purged_by: None },
    Holding {
        table: "audit_anchors",
        shown: shown!("audit_anchor": "audit_anchors" of "organization_id" by Number "sequence" {
            Text: hash;
            Number: sequence purged_at;
        }),
        purged_by: None,
    },
    Holding {
        table: "audit_records",
        shown: shown!("audit_record": "audit_records" of "organization_id" by Number "sequence" {
            Text: id verb target_id project_id previous_hash hash;
            Number: sequence at count;
            Json: actor before_json after_json;
        }),
        purged_by: None,
    },
    Holding { table: "events", shown: None, purged_by: None },
];

/// How far an export is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportPlace {
    holding: usize,
    after: Option<String>,
}

impl Store {
    /// The next lines of everything of the grant's organization, without secrets, and the place of those that follow;
    /// none behind the last. Moments are Unix microseconds, money is nano-dollars.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn export(
        &self,
        grant: &Grant,
        place: ExportPlace,
    ) -> Result<(Vec<Json>, Option<ExportPlace>)> {
        let next = Some(ExportPlace { holding: place.holding + 1, after: None });
        let Some(holding) = HOLDINGS.get(place.holding) else { return Ok((Vec::new(), None)) };
        let Some(shown) = &holding.shown else { return Ok((Vec::new(), next)) };
        let after = match shown.start {
            Start::Text => Value::from(place.after.unwrap_or_default()),
            Start::Number => {
                Value::from(place.after.and_then(|after| after.parse().ok()).unwrap_or(i64::MIN))
            }
        };
        let rows =
            self.rows(shown.sql, [Value::from(grant.organization_id()), after, Value::from(STEP)]).await?;
        let lines = rows.iter().map(|row| line(shown, row)).collect::<Result<Vec<_>>>()?;
        let last = match (rows.last(), shown.start) {
            (None, _) => None,
            (Some(row), Start::Text) => Some(row.text("place")?),
            (Some(row), Start::Number) => Some(row.int("place")?.to_string()),
        };
        let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= STEP;
        let following = ExportPlace { holding: place.holding, after: last };
        Ok((lines, if is_full { Some(following) } else { next }))
    }
}

impl Change {
    /// Removes an organization with everything that it has, but for its ledger and its audit trail. Returns how many
    /// rows of each table went.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn purge_organization(&mut self, id: OrganizationId) -> Result<Vec<(&'static str, u64)>> {
        let mut gone = Vec::new();
        for holding in HOLDINGS.iter().rev() {
            if let Some(sql) = holding.purged_by {
                gone.push((holding.table, self.run(sql, args![id]).await?));
            }
        }
        Ok(gone)
    }
}

fn line(shown: &Shown, row: &Row) -> Result<Json> {
    let mut line = Map::with_capacity(shown.fields.len() + 1);
    line.insert("object".to_owned(), Json::from(shown.object));
    for (field, kind) in shown.fields {
        let value = match kind {
            Kind::Text => row.opt_text(field)?.map(Json::from),
            Kind::Number => row.opt_int(field)?.map(Json::from),
            Kind::Flag => Some(Json::from(row.flag(field)?)),
            Kind::Json => row.opt_text(field)?.map(|_| row.json(field)).transpose()?,
        };
        line.insert((*field).to_owned(), value.unwrap_or(Json::Null));
    }
    Ok(Json::Object(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of the instance itself, of which no organization has rows.
    const OF_THE_INSTANCE: [&str; 12] = [
        "applied_prices",
        "feed_head",
        "idempotency",
        "instance",
        "mail_refusals",
        "migrations",
        "outbox_cursor",
        "replicas",
        "sessions",
        "set_up_link",
        "sign_in_attempts",
        "users",
    ];
    /// Kept, and reached through the allowance alone.
    const OF_ALLOWANCES: [&str; 1] = ["allowance_slices"];

    #[tokio::test]
    async fn every_table_of_the_schema_is_decided() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/test.db", folder.path().display())).await.unwrap();
        store.migrate(domain::time::Timestamp::from_unix_seconds(1)).await.unwrap();
        let sql =
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";
        let rows = store.rows(sql, args![]).await.unwrap();
        let tables: Vec<String> = rows.iter().map(|row| row.text("name").unwrap()).collect();
        let mut decided: Vec<&str> = HOLDINGS.iter().map(|holding| holding.table).collect();
        decided.extend(OF_THE_INSTANCE.iter().chain(&OF_ALLOWANCES));
        decided.sort_unstable();
        assert_eq!(
            tables, decided,
            "say in holdings.rs what an export shows of a table, and whether a purge takes it"
        );
    }
}
