//! Partial updates: a field that is absent stays, a field that is null is cleared.

use serde::{Deserialize, Deserializer};

/// Reads a field that is there: `Some(None)` for null. With `#[serde(default)]` an absent one is `None`.
///
/// # Errors
/// Those of the field's type.
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
