//! The style that no compiler checks: floors, sizes, first lines, paired migrations, names in ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|found| found == extension) {
                found.push(entry);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files below {}", folder.display());
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = root();
    files_below(&root.join("crates"), "rs")
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

#[test]
fn every_file_says_first_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not begin with a //! line", path.display());
    }
}

#[test]
fn files_and_functions_stay_small() {
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= FILE_LINES_MAX, "{} has {} lines", path.display(), lines.len());
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
            let indent = line.len() - line.trim_start().len();
            let end = lines[start..]
                .iter()
                .position(|l| l.len() - l.trim_start().len() == indent && l.trim() == "}");
            let length = end.map_or(1, |end| end + 1);
            assert!(
                length <= FUNCTION_LINES_MAX,
                "{}:{} is a function of {length} lines",
                path.display(),
                start + 1
            );
        }
    }
}

fn is_function(line: &str) -> bool {
    let code = line.trim_start();
    let starts = [
        "fn ",
        "pub fn ",
        "pub(crate) fn ",
        "pub(super) fn ",
        "async fn ",
        "pub async fn ",
        "pub(crate) async fn ",
    ];
    starts.iter().any(|start| code.starts_with(start)) && !code.ends_with(['}', ';'])
}

#[test]
fn a_room_imports_only_from_floors_below() {
    let allowed = [
        ("domain", &[][..]),
        ("store", &["domain"][..]),
        ("gateway", &["domain"][..]),
        ("control", &["domain", "store"][..]),
        ("bailiwick", &["domain", "store", "gateway", "control"][..]),
    ];
    for (room, below) in allowed {
        let manifest = fs::read_to_string(root().join(format!("crates/{room}/Cargo.toml"))).unwrap();
        for other in ["domain", "store", "gateway", "control", "bailiwick"] {
            let is_imported = manifest.lines().any(|line| {
                line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} ="))
            });
            assert!(!is_imported || below.contains(&other), "{room} imports {other}");
        }
    }
}

#[test]
fn sql_stands_only_in_the_store_and_http_only_above() {
    for (path, text) in sources() {
        let place = path.display().to_string();
        let in_store = place.starts_with("crates/store/");
        assert!(in_store || !text.contains("sqlx::") || place.ends_with("tidy.rs"), "{place} names sqlx");
        let is_low = in_store || place.starts_with("crates/domain/");
        assert!(
            !is_low
                || !["axum::", "hyper::", "http::"].iter().any(|name| text.contains(&format!("use {name}"))),
            "{place}"
        );
    }
}

#[test]
fn migrations_come_in_pairs() {
    let names = |engine: &str| -> Vec<String> {
        files_below(&root().join("crates/store/migrations").join(engine), "sql")
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn names_in_the_architecture_page_exist() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let places = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.starts_with("crates/") || name.starts_with("docs/"));
    let mut count = 0;
    for place in places {
        assert!(root().join(place).exists(), "ARCHITECTURE.md names {place}, which does not exist");
        count += 1;
    }
    assert!(count >= 5, "the page names too few places to be of use");
}
