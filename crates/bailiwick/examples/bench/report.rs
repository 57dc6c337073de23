//! The table, for a person and for the page.

use std::fmt::Write as _;
use std::path::Path;

use crate::Outcome;
use crate::figures::{Bound, Figure, Figures};

const BEGIN: &str = "<!-- figures: written by ./bench --write -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Prints every figure; tells how many do not hold.
pub fn print(figures: &Figures) -> usize {
    println!("{:<58} {:>9} {:>9}   {:<19}", "figure", "target", "median", "least to most");
    for [name, target, median, spread, verdict] in rows(figures) {
        println!("{name:<58} {target:>9} {median:>9}   {spread:<19} {verdict}");
    }
    figures.0.iter().filter(|figure| figure.holds() == Some(false)).count()
}

/// Puts the table into a page, between its marks.
pub fn write(figures: &Figures, page: &Path) -> Outcome<()> {
    let text = std::fs::read_to_string(page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no place for figures")?;
    let (_, after) = rest.split_once(END).ok_or("the page has no place for figures")?;
    let mut table = String::from(
        "| Figure | Target | Median | Least to most | Holds |\n| --- | --- | --- | --- | --- |\n",
    );
    for row in rows(figures) {
        writeln!(table, "| {} |", row.join(" | "))?;
    }
    std::fs::write(page, [before, BEGIN, &table, END, after].concat())?;
    Ok(())
}

fn rows(figures: &Figures) -> Vec<[String; 5]> {
    figures.0.iter().filter_map(row).collect()
}

fn row(figure: &Figure) -> Option<[String; 5]> {
    let summary = figure.summary()?;
    let target = match figure.bound {
        Bound::AtLeast(bound) => format!(">= {}", short(bound)),
        Bound::AtMost(bound) => format!("<= {}", short(bound)),
        Bound::Told => String::new(),
    };
    let verdict = match figure.holds() {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let spread = format!("{} to {}", short(summary.least), short(summary.most));
    Some([figure.name.to_owned(), target, short(summary.median), spread, verdict.to_owned()])
}

/// Three significant digits or so.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
