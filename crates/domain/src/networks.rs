//! Where a request came from: the address of its connection, or what proxies that are trusted say of it.

use std::net::IpAddr;

use crate::error::Error;
use crate::policy::Pattern;

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Pattern>);

impl Networks {
    /// Out of texts such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// `invalid_network`.
    pub fn parse(texts: &[String]) -> Result<Self, Error> {
        texts.iter().map(|text| Pattern::network(text)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let wanted = Pattern::address(address);
        self.0.iter().any(|network| network.covers(&wanted))
    }
}

/// The address of the client behind a connection.
///
/// `forwarded` is the whole `X-Forwarded-For` header. It is believed only as far as trusted proxies wrote it: from the
/// right, each entry was added by the address to its right, so the first one that is no trusted proxy is the client. An
/// entry that is no address ends the search at who wrote it.
pub fn client_address(peer: IpAddr, forwarded: Option<&str>, trusted: &Networks) -> IpAddr {
    let mut client = peer.to_canonical();
    for entry in forwarded.unwrap_or_default().rsplit(',').map(str::trim) {
        if !trusted.contain(client) {
            break;
        }
        match entry.parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: Option<&str>) -> String {
        let trusted = Networks::parse(&["10.0.0.0/8".to_owned(), "2001:db8::/32".to_owned()]).unwrap();
        client_address(peer.parse().unwrap(), forwarded, &trusted).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        assert_eq!(client("198.51.100.7", Some("203.0.113.9")), "198.51.100.7", "not from a proxy");
        assert_eq!(client("10.0.0.1", None), "10.0.0.1");
        assert_eq!(client("10.0.0.1", Some("203.0.113.9")), "203.0.113.9");
        assert_eq!(
            client("10.0.0.1", Some("1.1.1.1, 203.0.113.9")),
            "203.0.113.9",
            "the client wrote the rest"
        );
        assert_eq!(client("10.0.0.1", Some("203.0.113.9, 10.0.0.2")), "203.0.113.9", "two proxies");
        assert_eq!(client("::ffff:10.0.0.1", Some("2001:db8::5, 2001:db8::1")), "2001:db8::5");
        assert_eq!(client("10.0.0.1", Some("203.0.113.9, nonsense")), "10.0.0.1");
        assert_eq!(client("10.0.0.1", Some("")), "10.0.0.1");
    }
}
