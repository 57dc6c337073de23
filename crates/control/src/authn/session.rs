//! The session cookie, and the proof that a form came from the console's own page.

use domain::Error;
use domain::api_keys::{Pepper, Secret};
use domain::ids::SessionId;
use http::{HeaderMap, header};

/// The cookie over TLS: browsers then keep it to this host and never send it in the clear.
const SECURE_NAME: &str = "__Host-bailiwick";
/// The cookie on plain loopback.
const PLAIN_NAME: &str = "bailiwick";

const fn name(is_https: bool) -> &'static str {
    if is_https { SECURE_NAME } else { PLAIN_NAME }
}

/// The cookie that signs a browser in for so many seconds.
pub fn cookie(token: &Secret, is_https: bool, lifetime_seconds: i64) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!(
        "{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lifetime_seconds}{secure}",
        name(is_https),
        token.reveal()
    )
}

/// The cookie that signs a browser out.
pub fn cleared_cookie(is_https: bool) -> String {
    cookie(&Secret::new(String::new()), is_https, 0)
}

/// The token in a request's cookies.
pub(crate) fn token_of(headers: &HeaderMap, is_https: bool) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name(is_https)).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// The proof that forms of a session carry: a keyed hash of the session's id.
pub fn csrf(pepper: &Pepper, session: SessionId) -> String {
    pepper.hash(&format!("csrf\n{session}")).bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a form's proof is that of the session.
pub(crate) fn is_proven(pepper: &Pepper, session: SessionId, proof: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(csrf(pepper, session).as_bytes(), proof.as_bytes())
        .is_ok()
}

/// Whether the browser itself says that the request comes from another site.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, from)| from != host),
        _ => false,
    }
}

/// Nobody is signed in.
pub(crate) fn missing() -> Error {
    Error::unauthenticated(
        "not_signed_in",
        "Send an admin key as `Authorization: Bearer sk-admin-…`, or sign in to the console.",
    )
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_proof_fits_one_session_and_one_instance() {
        let (one, other) = (Pepper::new(&[1; 32]), Pepper::new(&[2; 32]));
        let at = Timestamp::from_unix_seconds(1);
        let (mine, yours) = (SessionId::from_parts(at, 1), SessionId::from_parts(at, 2));
        let proof = csrf(&one, mine);
        assert!(is_proven(&one, mine, &proof));
        assert!(!is_proven(&one, yours, &proof) && !is_proven(&other, mine, &proof));
        assert!(!is_proven(&one, mine, "") && !is_proven(&one, mine, &proof[1..]));
    }

    #[test]
    fn cookies_are_read_by_the_name_of_their_transport() {
        let mut headers = HeaderMap::new();
        headers
            .insert(header::COOKIE, HeaderValue::from_static("a=b; bailiwick=plain; __Host-bailiwick=tls"));
        assert_eq!(token_of(&headers, false), Some("plain"));
        assert_eq!(token_of(&headers, true), Some("tls"));
        assert!(cookie(&Secret::new("t".to_owned()), true, 5).contains("; Secure"));
        assert!(!cleared_cookie(false).contains("Secure"));
    }

    #[test]
    fn requests_of_other_sites_are_recognised() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect::<HeaderMap>()
        };
        assert!(is_cross_site(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_cross_site(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(is_cross_site(&headers(&[("origin", "http://evil.test"), ("host", "a.test")])));
        assert!(is_cross_site(&headers(&[("origin", "null"), ("host", "a.test")])));
        assert!(!is_cross_site(&headers(&[("origin", "http://a.test"), ("host", "a.test")])));
        assert!(!is_cross_site(&headers(&[("sec-fetch-site", "same-origin")])));
    }
}
