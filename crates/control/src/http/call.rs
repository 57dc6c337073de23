//! One authenticated, authorized call, as its handler sees it.

use std::str::FromStr;

use bytes::Bytes;
use domain::Error;
use domain::access::{Actor, Credential, Grant, Origin};
use domain::ids::{OrganizationId, RequestId};
use domain::routes::Route;
use domain::time::Timestamp;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::query::Query;
use crate::Control;
use crate::authn::session;

/// What a handler gets. The dispatcher has authenticated the caller and authorized the row.
pub struct Call {
    /// The control plane.
    pub control: Control,
    /// The row.
    pub route: Route,
    /// The evidence that the row's permission was held; on public rows it reaches nothing.
    pub grant: Grant,
    /// Who is acting; on public rows the person who happens to be signed in, if any.
    pub person: Option<Actor>,
    /// The moment of the call.
    pub at: Timestamp,
    /// The query string.
    pub query: Query,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The path and query as requested.
    pub location: String,
    /// Where it came from.
    pub origin: Origin,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Call {
    /// Who is acting.
    ///
    /// # Errors
    /// `not_signed_in` on a public row that nobody signed in uses.
    pub fn actor(&self) -> Result<&Actor, Failure> {
        self.person.as_ref().ok_or_else(|| session::missing().into())
    }

    /// The organization of the call.
    ///
    /// # Errors
    /// `not_found` on rows that are about no organization.
    pub fn organization_id(&self) -> Result<OrganizationId, Failure> {
        self.grant.organization_id().ok_or_else(|| Error::Hidden { what: "organization" }.into())
    }

    /// The request's id as the caller is told.
    pub fn request_id(&self) -> Option<RequestId> {
        self.origin.request_id
    }

    /// The text of a path parameter; empty when the row has none of that name.
    pub fn path_text(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// An id out of the path. One that cannot be is told like one that is not there.
    ///
    /// # Errors
    /// `not_found`.
    pub fn path<T: FromStr>(&self, name: &'static str) -> Result<T, Failure> {
        let what = name.strip_suffix("_id").unwrap_or(name);
        self.path_text(name).parse().map_err(|_| Error::Hidden { what }.into())
    }

    /// The JSON body, an object. An empty body and `null` read as `{}`; unknown fields are let be.
    ///
    /// # Errors
    /// `invalid_json` for what is not JSON, `invalid_type` naming the field for what does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(read_json(&self.body)?)
    }

    /// The body of a form.
    pub fn form(&self) -> Query {
        Query::parse(std::str::from_utf8(&self.body).unwrap_or_default())
    }

    /// The proof that forms of this browser carry in the field `csrf`; empty when nobody is signed in.
    pub fn csrf(&self) -> String {
        match self.person.as_ref().map(|actor| actor.credential) {
            Some(Credential::Session(id)) => session::csrf(self.control.secrets.pepper(), id),
            _ => String::new(),
        }
    }
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let blank = body.iter().all(u8::is_ascii_whitespace);
    let bad = |error: &serde_json::Error| {
        Error::invalid("invalid_json", format!("The body is not valid JSON: {error}."))
    };
    let value: serde_json::Value = match blank {
        true => serde_json::Value::Null,
        false => serde_json::from_slice(body).map_err(|error| bad(&error))?,
    };
    let value = if value.is_null() { serde_json::json!({}) } else { value };
    // A list would be read as the fields in their order.
    let Some(object) = value.as_object() else {
        return Err(Error::invalid("invalid_type", "The body has to be a JSON object."));
    };
    let fields: Vec<String> = object.keys().cloned().collect();
    T::deserialize(&value).map_err(|error| {
        let message = error.to_string();
        match guilty_field::<T>(&value, &fields, &message) {
            Some(field) => Error::invalid_param("invalid_type", field, format!("{message}.")),
            None => Error::invalid("invalid_type", format!("{message}.")),
        }
    })
}

/// The field that a message is about: the one it names, else the one without which the message goes away.
fn guilty_field<T: DeserializeOwned>(
    value: &serde_json::Value,
    fields: &[String],
    message: &str,
) -> Option<String> {
    if let Some(rest) = message.split("field `").nth(1) {
        return rest.split('`').next().map(str::to_owned);
    }
    fields.iter().find(|field| without::<T>(value, field).as_deref() != Some(message)).cloned()
}

fn without<T: DeserializeOwned>(value: &serde_json::Value, field: &str) -> Option<String> {
    let mut rest = value.clone();
    rest.as_object_mut()?.remove(field);
    T::deserialize(&rest).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug, Default)]
    #[allow(dead_code, reason = "only its reading is tested")]
    struct Sample {
        name: String,
        limit: Option<i64>,
    }

    fn refusal(body: &str) -> (String, Option<String>) {
        match read_json::<Sample>(body.as_bytes()).unwrap_err() {
            Error::Invalid { code, param, .. } => (code.to_owned(), param.map(Into::into)),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn wrong_types_name_their_field() {
        assert_eq!(refusal("{").0, "invalid_json");
        assert_eq!(refusal("null"), ("invalid_type".to_owned(), Some("name".to_owned())));
        assert_eq!(refusal(r#"{"name":3}"#), ("invalid_type".to_owned(), Some("name".to_owned())));
        assert_eq!(
            refusal(r#"{"name":"a","limit":"x"}"#),
            ("invalid_type".to_owned(), Some("limit".to_owned()))
        );
        assert!(read_json::<Sample>(br#"{"name":"a","other":1}"#).is_ok());
        assert_eq!(refusal("[1]").0, "invalid_type");
        assert_eq!(refusal(r#"["a",1]"#).0, "invalid_type");
    }
}
