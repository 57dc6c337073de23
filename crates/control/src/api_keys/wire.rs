//! The shapes of project keys on the wire.

use domain::Error;
use domain::api_keys::KeyOwner;
use domain::text::Tags;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::OwnedKey;

use super::{IssuedKey, KeyChanges, NewKey};
use crate::http::partial::present;

/// A key of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectKeyJson {
    /// Its id, the same through every rotation.
    pub id: String,
    /// Always `organization.project.api_key`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// The masked form of its newest secret.
    pub redacted_value: String,
    /// The secret, in the answer that created or rotated it and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// The last call made with it, in Unix seconds.
    pub last_used_at: Option<i64>,
    /// From when it stops, in Unix seconds.
    pub expires_at: Option<i64>,
    /// `active` while its owner may use the project, else `inactive`.
    pub owner_project_access: String,
    /// To whom it belongs.
    pub owner: OwnerJson,
    /// `active`, `disabled`, `expired` or `revoked`.
    pub status: String,
    /// What it is for.
    pub description: String,
    /// Free pairs.
    pub tags: Tags,
    /// The models it may use; null for whatever its project may. A star at the end of a name stands for what follows.
    pub models: Option<Vec<String>>,
    /// Models that it may not use although its project may.
    pub denied_models: Vec<String>,
    /// Its scopes, as `GET /v1/organization/key_scopes` lists them; empty means unrestricted.
    pub scopes: Vec<String>,
    /// Who created it.
    pub created_by: String,
    /// How many secrets it has had.
    pub secret_version: i64,
}

/// To whom a key belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerJson {
    /// `user` or `service_account`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<OwnerUserJson>,
    /// The service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<OwnerAccountJson>,
}

/// A person as a key's owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerUserJson {
    /// The user's id.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Since when they exist, in Unix seconds.
    pub created_at: i64,
    /// `owner` or `member`.
    pub role: String,
}

/// A service account as a key's owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerAccountJson {
    /// The service account's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Since when it exists, in Unix seconds.
    pub created_at: i64,
    /// `owner`, `member` or `none`.
    pub role: String,
}

/// A new key of a project.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewKeyJson {
    /// The name people read.
    pub name: String,
    /// To whom it belongs; the caller when absent.
    pub owner: Option<NewOwnerJson>,
    /// Scopes, as `GET /v1/organization/key_scopes` lists them; empty or absent means unrestricted.
    pub scopes: Option<Vec<String>>,
    /// The models it may use; absent means whatever its project may. A star at the end of a name stands for what
    /// follows.
    pub models: Option<Vec<String>>,
    /// Models that it may not use although its project may.
    pub denied_models: Option<Vec<String>>,
    /// How long it lives, 1 to 315360000 seconds; for ever when absent.
    pub expires_in_seconds: Option<i64>,
    /// Free pairs.
    pub tags: Option<Tags>,
    /// What it is for.
    pub description: Option<String>,
}

/// The owner of a new key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewOwnerJson {
    /// `user` or `service_account`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the person or service account.
    pub id: String,
}

/// What to change of a key: an absent field stays, null clears.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeyChangesJson {
    /// Another name.
    pub name: Option<String>,
    /// What it is for.
    #[serde(deserialize_with = "present")]
    pub description: Option<Option<String>>,
    /// All tags anew.
    #[serde(deserialize_with = "present")]
    pub tags: Option<Option<Tags>>,
    /// Other scopes; empty lifts the restriction.
    pub scopes: Option<Vec<String>>,
    /// Other models; null for whatever its project may.
    #[serde(deserialize_with = "present")]
    pub models: Option<Option<Vec<String>>>,
    /// Other models that it may not use; null for none.
    #[serde(deserialize_with = "present")]
    pub denied_models: Option<Option<Vec<String>>>,
    /// How long it lives from now on; null for ever.
    #[serde(deserialize_with = "present")]
    pub expires_in_seconds: Option<Option<i64>>,
}

/// How to rotate a key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RotationJson {
    /// For how long the old secret lives on, 0 to 2592000 seconds; 0 when absent.
    pub overlap_seconds: Option<i64>,
}

impl NewKeyJson {
    /// Reads the owner and fills in what is absent.
    ///
    /// # Errors
    /// `invalid_owner`.
    pub(crate) fn read(self) -> Result<NewKey, Error> {
        Ok(NewKey {
            name: self.name,
            description: self.description.unwrap_or_default(),
            tags: self.tags.unwrap_or_default(),
            owner: self.owner.map(NewOwnerJson::read).transpose()?,
            scopes: self.scopes.unwrap_or_default(),
            models: self.models,
            denied_models: self.denied_models.unwrap_or_default(),
            expires_in_seconds: self.expires_in_seconds,
        })
    }
}

impl NewOwnerJson {
    fn read(self) -> Result<KeyOwner, Error> {
        let owner = match self.kind.as_str() {
            "user" => self.id.parse().map(KeyOwner::User),
            "service_account" => self.id.parse().map(KeyOwner::ServiceAccount),
            _ => Err(Error::invalid("invalid_owner", "")),
        };
        owner.map_err(|_| {
            let sentence = "Give the owner as {\"type\": \"user\" or \"service_account\", \"id\": its id}.";
            Error::invalid_param("invalid_owner", "owner", sentence)
        })
    }
}

impl KeyChangesJson {
    pub(crate) fn read(self) -> KeyChanges {
        KeyChanges {
            name: self.name,
            description: self.description.map(Option::unwrap_or_default),
            tags: self.tags.map(Option::unwrap_or_default),
            scopes: self.scopes,
            models: self.models,
            denied_models: self.denied_models.map(Option::unwrap_or_default),
            expires_in_seconds: self.expires_in_seconds,
        }
    }
}

impl ProjectKeyJson {
    /// A key as it stands at a moment.
    pub fn of(owned: OwnedKey, at: Timestamp) -> Self {
        let owner = OwnerJson::of(&owned);
        let key = owned.key;
        Self {
            id: key.id.to_string(),
            object: "organization.project.api_key".to_owned(),
            status: key.status(at).name().to_owned(),
            name: key.name,
            redacted_value: key.redacted,
            value: None,
            created_at: key.created_at.unix_seconds(),
            last_used_at: key.last_used_at.map(Timestamp::unix_seconds),
            expires_at: key.expires_at.map(Timestamp::unix_seconds),
            owner_project_access: if owned.owner_active { "active" } else { "inactive" }.to_owned(),
            owner,
            description: key.description,
            tags: key.tags,
            models: key.models.allowed(),
            denied_models: key.models.denied(),
            scopes: key.scopes,
            created_by: key.created_by.to_string(),
            secret_version: key.secret_version,
        }
    }

    /// A key with the secret just drawn.
    pub fn issued(issued: IssuedKey, at: Timestamp) -> Self {
        let value = Some(issued.secret.reveal().to_owned());
        Self { value, ..Self::of(issued.owned, at) }
    }
}

impl OwnerJson {
    fn of(owned: &OwnedKey) -> Self {
        let created_at = owned.owner_created_at.unix_seconds();
        let role = owned.owner_role.map(|role| role.wire().to_owned());
        match owned.key.owner {
            KeyOwner::User(user) => Self {
                kind: "user".to_owned(),
                user: Some(OwnerUserJson {
                    id: user.to_string(),
                    email: owned.owner_email.clone().unwrap_or_default(),
                    name: owned.owner_name.clone(),
                    created_at,
                    role: role.unwrap_or_else(|| "member".to_owned()),
                }),
                service_account: None,
            },
            KeyOwner::ServiceAccount(account) => Self {
                kind: "service_account".to_owned(),
                user: None,
                service_account: Some(OwnerAccountJson {
                    id: account.to_string(),
                    name: owned.owner_name.clone(),
                    created_at,
                    role: role.unwrap_or_else(|| "none".to_owned()),
                }),
            },
        }
    }
}
