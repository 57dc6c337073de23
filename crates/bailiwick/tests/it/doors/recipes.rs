//! Reads `things.txt`: how the things are made that one or a few calls make.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::aims::things_in;

/// At which level a thing exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Just a value.
    None,
    /// Of a person or a link: one's own, or not there.
    Link,
    Organization,
    Project,
}

/// How a thing is made.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What its id starts with; empty for none.
    pub prefix: &'static str,
    pub level: Level,
    /// What it is, where it is not what the first step answers.
    pub is: Option<&'static str>,
    pub steps: Vec<Step>,
}

impl Recipe {
    /// What its steps name.
    pub fn things(&self) -> Vec<String> {
        self.steps
            .iter()
            .flat_map(|step| things_in(step.path).into_iter().chain(things_in(step.body)))
            .collect()
    }
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub method: &'static str,
    pub path: &'static str,
    /// JSON; empty for none.
    pub body: &'static str,
}

/// The recipe of a thing, where it has one.
pub fn recipe(name: &str) -> Option<&'static Recipe> {
    static RECIPES: OnceLock<BTreeMap<&str, Recipe>> = OnceLock::new();
    RECIPES.get_or_init(read).get(name)
}

fn read() -> BTreeMap<&'static str, Recipe> {
    let lines = include_str!("things.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(read_line).collect()
}

fn read_line(line: &'static str) -> (&'static str, Recipe) {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.split_once(' ').unwrap_or_else(|| panic!("things.txt: cannot read {line}"));
        rest = after.trim_start();
        word
    };
    let (name, prefix, level) = (word(), word(), word());
    let level = match level {
        "organization" => Level::Organization,
        "project" => Level::Project,
        "none" => Level::None,
        other => panic!("things.txt: {name} is of organization, project or none, not of {other}"),
    };
    let (mut is, mut steps) = (None, Vec::new());
    for step in rest.split(" ; ") {
        match step.strip_prefix("= $") {
            Some(thing) => is = Some(thing),
            None => {
                let (method, after) = step.split_once(' ').unwrap();
                let (path, body) = after.split_once(' ').unwrap_or((after, ""));
                steps.push(Step { method, path, body });
            }
        }
    }
    (name, Recipe { prefix: prefix.trim_matches('-'), level, is, steps })
}
