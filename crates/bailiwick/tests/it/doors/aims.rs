//! Reads `aims.txt` and joins it with the route tables.

use std::collections::BTreeMap;

use domain::audit::Verb;
use domain::routes::{Access, Method, Route, Surface};

/// Things that path parameters name when a line says nothing else.
const USUAL: [(&str, &str); 19] = [
    ("slug", "slug"),
    ("project_id", "project"),
    ("api_key_id", "key"),
    ("service_account_id", "service_account"),
    ("invite_id", "invite"),
    ("provider_id", "provider"),
    ("allowance_id", "allowance"),
    ("session_id", "session"),
    ("model", "model"),
    ("setting", "setting"),
    ("notice", "notice"),
    ("exception_id", "exception"),
    ("webhook_id", "webhook"),
    ("group_id", "group"),
    ("approval_id", "approval"),
    ("review_id", "review"),
    ("item_id", "review_item"),
    ("delivery_id", "delivery"),
    ("handover_id", "handover"),
];

/// One line: a row, and what the tests aim at through it.
#[derive(Clone, Debug)]
pub struct Aim {
    pub route: Route,
    /// The path with a `$thing` for each parameter.
    pub path: String,
    /// Things that have to be there besides.
    pub with: Vec<String>,
    /// Whether the people that it names may be any of the organization.
    pub is_naming: bool,
    /// As whom it is tried where one try has to succeed.
    pub by: &'static str,
    /// The body or the query, with `$things` in it; empty for none.
    pub body: String,
    /// What tells this line from others of its row; empty for the row's only one.
    pub note: String,
}

impl Aim {
    /// `POST /v1/organization/projects`, and the note.
    pub fn name(&self) -> String {
        let row = format!("{:<7}{}", self.route.method.name(), self.route.path);
        if self.note.is_empty() { row } else { format!("{row} {}", self.note) }
    }

    /// Everything that the line names, in the order of path, besides, body; each once.
    pub fn things(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let besides = self.with.iter().map(|name| format!("${name}"));
        for text in [self.path.clone()].into_iter().chain(besides).chain([self.body.clone()]) {
            for name in things_in(&text) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Whether a success changes something.
    pub fn is_write(&self) -> bool {
        self.route.method != Method::Get
    }

    /// Whether a success may end the caller's session.
    pub fn ends_sessions(&self) -> bool {
        self.is_write() && matches!(self.route.access, Access::Account | Access::Public)
    }

    /// Whether a success ends the caller's membership.
    pub fn is_leaving(&self) -> bool {
        self.route.audit == Some(Verb::UserLeft)
    }

    /// Whether anyone comes through.
    pub fn is_public(&self) -> bool {
        self.route.access == Access::Public
    }
}

/// Names after a `$`, in order.
pub fn things_in(text: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let names = text.split('$').skip(1).map(|rest| rest.chars().take_while(|c| is_of_name(*c)).collect());
    names.filter(|name: &String| !name.is_empty()).collect()
}

/// The text with each `$thing` replaced.
pub fn filled(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let mut parts = text.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(part.len());
        whole += &value(&part[..end]);
        whole += &part[end..];
    }
    whole
}

/// Both tables, joined as the executable joins them.
pub fn table() -> Vec<Route> {
    let mut rows: Vec<Route> =
        control::routes::routes().into_iter().chain(gateway::routes::table()).collect();
    rows.sort_by_key(|row| (row.path, row.method));
    assert!(rows.len() > 100, "the tables are whole");
    rows
}

/// Every line of `aims.txt` that is about a surface, in the order of the table.
pub fn aims(surface: Surface) -> Vec<Aim> {
    let mut lines: BTreeMap<(&str, &str), Vec<&'static str>> = BTreeMap::new();
    for line in include_str!("aims.txt").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, rest) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        lines.entry((method, path)).or_default().push(rest.trim());
    }
    let mut aims = Vec::new();
    let mut missing = Vec::new();
    for route in table() {
        let of_row = lines.remove(&(route.method.name(), route.path)).unwrap_or_default();
        if of_row.is_empty() {
            missing.push(format!("{:<7}{}", route.method.name(), route.path));
        }
        let is_only = of_row.len() == 1;
        aims.extend(of_row.into_iter().map(|rest| read(route, rest, is_only)));
    }
    assert!(
        missing.is_empty(),
        "Add a line for each of these rows to crates/bailiwick/tests/it/doors/aims.txt, which says how:\n{}",
        missing.join("\n")
    );
    assert!(lines.is_empty(), "aims.txt has lines of rows that are in no table: {:?}", lines.keys());
    aims.retain(|aim| aim.route.surface == surface);
    aims
}

fn read(route: Route, line: &'static str, is_only: bool) -> Aim {
    let (mut named, mut with, mut rest) = (BTreeMap::new(), Vec::new(), line);
    let (mut is_naming, mut by) = (false, "admin");
    while !rest.is_empty() && !rest.starts_with(['{', '?']) {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        match (word.strip_prefix('+'), word.split_once("=$")) {
            _ if word == "~names" => is_naming = true,
            _ if word.starts_with('@') => by = &word[1..],
            (Some(thing), _) => with.push(thing.to_owned()),
            (None, Some((parameter, thing))) => drop(named.insert(parameter, thing)),
            (None, None) => panic!("aims.txt: cannot read `{word}` of {}", route.path),
        }
        rest = after.trim_start();
    }
    let mut path = route.path.to_owned();
    while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        let parameter = &path[start + 1..end];
        let usual = USUAL.iter().find(|(name, _)| *name == parameter).map(|(_, thing)| *thing);
        let thing = named.remove(parameter).or(usual);
        let thing = thing.unwrap_or_else(|| {
            panic!("aims.txt: say what {{{parameter}}} of {} names: {parameter}=$THING", route.path)
        });
        path.replace_range(start..=end, &format!("${thing}"));
    }
    assert!(named.is_empty(), "aims.txt: {} has no parameter {:?}", route.path, named.keys());
    let note = if is_only { String::new() } else { line.to_owned() };
    Aim { route, path, with, is_naming, by, body: rest.to_owned(), note }
}
