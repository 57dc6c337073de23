//! A believable company for the gallery. One name carries markup, so that escaping is seen.

use domain::projects::Environment;
use domain::time::{DAY, TimeZone, Timestamp};

use crate::http::charts::{Bucket, Series, StackedChart, Unit};
use crate::http::figures::{When, month_name};
use crate::http::shell::{
    Bare, Choice, Flash, OrganizationLink, Person, ProjectLink, Section, Shell, Theme, Tone,
};
use crate::organizations::pages::Figure;

const NOW: i64 = 1_795_514_580_000_000;

pub fn at(days_ago: i64, minutes: i64) -> When {
    When::minute(Timestamp::from_unix_micros(NOW - days_ago * DAY - minutes * 60_000_000), &TimeZone::utc())
}

pub fn day(days_ago: i64) -> When {
    When::day(Timestamp::from_unix_micros(NOW - days_ago * DAY), &TimeZone::utc())
}

pub fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        email: format!("{}@example.test", name.to_lowercase().replace([' ', '<', '>', '/'], "-")),
    }
}

pub fn organization() -> OrganizationLink {
    OrganizationLink {
        slug: "northwind".to_owned(),
        name: "Northwind Trading".to_owned(),
        role: "Admin".to_owned(),
        standstill: None,
    }
}

pub fn shell(theme: Theme, title: &str, here: Section) -> Shell {
    let other = OrganizationLink {
        slug: "lab".to_owned(),
        name: "Research Lab".to_owned(),
        role: "Member".to_owned(),
        standstill: None,
    };
    Shell {
        title: title.to_owned(),
        path: "/o/northwind".to_owned(),
        theme,
        csrf: "proof".to_owned(),
        person: person("Platform Lead"),
        organization: Some(organization()),
        organizations: vec![organization(), other],
        project: None,
        here,
        hidden: Vec::new(),
        waiting: vec![(Section::Handovers, 3), (Section::Approvals, 2)],
        flashes: Vec::new(),
        elevation: None,
        made_at: at(0, 0),
    }
}

pub fn in_project(theme: Theme, title: &str, here: Section) -> Shell {
    Shell { project: Some(project(0)), ..shell(theme, title, here) }
}

pub fn bare(theme: Theme, title: &str) -> Bare {
    Bare { title: title.to_owned(), theme, csrf: "proof".to_owned(), flashes: Vec::new() }
}

pub fn flash(tone: Tone, text: &str) -> Vec<Flash> {
    vec![Flash { tone, text: text.to_owned() }]
}

pub const PROJECTS: [(&str, Environment); 6] = [
    ("Support chat", Environment::Production),
    ("Invoice extraction", Environment::Production),
    ("Catalogue images", Environment::Staging),
    ("Support chat rehearsal", Environment::Staging),
    ("Search experiments", Environment::Development),
    ("<b>bold idea</b>", Environment::Development),
];

pub fn project(index: usize) -> ProjectLink {
    let (name, environment) = PROJECTS[index];
    ProjectLink { id: format!("proj_0{index}"), name: name.to_owned(), environment }
}

pub fn figure(label: &str, value: &str, hint: &str) -> Figure {
    Figure { label: label.to_owned(), value: value.to_owned(), hint: hint.to_owned() }
}

pub fn choices(words: &[&str], selected: &str) -> Vec<Choice> {
    let pairs: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
    Choice::list(&pairs, selected)
}

/// Days ending today, with a weekly rhythm and growth.
pub fn chart(title: &str, names: &[&str], days: i64) -> StackedChart {
    let buckets: Vec<Bucket> = (0..days).map(|n| bucket(days - 1 - n)).collect();
    let series = names
        .iter()
        .enumerate()
        .map(|(i, name)| Series { name: (*name).to_owned(), values: values(i, days) });
    StackedChart::new(title, Unit::NanoUsd, &buckets, series.collect())
}

fn bucket(days_ago: i64) -> Bucket {
    let moment = Timestamp::from_unix_micros(NOW - days_ago * DAY);
    let (year, month, day, _, _) = domain::time::civil(moment, &TimeZone::utc());
    Bucket {
        mark: format!("{day} {}", month_name(month)),
        name: format!("{day} {} {year}", month_name(month)),
    }
}

pub fn values(seed: usize, days: i64) -> Vec<i64> {
    let base = 21_000_000_000 / (seed as i64 + 1);
    let value = |day: i64| {
        let weekend = if (day + 2) % 7 > 4 { 35 } else { 100 };
        let wave = 70 + (day * (13 + seed as i64 * 7)) % 41;
        base * weekend / 100 * wave / 100 * (60 + day) / 90
    };
    (0..days).map(value).collect()
}
