//! Provider connections, and which addresses a tenant may make this system call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{OrganizationId, ProjectId, ProviderId};
use crate::time::Timestamp;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Any base URL that speaks OpenAI's wire format.
    Openai,
    /// The built-in simulation: no network, no cost to anyone.
    Simulated,
}

impl ProviderKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Openai, Self::Simulated];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Simulated => "simulated",
        }
    }

    /// The kind of that word.
    ///
    /// # Errors
    /// `invalid_provider_kind`.
    pub fn parse(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
            Error::invalid_param("invalid_provider_kind", "kind", "Use one of: openai simulated.")
        })
    }

    /// The base URL when none is given.
    pub const fn default_base_url(self) -> &'static str {
        match self {
            Self::Openai => "https://api.openai.com/v1",
            Self::Simulated => "simulated:",
        }
    }
}

/// A provider connection of one organization, without its credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConnection {
    /// Its id.
    pub id: ProviderId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// A word, unique in the organization; `name/model` names a model of just this connection.
    pub name: String,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Where calls go, without a trailing slash.
    pub base_url: String,
    /// The models it offers; none means all priced ones of its kind.
    pub models: Option<Vec<String>>,
    /// The projects that may use it; none means all.
    pub project_ids: Option<Vec<ProjectId>>,
    /// Who owns the contract behind it.
    pub contract_owner: String,
    /// When it was attached.
    pub created_at: Timestamp,
    /// Since when it is removed.
    pub removed_at: Option<Timestamp>,
}

impl ProviderConnection {
    /// Whether the project may use it.
    pub fn is_shared_with(&self, project: ProjectId) -> bool {
        self.project_ids.as_ref().is_none_or(|projects| projects.contains(&project))
    }
}

/// A connection's name: 1 to 40 lower-case letters, digits, hyphens.
///
/// # Errors
/// `invalid_provider_name`.
pub fn connection_name(text: &str) -> Result<String, Error> {
    let name = text.trim().to_lowercase();
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (plain && (1..=40).contains(&name.len())).then_some(name).ok_or_else(|| {
        Error::invalid_param(
            "invalid_provider_name",
            "name",
            "Use 1 to 40 lower-case letters, digits and hyphens.",
        )
    })
}

/// A base URL as stored: `https` (or `http`), a host, no user, query or fragment, no trailing slash.
/// Which addresses it may lead to is decided when connecting, by [`is_public`].
///
/// # Errors
/// `invalid_base_url`.
pub fn base_url(text: &str) -> Result<String, Error> {
    let bad = || {
        Error::invalid_param(
            "invalid_base_url",
            "base_url",
            "Use a plain address such as https://api.openai.com/v1.",
        )
    };
    let url = text.trim().trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(bad)?;
    let authority = rest.split('/').next().unwrap_or("");
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\\\"<>{}|^`".contains(&b));
    let dotted = rest.split('/').any(|part| part == "." || part == "..");
    if authority.is_empty() || authority.starts_with(':') || !plain || dotted || url.len() > 512 {
        return Err(bad());
    }
    Ok(url.to_owned())
}

/// Refuses a base URL that plainly names an address which no tenant may choose, unless the operator listed its
/// `host:port`. What a name resolves to is decided when connecting.
///
/// # Errors
/// `address_not_allowed`.
pub fn refuse_private(url: &str, listed: &[String]) -> Result<(), Error> {
    let is_tls = url.starts_with("https://");
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or("").to_lowercase();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host.to_owned(), port.to_owned()),
        _ => (authority.clone(), if is_tls { "443" } else { "80" }.to_owned()),
    };
    let pair = format!("{host}:{port}");
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_local = host == "localhost" || host.ends_with(".localhost");
    let is_private = is_local || literal.is_ok_and(|address| !is_public(address));
    if !is_private || listed.iter().any(|listed| listed.trim().eq_ignore_ascii_case(&pair)) {
        return Ok(());
    }
    Err(Error::invalid_param(
        "address_not_allowed",
        "base_url",
        format!("{pair} is not on the public internet. The operator can list it as allow_upstream."),
    ))
}

/// Whether an address is on the public internet: what tenants may choose unless the operator listed the host.
/// Ranges: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and updates).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)
            | (192, 168, _)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only global unicast is public, less documentation, benchmarking and protocol ranges.
    (0x2000..=0x3fff).contains(&a)
        && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
        && a != 0x2002
        && a != 0x3fff
}

/// The IPv4 address that an IPv6 address carries: mapped, compatible, or translated (NAT64).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let tail = Ipv4Addr::from((u32::from(s[6]) << 16) | u32::from(s[7]));
    match s {
        [0, 0, 0, 0, 0, 0xffff | 0, ..] => Some(tail),
        [0, 0, 0, 0, 0xffff, 0, ..] => Some(tail),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(tail),
        [0x64, 0xff9b, 1, ..] => Some(Ipv4Addr::UNSPECIFIED),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let forbidden = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "ff02::1",
            "::ffff:0:10.0.0.1",
        ];
        for text in forbidden {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn private_addresses_need_the_operator() {
        let listed = ["127.0.0.1:9000".to_owned()];
        for (url, is_fine) in [
            ("https://api.openai.com/v1", true),
            ("http://127.0.0.1:9000/v1", true),
            ("http://127.0.0.1:9001/v1", false),
            ("http://169.254.169.254/latest", false),
            ("http://[::1]:80/v1", false),
            ("https://[fd00::1]", false),
            ("http://localhost:9000", false),
            ("https://1.1.1.1", true),
        ] {
            assert_eq!(refuse_private(url, &listed).is_ok(), is_fine, "{url}");
        }
    }

    #[test]
    fn base_urls_are_plain() {
        assert_eq!(base_url(" https://api.openai.com/v1/ ").unwrap(), "https://api.openai.com/v1");
        for bad in [
            "",
            "ftp://x",
            "https://",
            "https://u:p@h/",
            "https://h/?q",
            "https://h/#f",
            "https://h/a b",
            "http://:80",
            "https://h/../x",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
