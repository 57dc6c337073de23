//! The list of models in OpenAI's shape.

use serde::Serialize;

/// One model that a key may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModelJson {
    pub(crate) id: String,
    pub(crate) object: &'static str,
    pub(crate) created: i64,
    pub(crate) owned_by: String,
}

/// The list.
#[derive(Debug, Serialize)]
pub(crate) struct ModelsJson {
    pub(crate) object: &'static str,
    pub(crate) data: Vec<ModelJson>,
}
