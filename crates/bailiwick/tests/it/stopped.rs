//! A key that is disabled stops at once, the answer that it is reading included.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use serde_json::json;

use crate::scene::{MODEL, Scene};

const CHUNK_PAUSE: Duration = Duration::from_millis(100);
const CHUNKS: i64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_key_ends_its_open_stream_at_the_next_chunk_and_its_record_says_so() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, CHUNK_PAUSE).await;
    let body = json!({"model": MODEL, "user": "stopped", "stream": true, "max_tokens": CHUNKS,
        "messages": [{"role": "user", "content": CHUNKS.to_string()}]});
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
