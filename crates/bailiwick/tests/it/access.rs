//! Who gets through which row, printed into a golden file: a change of policy is a diff there.

use std::process::Command;

use crate::callers::Callers;
use crate::server::{BAILIWICK, verify};

/// A well-formed id of a project that never was.
const NOWHERE: &str = "proj_01jd0000000000000000000000";

const HEAD: &str = "\
Endpoint x caller. Printed by the test `every_row_answers_each_caller_as_printed`; a change of policy is a diff here.
ok: let through, whatever the handler then said of a minimal body (200, 400, 409, 422); else the status of the refusal.
Rows of a project have three cells: the project of owner and member / another of the organization / one that is not there.
foreign is the Admin of another organization. Rows of the console are not here: they take a session, not a key.

";

/// Every row of the joined table: method, path, who may.
pub fn rows() -> Vec<(String, String, String)> {
    let output = Command::new(BAILIWICK).arg("print-routes").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<_> = text
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_owned(), words[1].to_owned(), words[2..words.len() - 1].join(" "))
        })
        .filter(|(_, path, _)| ["/v1/", "/openai/"].iter().any(|root| format!("{path}/").starts_with(root)))
        .collect();
    // The row that ends the bystander comes last.
    rows.sort_by_key(|(method, path, _)| method == "DELETE" && path.starts_with("/v1/organization/users"));
    assert!(rows.len() > 40, "the table is printed whole: {text}");
    rows
}

async fn cell(callers: &Callers, (method, path): (&str, &str), key: &str, project: &str) -> String {
    let aimed = callers.aim(path, project).await;
    // A body that the rows of a project take, so that a handler comes to look whether the project is there.
    let takes_body = method == "POST" && path.contains("{project_id}");
    let body =
        takes_body.then(|| serde_json::json!({"name": "x", "role": "member", "user_id": callers.bystander}));
    let answer = callers.world.server.call(method, &aimed, key, body.as_ref()).await;
    if path.ends_with("/archive") && answer.status == 200 {
        let restore = aimed.replace("/archive", "/restore");
        callers.world.admin("POST", &restore, serde_json::Value::Null).await;
    }
    assert!(answer.status < 500, "{method} {aimed}: {}", answer.body);
    match answer.status {
        200 | 400 | 409 | 422 => "ok".to_owned(),
        status => status.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_answers_each_caller_as_printed() {
    let callers = Callers::new().await;
    let mut text = format!("{HEAD}{:<92}", "row");
    for (name, _) in &callers.all {
        text += &format!("{name:<13}");
    }
    for (method, path, access) in rows() {
        let mut line = format!("{method:<7}{path:<85}");
        for (_, key) in &callers.all {
            let mut cells = vec![cell(&callers, (&method, &path), key, &callers.own).await];
            if path.contains("{project_id}") {
                cells.push(cell(&callers, (&method, &path), key, &callers.another).await);
                cells.push(cell(&callers, (&method, &path), key, NOWHERE).await);
            }
            line += &format!("{:<13}", cells.join("/"));
        }
        let strangers = line[92..].split_whitespace().take(5);
        assert!(access == "public" || strangers.into_iter().all(|cells| !cells.contains("ok")), "{line}");
        text += &format!("\n{}", line.trim_end());
    }
    text.push('\n');
    let (is_whole, report) = verify(callers.world.folder.path(), None).await;
    assert!(is_whole, "ledger and trail hold after all of it: {report}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/access.txt");
    let printed = std::fs::read_to_string(path).unwrap_or_default();
    if printed != text {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(printed, text, "the answers changed: they were printed again, review the diff");
}
