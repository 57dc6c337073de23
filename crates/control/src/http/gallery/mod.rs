//! Every page with sample data: rendered, held to what all pages must keep, and written to a temporary folder
//! (`bailiwick-gallery`) in both themes so that people can look at them.

mod access;
mod account;
mod decisions;
mod governance;
mod life;
mod messages;
mod organization;
mod project;
mod sample;
mod sights;

use std::fs;

use askama::Template;

use super::shell::Theme;

/// A page of the gallery: its name and how it looks in a theme.
struct Exhibit {
    name: &'static str,
    draw: Box<dyn Fn(Theme) -> String>,
}

impl Exhibit {
    fn new<P: Template>(name: &'static str, page: impl Fn(Theme) -> P + 'static) -> Self {
        Self { name, draw: Box::new(move |theme| page(theme).render().unwrap()) }
    }
}

fn exhibits() -> Vec<Exhibit> {
    let mut all = organization::exhibits();
    all.extend(project::exhibits());
    all.extend(governance::exhibits());
    all.extend(access::exhibits());
    all.extend(life::exhibits());
    all.extend(account::exhibits());
    all.extend(sights::exhibits());
    all.extend(decisions::exhibits());
    all.extend(messages::exhibits());
    all
}

/// The start tags of an element, attributes included.
fn tags<'a>(html: &'a str, element: &str) -> Vec<&'a str> {
    let opening = format!("<{element}");
    let is_whole = |rest: &str| rest.starts_with([' ', '>', '\n', '/']);
    html.match_indices(&opening)
        .filter(|(at, found)| is_whole(&html[at + found.len()..]))
        .map(|(at, _)| html[at..].split_once('>').unwrap().0)
        .collect()
}

#[test]
fn every_page_renders_with_one_heading_and_nothing_inline() {
    for exhibit in exhibits() {
        let (name, html) = (exhibit.name, (exhibit.draw)(Theme::Auto));
        assert_eq!(tags(&html, "h1").len(), 1, "{name}: one h1");
        assert_eq!(tags(&html, "main").len(), 1, "{name}: one main");
        assert!(!html.contains(" style="), "{name}: no style attribute");
        assert!(tags(&html, "style").is_empty(), "{name}: no style element");
        assert!(tags(&html, "script").iter().all(|tag| tag.contains(" src=\"/")), "{name}: no inline script");
        assert!(!html.contains(" onclick=") && !html.contains("javascript:"), "{name}: no inline handler");
        assert!(
            !html.contains("src=\"http") && !html.contains("href=\"http"),
            "{name}: nothing from elsewhere"
        );
    }
}

#[test]
fn every_form_that_changes_something_carries_the_proof() {
    for exhibit in exhibits() {
        let (name, html) = (exhibit.name, (exhibit.draw)(Theme::Auto));
        for form in html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap()) {
            let proof = form.contains(r#"<input type="hidden" name="csrf" value="proof""#);
            let posts = form.split('>').next().unwrap().contains(r#"method="post""#);
            assert_eq!(posts, proof, "{name}: {form}");
        }
    }
}

#[test]
fn every_input_has_a_label_and_every_id_is_used_once() {
    for exhibit in exhibits() {
        let (name, html) = (exhibit.name, (exhibit.draw)(Theme::Auto));
        for element in ["input", "select", "textarea"] {
            for (at, _) in html.match_indices(&format!("<{element} ")) {
                let tag = html[at..].split_once('>').unwrap().0;
                let (opened, closed) = (html[..at].rfind("<label"), html[..at].rfind("</label"));
                let is_named = tag.contains("aria-label=") || tag.contains(r#"type="hidden""#);
                assert!(is_named || opened > closed, "{name}: {tag}");
            }
        }
        let mut ids: Vec<&str> =
            html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: {ids:?}");
        for target in html.split("popovertarget=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(ids.contains(&target), "{name}: {target}");
        }
    }
}

#[test]
fn every_button_and_link_has_words() {
    for exhibit in exhibits() {
        let (name, html) = (exhibit.name, (exhibit.draw)(Theme::Auto));
        for (element, end) in [("button", "</button>"), ("a", "</a>"), ("summary", "</summary>")] {
            for (at, _) in html.match_indices(&format!("<{element} ")) {
                let whole = html[at..].split(end).next().unwrap();
                let words: String =
                    whole.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
                assert!(!words.trim().is_empty() || whole.contains("aria-label="), "{name}: {whole}");
            }
        }
    }
}

#[test]
fn what_people_write_stays_text() {
    for exhibit in exhibits() {
        let html = (exhibit.draw)(Theme::Auto);
        assert!(!html.contains("<b>bold"), "{}: a sample name with markup was not escaped", exhibit.name);
    }
}

#[test]
fn the_gallery_can_be_looked_at() {
    let folder = std::env::temp_dir().join("bailiwick-gallery");
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::write(folder.join("assets/style.css"), super::STYLE_CSS).unwrap();
    fs::write(folder.join("assets/console.js"), super::CONSOLE_JS).unwrap();
    for exhibit in exhibits() {
        for theme in [Theme::Light, Theme::Dark] {
            let html = (exhibit.draw)(theme).replace("\"/assets/", "\"assets/");
            fs::write(folder.join(format!("{}.{}.html", exhibit.name, theme.name())), html).unwrap();
        }
    }
}
