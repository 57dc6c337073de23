//! The control plane: operations of every noun, the admin API and the console over them.

pub mod api_keys;
pub mod http;
pub mod organizations;
pub mod projects;
