//! Organizations at the doors of the executable: stopped at once on every replica, and purged without a rest.

use std::path::Path;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::engines::{self, Postgres};
use crate::rows::Rows;
use crate::scene::{MODEL, Scene};
use crate::server::{Server, Start, verify};

const CHAT: &str = "/v1/chat/completions";
const CHUNK_PAUSE: Duration = Duration::from_millis(100);
const CHUNKS: i64 = 60;
/// A change has to be in effect on every replica within this time.
const ELSEWHERE: Duration = Duration::from_secs(1);

fn call() -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2})
}

fn stream(user: &str) -> Value {
    json!({"model": MODEL, "user": user, "stream": true, "max_tokens": CHUNKS,
        "messages": [{"role": "user", "content": CHUNKS.to_string()}]})
}

async fn admin(scene: &Scene, server: &Server, act: &str, body: Value) -> Value {
    let path = format!("/v1/organization/{act}");
    server.ok("POST", &path, &scene.admin.admin_key, Some(&body)).await
}

/// Status and code of a call of the scene's key.
async fn refusal(scene: &Scene, server: &Server) -> (u16, String) {
    let answer = server.call("POST", CHAT, &scene.key, Some(&call())).await;
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn suspended() -> (u16, String) {
    (403, "organization_suspended".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organization_is_refused_at_once_its_streams_included_until_it_is_brought_back() {
    for database in engines::all() {
        let data = tempfile::tempdir().unwrap();
        let url = database.as_ref().map(Postgres::url);
        let (scene, server) = Scene::set(data.path(), url, CHUNK_PAUSE).await;
        assert_eq!(refusal(&scene, &server).await.0, 200);
        for (act, body) in
            [("suspend", json!({"reason": "An audit"})), ("close", json!({"confirm": "Metering"}))]
        {
            let mut open =
                server.begin("POST", CHAT, &scene.key, Some(&stream(act))).await.unwrap().into_body();
            open.frame().await.unwrap().unwrap();
            admin(&scene, &server, act, body).await;
            let stopped = Instant::now();
            assert_eq!(refusal(&scene, &server).await, suspended(), "{act}: in effect when it is answered");
            let models = server.call("GET", "/v1/models", &scene.key, None).await;
            assert_eq!(models.status, 403, "{}", models.body);
            let rest = String::from_utf8(open.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            assert!(stopped.elapsed() < CHUNK_PAUSE * 10, "{act}: it went on for {:?}", stopped.elapsed());
            assert!(rest.contains("\"organization_suspended\"") && !rest.contains("[DONE]"), "{rest}");
            admin(&scene, &server, "reactivate", json!({})).await;
            assert_eq!(refusal(&scene, &server).await.0, 200, "{act}: brought back");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        for user in ["suspend", "close"] {
            let path = format!("/v1/organization/usage/records?user={user}");
            let records = server.ok("GET", &path, &scene.admin.admin_key, None).await;
            let [record] = records["data"].as_array().unwrap().as_slice() else {
                panic!("not one record: {records}")
            };
            assert_eq!(record["status"], "key_stopped", "what was cut off is charged as far as it came");
        }
        let (is_whole, report) = verify(data.path(), scene.start.database.as_deref()).await;
        assert!(is_whole, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_refuses_a_suspended_organization_within_a_second() {
    let Some(database) = Postgres::fresh() else { return };
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (scene, server) = Scene::set(data.path(), Some(database.url()), CHUNK_PAUSE).await;
    std::fs::copy(data.path().join("master.key"), other.path().join("master.key")).unwrap();
    let replica = Start { data: other.path().to_owned(), ..scene.start.clone() }.serve().await;
    assert_eq!(refusal(&scene, &replica).await.0, 200);
    let mut open = replica.begin("POST", CHAT, &scene.key, Some(&stream("far"))).await.unwrap().into_body();
    open.frame().await.unwrap().unwrap();
    admin(&scene, &server, "suspend", json!({"reason": "An audit"})).await;
    let stopped = Instant::now();
    while refusal(&scene, &replica).await != suspended() {
        assert!(stopped.elapsed() < ELSEWHERE, "still served after {:?}", stopped.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("refused on the other replica after {:?}", stopped.elapsed());
    let rest = String::from_utf8(open.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(stopped.elapsed() < ELSEWHERE + CHUNK_PAUSE * 5, "{:?}", stopped.elapsed());
    assert!(rest.contains("organization_suspended") && !rest.contains("[DONE]"), "{rest}");
    admin(&scene, &server, "reactivate", json!({})).await;
    let back = Instant::now();
    while refusal(&scene, &replica).await.0 != 200 {
        assert!(back.elapsed() < ELSEWHERE, "still refused after {:?}", back.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets the only organization have been closed so long ago.
async fn close_long_ago(data: &Path, database: Option<&str>, days: i64) {
    let file = || format!("sqlite://{}", data.join("bailiwick.db").display());
    let rows = Rows::open(&database.map_or_else(file, str::to_owned)).await;
    rows.move_back("organizations", "closed_at", days).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_organization_is_purged_by_the_server_itself_and_the_books_still_hold() {
    for database in engines::all() {
        let data = tempfile::tempdir().unwrap();
        let url = database.as_ref().map(Postgres::url);
        let (scene, server) = Scene::set(data.path(), url.clone(), Duration::ZERO).await;
        scene.allow(&server, "nano_usd", "month", 1 << 50).await;
        for _ in 0..20 {
            assert_eq!(refusal(&scene, &server).await.0, 200);
        }
        admin(&scene, &server, "close", json!({"confirm": "Metering"})).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.kill().await;
        close_long_ago(data.path(), url.as_deref(), 31).await;
        let server = scene.start.serve().await;
        let started = Instant::now();
        let gone = async || {
            let answer = server.call("GET", "/v1/organization", &scene.admin.admin_key, None).await;
            answer.status == 401
        };
        while !gone().await {
            assert!(started.elapsed() < Duration::from_secs(10), "it is still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(refusal(&scene, &server).await, (401, "invalid_api_key".to_owned()));
        let (is_whole, report) = verify(data.path(), url.as_deref()).await;
        assert!(is_whole, "{report}");
        assert_eq!(report["records"], 20, "{report}");
        assert!(report["audit_records"].as_i64().unwrap() > 5, "{report}");
    }
}
