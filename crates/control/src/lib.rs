//! The control plane: operations of every noun, the admin API and the console over them.

pub mod accounts;
pub mod allowances;
pub mod api_keys;
pub mod audit;
pub mod http;
pub mod invites;
pub mod members;
pub mod organizations;
pub mod prices;
pub mod projects;
pub mod providers;
pub mod usage;
