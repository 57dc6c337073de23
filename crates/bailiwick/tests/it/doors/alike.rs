//! Texts of two servers that live through the same, made comparable: what is drawn at random or read off a clock gives
//! way to what it is the how-manieth of.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::Answer;

/// How a moment is written, a digit for each 0.
const CLOCK: [&str; 2] = ["0000-00-00T00:00:00Z", "00:00"];
/// What stands for a secret.
const SECRET: &str = "SECRET";
/// How many digits follow the prefix of an id.
const ID_DIGITS: usize = 26;

/// The ids that a server told so far, in the order in which it told them.
#[derive(Default)]
pub struct Alike {
    numbers: BTreeMap<String, usize>,
    /// By prefix.
    told: BTreeMap<String, Vec<String>>,
}

impl Alike {
    /// The ids with a prefix that were told so far.
    pub fn told(&self, prefix: &str) -> &[String] {
        self.told.get(prefix).map_or(&[], Vec::as_slice)
    }

    /// The text with ids numbered and secrets, hashes and times left out.
    pub fn plain(&mut self, text: &str) -> String {
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(form) = CLOCK.iter().find(|form| is_formed(rest, form)) {
                plain += "TIME";
                rest = &rest[form.len()..];
                continue;
            }
            let end = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
            if end == 0 {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
                // What follows the dots of a masked secret is its end, what follows the server's address its port.
                if first == '…' || plain.ends_with("//127.0.0.1:") {
                    rest = rest.trim_start_matches(is_of_word);
                }
                continue;
            }
            let word = match &rest[..end] {
                digits if plain.ends_with('-') && is_slug_end(digits) => "DIGITS".to_owned(),
                key if plain.ends_with('-') && key.starts_with("bw") => SECRET.to_owned(),
                word => self.word(word),
            };
            plain += &word;
            rest = &rest[end..];
            if word == SECRET {
                rest = rest.trim_start_matches(|c: char| is_of_word(c) || "+/=".contains(c));
            }
        }
        plain
    }

    /// Status, headers and body of an answer, comparable.
    pub fn answer(&mut self, answer: &Answer) -> String {
        let mut headers: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date" | "content-length"))
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        let body = match &answer.body {
            Value::String(text) => text.clone(),
            json => serde_json::to_string_pretty(json).unwrap(),
        };
        self.plain(&format!("{}\n{}\n{body}", answer.status, headers.join("\n")))
    }

    fn word(&mut self, word: &str) -> String {
        if let Some(prefix) = prefix_of(word) {
            return format!("{prefix}{}", self.number(prefix, word));
        }
        let is_secret = word.starts_with("whsec_");
        let is_hash = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match word {
            _ if is_secret => SECRET.to_owned(),
            _ if is_hash => "HASH".to_owned(),
            _ if is_time(word) => "TIME".to_owned(),
            word => word.to_owned(),
        }
    }

    fn number(&mut self, prefix: &str, id: &str) -> usize {
        let next = self.told(prefix).len();
        let number = *self.numbers.entry(id.to_owned()).or_insert(next);
        if number == next {
            self.told.entry(prefix.to_owned()).or_default().push(id.to_owned());
        }
        number
    }
}

const fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The prefix of an id, underscore included; nothing for other words.
pub fn prefix_of(word: &str) -> Option<&str> {
    let (prefix, digits) = word.split_at_checked(word.len().checked_sub(ID_DIGITS)?)?;
    let is_prefix = prefix.len() > 1
        && prefix.ends_with('_')
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    (is_prefix && digits.starts_with('0') && digits.bytes().all(is_digit)).then_some(prefix)
}

fn is_formed(text: &str, form: &str) -> bool {
    let is_alike = |(c, form): (char, char)| if form == '0' { c.is_ascii_digit() } else { c == form };
    text.len() >= form.len() && text.chars().zip(form.chars()).all(is_alike)
}

/// The ids in a text.
pub fn ids_in(text: &str) -> Vec<&str> {
    text.split(|c: char| !is_of_word(c)).filter(|word| prefix_of(word).is_some()).collect()
}

/// Whether it ends a slug as an id ends. So do some other words, which are then left out everywhere.
fn is_slug_end(word: &str) -> bool {
    word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// Whether it is a moment of this decade, in seconds or in microseconds.
fn is_time(word: &str) -> bool {
    let number: u64 = word.parse().unwrap_or_default();
    let seconds = if number >= 1_000_000_000_000 { number / 1_000_000 } else { number };
    (1_700_000_000..2_200_000_000).contains(&seconds)
}

/// The first lines in which two texts differ.
pub fn difference(one: &str, two: &str) -> Option<String> {
    if one == two {
        return None;
    }
    let pair = one.lines().zip(two.lines()).find(|(one, two)| one != two);
    Some(pair.map_or_else(|| "one is longer".to_owned(), |(one, two)| format!("\n  {one}\n  {two}")))
}

#[test]
fn ids_are_numbered_and_what_is_drawn_is_left_out() {
    let mut alike = Alike::default();
    let (one, two) = ("proj_01m86dbr94e78bk2v6tbp3f7x9", "proj_01m86dbr94e78bk2v6tbp3f7x0");
    assert_eq!(alike.plain(&format!("{two}/{one}, {two}")), "proj_0/proj_1, proj_0");
    assert_eq!(alike.told("proj_"), [two, one]);
    assert_eq!(
        alike.plain("1795511614 sk-proj-bw…a1B2, 1795511614000000 is 12"),
        "TIME sk-proj-SECRET…, TIME is 12"
    );
    assert_eq!(alike.plain("zeta-bw4k2m, zeta-004k2m"), "zeta-DIGITS, zeta-DIGITS");
    assert_eq!(alike.plain("2026-11-24T09:36:02Z, 09:36, 2026-11-24"), "TIME, TIME, 2026-11-24");
    assert_eq!(alike.plain("\"whsec_m6UN+7tr/=\" http://127.0.0.1:8400/"), "\"SECRET\" http://127.0.0.1:/");
}
