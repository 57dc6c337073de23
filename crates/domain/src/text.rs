//! Names, addresses and labels that people type: trimmed, bounded, one spelling.

use crate::error::Error;

/// A name of an organization, project, key and the like: 1 to 120 characters, no control characters.
///
/// # Errors
/// `invalid_name` naming `param`.
pub fn name(text: &str, param: &'static str) -> Result<String, Error> {
    let trimmed = text.trim();
    let fits =
        !trimmed.is_empty() && trimmed.chars().count() <= 120 && !trimmed.chars().any(char::is_control);
    fits.then(|| trimmed.to_owned())
        .ok_or_else(|| Error::invalid_param("invalid_name", param, "Give a name of 1 to 120 characters."))
}

/// A free text of at most 2,000 characters, trimmed; of control characters only line ends and tabs.
///
/// # Errors
/// `text_too_long`, `invalid_text` naming `param`.
pub fn free(text: &str, param: &'static str) -> Result<String, Error> {
    let trimmed = text.trim();
    if trimmed.chars().count() > 2_000 {
        return Err(Error::invalid_param("text_too_long", param, "Keep this text within 2,000 characters."));
    }
    if trimmed.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
        return Err(Error::invalid_param(
            "invalid_text",
            param,
            "This text has characters that are no text.",
        ));
    }
    Ok(trimmed.to_owned())
}

/// A label by which cost is attributed (team, product line, cost center, client): at most 120 characters,
/// trimmed; empty means none.
///
/// # Errors
/// `invalid_label` naming `param`.
pub fn label(text: &str, param: &'static str) -> Result<Option<String>, Error> {
    let trimmed = text.trim();
    if trimmed.chars().count() > 120 || trimmed.chars().any(char::is_control) {
        return Err(Error::invalid_param(
            "invalid_label",
            param,
            "Keep a label within 120 plain characters.",
        ));
    }
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

/// An e-mail address in its one spelling (lower case): a local part, `@`, a domain with a dot or `localhost`.
///
/// # Errors
/// `invalid_email`.
pub fn email(text: &str) -> Result<String, Error> {
    let bad = || Error::invalid_param("invalid_email", "email", "This is not an e-mail address.");
    let address = text.trim().to_lowercase();
    let (local, domain) = address.rsplit_once('@').ok_or_else(bad)?;
    let plain = |part: &str, extra: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    let labels_ok =
        domain.split('.').all(|part| plain(part, "-") && !part.starts_with('-') && !part.ends_with('-'));
    let fits = address.len() <= 254 && local.len() <= 64;
    if !fits || !plain(local, ".!#$%&'*+/=?^_`{|}~-") || !labels_ok || !domain.contains('.') {
        return Err(bad());
    }
    Ok(address)
}

/// Tags: at most 32 pairs, keys of 1 to 64 characters, values of at most 256, none of them a control character.
pub type Tags = std::collections::BTreeMap<String, String>;

/// Checks the bounds of tags.
///
/// # Errors
/// `invalid_tags`.
pub fn tags(tags: Tags) -> Result<Tags, Error> {
    let fits = tags.len() <= 32
        && tags.iter().all(|(key, value)| {
            let is_plain = !key.chars().chain(value.chars()).any(char::is_control);
            is_plain && !key.trim().is_empty() && key.chars().count() <= 64 && value.chars().count() <= 256
        });
    fits.then_some(tags).ok_or_else(|| {
        Error::invalid_param(
            "invalid_tags",
            "tags",
            "At most 32 tags, keys of 64 and values of 256 characters.",
        )
    })
}

/// A word for addresses: lower-case letters, digits and hyphens made from a name; `organization` when nothing is left.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 48 {
            break;
        }
    }
    let slug = slug.trim_matches('-').to_owned();
    if slug.is_empty() { "organization".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling_and_nonsense_is_refused() {
        assert_eq!(email(" Lead.L+x@Example.TEST ").unwrap(), "lead.l+x@example.test");
        for bad in
            ["", "a", "@b.c", "a@", "a@b", "a b@c.d", "a@b..c", "a@-b.c", "a@b.c\n.d", "ä@b.c", "a@b@c.d"]
        {
            assert!(email(bad).is_err() || bad == "a@b@c.d" && email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn free_texts_have_lines_and_tags_have_not() {
        assert_eq!(free(" one\r\n\ttwo ", "note").unwrap(), "one\r\n\ttwo");
        for bad in ["a\0b", "\u{1}", "\u{7f}b"] {
            assert!(free(bad, "note").is_err(), "{bad:?}");
        }
        let of = |value: &str| Tags::from([("key".to_owned(), value.to_owned())]);
        assert!(tags(of("value")).is_ok() && tags(of("a\nb")).is_err() && tags(of("\0")).is_err());
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("Ärzte & Söhne GmbH"), "rzte-s-hne-gmbh");
        assert_eq!(slug("***"), "organization");
    }
}
