//! What a metering test starts from: a project with one key, in front of the mock upstream.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::mock_upstream::MockUpstream;
use crate::server::{Bootstrapped, Server, Start, bootstrap};

/// Nano-dollars per million tokens read; a token costs a whole number of nano-dollars.
pub const INPUT_RATE: i64 = 3_000_000_000;
/// Nano-dollars per million tokens generated.
pub const OUTPUT_RATE: i64 = 7_000_000_000;
/// The model of the tests.
pub const MODEL: &str = "mock";
/// A model that takes nothing for what it reads: its calls cost what they hold when they generate all they may.
pub const EVEN: &str = "even";

/// An organization whose project calls the mock upstream.
pub struct Scene {
    /// How its server is started.
    pub start: Start,
    /// The organization and its Admin.
    pub admin: Bootstrapped,
    /// The project.
    pub project_id: String,
    /// A key of the project.
    pub key: String,
    /// Its id.
    pub key_id: String,
    /// The upstream.
    pub mock: MockUpstream,
}

impl Scene {
    /// Prepares everything and returns the running server with it.
    pub async fn set(data: &Path, database: Option<String>, chunk_pause: Duration) -> (Self, Server) {
        let mock = MockUpstream::start(chunk_pause).await;
        let admin = bootstrap(data, database.as_deref(), "Metering", "admin@example.test").await;
        let start = Start { data: data.to_owned(), database, allow_upstream: vec![mock.address.to_string()] };
        let server = start.serve().await;
        let project = json!({"name": "Production"});
        let project = server.ok("POST", "/v1/organization/projects", &admin.admin_key, Some(&project)).await;
        let project_id = text(&project, "id");
        let provider = json!({"name": "mock", "kind": "openai", "base_url": format!("http://{}/v1", mock.address),
            "credential": "sk-upstream", "models": [MODEL, EVEN], "contract_owner": "Procurement"});
        server.ok("POST", "/v1/organization/providers", &admin.admin_key, Some(&provider)).await;
        for (model, input) in [(MODEL, INPUT_RATE), (EVEN, 0)] {
            let price = json!({"model": model, "kind": "openai", "context_tokens": 8000, "max_output_tokens": 64,
                "rates": {"input": input, "output": OUTPUT_RATE}, "source": "the test"});
            server.ok("POST", "/v1/organization/prices", &admin.admin_key, Some(&price)).await;
        }
        let accounts = format!("/v1/organization/projects/{project_id}/service_accounts");
        let account = server.ok("POST", &accounts, &admin.admin_key, Some(&json!({"name": "Caller"}))).await;
        let (key, key_id) = (text(&account["api_key"], "value"), text(&account["api_key"], "id"));
        (Self { start, admin, project_id, key, key_id, mock }, server)
    }

    /// Sets a hard allowance on the project and returns its id.
    pub async fn allow(&self, server: &Server, unit: &str, window: &str, amount: i64) -> String {
        let allowance = json!({"scope": {"type": "project", "id": self.project_id, "model": null},
            "unit": unit, "window": window, "amount": amount});
        let made =
            server.ok("POST", "/v1/organization/allowances", &self.admin.admin_key, Some(&allowance)).await;
        text(&made, "id")
    }
}

/// A text field of an answer.
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}
