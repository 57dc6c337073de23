//! The executable does not start where it should not, and says why.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::server::{BAILIWICK, Start, bootstrap};

/// Runs `serve`, which has to end by itself with a failure; what it printed.
async fn refused(data: &Path, more: &[&str]) -> String {
    let mut command = Command::new(BAILIWICK);
    command.args(["serve", "--data"]).arg(data).args(more).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(20), command.output()).await;
    let output = output.expect("serve goes on although it should refuse").unwrap();
    assert!(!output.status.success());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(!stdout.contains("listening on"), "{stdout}");
    format!("{stdout}{}", String::from_utf8_lossy(&output.stderr))
}

fn start(data: &Path) -> Start {
    Start { data: data.to_owned(), database: None, allow_upstream: Vec::new() }
}

#[tokio::test]
async fn bad_settings_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bailiwick.toml");
    std::fs::write(
        &file,
        "public_url = \"ftp://x\"\n[log]\nformat = \"xml\"\n[sessions]\nidle_minutes = 0\n",
    )
    .unwrap();
    let data = folder.path().join("data");
    let told = refused(&data, &["--listen", "nowhere", "--config", file.to_str().unwrap()]).await;
    for name in ["listen", "public_url", "log.format", "sessions.idle_minutes"] {
        assert!(told.contains(name), "{name} is not told: {told}");
    }
    assert!(!data.exists(), "nothing was made before the settings were right");
}

#[tokio::test]
async fn a_second_serve_on_one_data_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).serve().await;
    let told = refused(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    assert!(told.contains(folder.path().to_str().unwrap()), "{told}");
    assert_eq!(first.call("GET", "/openapi.json", "", None).await.status, 200);
}

#[tokio::test]
async fn the_open_network_waits_for_an_admin() {
    let folder = tempfile::tempdir().unwrap();
    let told = refused(folder.path(), &["--listen", "0.0.0.0:0"]).await;
    assert!(told.contains("bootstrap"), "{told}");
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    bootstrap(folder.path(), None, "Acme", "admin@acme.test").await;
    std::fs::write(folder.path().join("master.key"), "ab".repeat(32)).unwrap();
    let told = refused(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    assert!(told.contains("master key"), "{told}");
}
