//! A key that is disabled stops at once, the answer that it is reading included; so do the keys of a person who is
//! suspended or gone, on every replica.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::engines::Postgres;
use crate::scene::{MODEL, Scene, text};
use crate::server::{Server, Start};

const CHUNK_PAUSE: Duration = Duration::from_millis(100);
const CHUNKS: i64 = 60;
/// A change has to be in effect on every replica within this time.
const ELSEWHERE: Duration = Duration::from_secs(1);

fn stream(user: &str) -> Value {
    json!({"model": MODEL, "user": user, "stream": true, "max_tokens": CHUNKS,
        "messages": [{"role": "user", "content": CHUNKS.to_string()}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_key_ends_its_open_stream_at_the_next_chunk_and_its_record_says_so() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, CHUNK_PAUSE).await;
    let body = stream("stopped");
    let path = "/v1/chat/completions";
    let mut answer = server.begin("POST", path, &scene.key, Some(&body)).await.unwrap().into_body();
    answer.frame().await.unwrap().unwrap();
    let key_path = format!("/v1/organization/projects/{}/api_keys/{}", scene.project_id, scene.key_id);
    server.ok("POST", &format!("{key_path}/disable"), &scene.admin.admin_key, None).await;
    let stopped = Instant::now();
    let rest = String::from_utf8(answer.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(stopped.elapsed() < CHUNK_PAUSE * 10, "it went on for {:?}", stopped.elapsed());
    assert!(rest.contains("\"key_stopped\"") && !rest.contains("[DONE]"), "{rest}");
    let refused = server.call("POST", path, &scene.key, Some(&body)).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (401, &json!("key_disabled")));

    tokio::time::sleep(Duration::from_millis(500)).await;
    let path = "/v1/organization/usage/records?user=stopped";
    let records = server.ok("GET", path, &scene.admin.admin_key, None).await;
    let [record] = records["data"].as_array().unwrap().as_slice() else {
        panic!("not one record: {records}")
    };
    assert_eq!((&record["status"], &record["estimated"]), (&json!("key_stopped"), &json!(true)), "{record}");
    let (charged, written) =
        (record["output_tokens"].as_i64().unwrap(), scene.mock.journal()["stopped"].chunks_written);
    assert!((1..=written).contains(&charged) && written < CHUNKS / 2, "{charged} of {written}: {record}");
}

/// Somebody joins the organization and the project, as a browser would; their id, and a key of theirs.
async fn joined(scene: &Scene, server: &Server) -> (String, String) {
    let admin = &scene.admin.admin_key;
    let invite = json!({"email": "member@example.test", "bailiwick_role": "member",
        "projects": [{"id": scene.project_id, "role": "member"}]});
    let sent = server.ok("POST", "/v1/organization/invites", admin, Some(&invite)).await;
    let link = text(&sent, "url");
    let path = format!("/invites/{}", link.rsplit('/').next().unwrap());
    let form = [("content-type", "application/x-www-form-urlencoded".to_owned())];
    let page = server.send("GET", &path, &[], String::new()).await;
    let cookie =
        page.headers.get("set-cookie").map(|value| value.to_str().unwrap().split(';').next().unwrap());
    let page = page.body.as_str().unwrap().to_owned();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let body = format!("csrf={}&name=Member&password=correct%20horse%20battery", csrf.unwrap_or_default());
    let headers: Vec<_> =
        form.into_iter().chain(cookie.map(|cookie| ("cookie", cookie.to_owned()))).collect();
    let answer = server.send("POST", &path, &headers, body).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let users = server.ok("GET", "/v1/organization/users?emails=member@example.test", admin, None).await;
    let user = text(&users["data"][0], "id");
    let keys = format!("/v1/organization/projects/{}/api_keys", scene.project_id);
    let key = json!({"name": "theirs", "owner": {"type": "user", "id": user}});
    (user, text(&server.ok("POST", &keys, admin, Some(&key)).await, "value"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_or_gone_is_read_no_further_on_any_replica() {
    let Some(database) = Postgres::fresh() else { return };
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (scene, server) = Scene::set(data.path(), Some(database.url()), CHUNK_PAUSE).await;
    std::fs::copy(data.path().join("master.key"), other.path().join("master.key")).unwrap();
    let replica = Start { data: other.path().to_owned(), ..scene.start.clone() }.serve().await;
    let (user, key) = joined(&scene, &server).await;
    let of = format!("/v1/organization/users/{user}");
    let chat = "/v1/chat/completions";
    for act in ["suspend", "remove"] {
        let mut open = Vec::new();
        for (place, name) in [(&server, "here"), (&replica, "there")] {
            let body = stream(name);
            let mut answer = place.begin("POST", chat, &key, Some(&body)).await.unwrap().into_body();
            answer.frame().await.unwrap().unwrap();
            open.push(answer);
        }
        let (method, path) = match act {
            "suspend" => ("POST", format!("{of}/suspend")),
            _ => ("DELETE", of.clone()),
        };
        server.ok(method, &path, &scene.admin.admin_key, None).await;
        let stopped = Instant::now();
        assert_eq!(server.call("POST", chat, &key, Some(&stream("late"))).await.status, 401, "{act}: here");
        while replica.call("POST", chat, &key, Some(&stream("late"))).await.status != 401 {
            assert!(stopped.elapsed() < ELSEWHERE, "{act}: still served after {:?}", stopped.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for answer in open {
            let rest = String::from_utf8(answer.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            assert!(rest.contains("\"key_stopped\"") && !rest.contains("[DONE]"), "{act}: {rest}");
        }
        assert!(stopped.elapsed() < ELSEWHERE + CHUNK_PAUSE * 5, "{act}: {:?}", stopped.elapsed());
        if act == "suspend" {
            server.ok("POST", &format!("{of}/reactivate"), &scene.admin.admin_key, None).await;
            tokio::time::sleep(ELSEWHERE).await;
        }
    }
}
