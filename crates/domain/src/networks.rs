//! Where a request came from: the address of its connection, or what proxies that are trusted say of it.

use std::net::{IpAddr, SocketAddr};

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
/// `forwarded` are the lines of `X-Forwarded-For`, in their order: a proxy may add to the client's line or write one of
/// its own below. They are believed only as far as trusted proxies wrote them: from the right, each entry was added by
/// the address to its right, so the first one that is no trusted proxy is the client. An entry that is no address, with
/// a port or without, ends the search at who wrote it.
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &Networks,
) -> IpAddr {
    let mut client = peer.to_canonical();
    for entry in forwarded.rev().flat_map(|line| line.rsplit(',')).map(str::trim) {
        if !trusted.contain(client) {
            break;
        }
        match address_of(entry) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

fn address_of(entry: &str) -> Option<IpAddr> {
    entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = Networks::parse(&["10.0.0.0/8".to_owned(), "2001:db8::/32".to_owned()]).unwrap();
        client_address(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        assert_eq!(client("198.51.100.7", &["203.0.113.9"]), "198.51.100.7", "not from a proxy");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9", "the client wrote the rest");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, 10.0.0.2"]), "203.0.113.9", "two proxies");
        assert_eq!(client("::ffff:10.0.0.1", &["2001:db8::5, 2001:db8::1"]), "2001:db8::5");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1", "203.0.113.9"]),
            "203.0.113.9",
            "a line below the client's"
        );
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9", "\u{fffd}"]),
            "10.0.0.1",
            "a last line that is no text"
        );
        assert_eq!(client("10.0.0.1", &["203.0.113.9:4711, [2001:db8::1]:80"]), "203.0.113.9", "with ports");
    }

    #[test]
    fn an_address_in_its_ipv6_form_is_the_ipv4_one() {
        let contain = |network: &str, address: &str| {
            Networks::parse(&[network.to_owned()]).unwrap().contain(address.parse().unwrap())
        };
        for network in ["203.0.113.0/24", "::ffff:203.0.113.0/120", "::ffff:cb00:7100/120"] {
            assert!(contain(network, "203.0.113.9"), "{network}");
            assert!(contain(network, "::ffff:203.0.113.9"), "{network}");
            assert!(!contain(network, "203.0.114.9") && !contain(network, "::ffff:203.0.114.9"), "{network}");
        }
        assert!(contain("::ffff:0:0/96", "198.51.100.7") && !contain("::ffff:0:0/96", "2001:db8::1"));
        assert!(contain("2001:db8::/32", "2001:db8:1::1") && !contain("2001:db8::/32", "2001:db9::1"));
        assert!(!contain("::/0", "198.51.100.7") && !contain("0.0.0.0/0", "2001:db8::1"));
        for nonsense in
            ["203.0.113.1/24", "203.0.113.0/33", "::ffff:203.0.113.0/24", "2001:db8::/129", "10.0.0.0/-1"]
        {
            assert!(Networks::parse(&[nonsense.to_owned()]).is_err(), "{nonsense}");
        }
    }
}
