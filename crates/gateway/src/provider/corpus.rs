//! Addresses that no tenant may reach, in every way of writing them, made by rule: none leads to a connection. And
//! those that they may, so that a guard which refuses everything fails too.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::Failure;
use super::client::{Allowed, Resolver, Upstream};
use crate::outbound::Outbound;

const TIMEOUT: Duration = Duration::from_secs(5);

/// One of every range that is not on the public internet.
const PRIVATE_V4: [[u8; 4]; 16] = [
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [10, 255, 255, 255],
    [100, 64, 0, 1],
    [127, 0, 0, 1],
    [127, 255, 255, 254],
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [172, 16, 0, 1],
    [172, 31, 255, 255],
    [192, 0, 0, 192],
    [192, 168, 1, 1],
    [198, 18, 0, 1],
    [203, 0, 113, 9],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
];
const PRIVATE_V6: [&str; 14] = [
    "::",
    "::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "64:ff9b:1::1",
];
/// Names that a resolver of the test's own leads to loopback, in forms that trick those who read them differently.
const NAMES: [&str; 16] = [
    "localhost",
    "LOCALHOST",
    "LocalHost",
    "localhost.",
    "localhost.localdomain",
    "app.localhost",
    "ip6-localhost",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data",
    "127.0.0.1.example.test",
    "127.0.0.1.",
    "xn--lcalhost-54a",
    "1.0.0.127.in-addr.arpa",
    "a.chain.of.aliases.test",
];
/// Hosts that are no host of a URL, though some programs read them as one.
const NONSENSE: [&str; 14] = [
    "127\u{3002}0\u{3002}0\u{3002}1",
    "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
    "\u{24db}\u{24de}\u{24d2}alhost",
    "127.0.0.1\\@api.example.test",
    "127.0.0.1%00.example.test",
    "127.0.0.%31",
    "[::1",
    "::1",
    "[127.0.0.1]",
    "[::1%25lo]",
    "[fe80::1%25eth0]",
    "[::ffff:7f00:1%25lo]",
    "127.0.0.1\tx",
    "api.example.test\u{2024}0",
];

/// The ways to write an IPv4 address that some resolver reads as it.
fn written_v4(address: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = address;
    let number = u32::from_be_bytes(address);
    let (low_24, low_16) = (number & 0x00ff_ffff, number & 0xffff);
    vec![
        format!("{a}.{b}.{c}.{d}"),
        format!("{number}"),
        format!("{number:#x}"),
        format!("0X{number:X}"),
        format!("0{number:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.000{b:o}.000{c:o}.000{d:o}"),
        format!("{a:#x}.0{b:o}.{c}.{d:#x}"),
        format!("{a}.{low_24}"),
        format!("{a}.{b}.{low_16}"),
        format!("{a:#x}.{low_24:#x}"),
        format!("{a}.{b}.0{low_16:o}"),
    ]
}

/// The ways to carry an IPv4 address in one of IPv6.
fn carried_v4(address: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = address;
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        format!("[::ffff:{a}.{b}.{c}.{d}]"),
        format!("[::FFFF:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:ffff:{high:04x}:{low:04x}]"),
        format!("[::{a}.{b}.{c}.{d}]"),
        format!("[::ffff:0:{a}.{b}.{c}.{d}]"),
        format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
        format!("[64:ff9b:1::{a}.{b}.{c}.{d}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
    ]
}

/// Every host of the corpus, with whether it is one that a URL can have.
fn hosts() -> Vec<String> {
    let mut hosts: Vec<String> =
        PRIVATE_V4.into_iter().flat_map(|v4| [written_v4(v4), carried_v4(v4)].concat()).collect();
    hosts.extend(PRIVATE_V6.iter().map(|v6| format!("[{v6}]")));
    hosts.extend(NAMES.iter().chain(&NONSENSE).map(ToString::to_string));
    hosts
}

/// Where to go, with a host hidden in it.
fn urls(host: &str, port: u16) -> Vec<String> {
    vec![
        format!("http://{host}:{port}/v1"),
        format!("http://api.openai.com@{host}:{port}/v1"),
        format!("http://api.openai.com:443@{host}:{port}/v1?x=@api.openai.com"),
    ]
}

/// Numbers are read by the system, as a real call would; names lead to loopback.
fn resolver() -> Resolver {
    Arc::new(|host, port| {
        let host = host.to_owned();
        let is_number = |part: &str| {
            let digits = part.trim_start_matches("0x").trim_start_matches("0X");
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        Box::pin(async move {
            if host.split('.').all(is_number) && host.starts_with(|c: char| c.is_ascii_digit()) {
                return Ok(tokio::net::lookup_host((host, port)).await?.collect());
            }
            Ok(vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)])
        })
    })
}

/// A listener on loopback, IPv4 and IPv6, that counts who comes.
struct Sink {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Sink {
    async fn open() -> Self {
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = four.local_addr().unwrap().port();
        let came = Arc::new(AtomicUsize::new(0));
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        for listener in [Some(four), six].into_iter().flatten() {
            let came = Arc::clone(&came);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    came.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, came }
    }

    fn count(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn no_way_of_writing_a_private_address_leads_there() {
    let sink = Sink::open().await;
    let upstream = || Upstream::resolving(Allowed::default(), resolver(), TIMEOUT);
    let (provider, outbound) = (upstream(), Outbound::through(upstream(), TIMEOUT));
    let hosts = hosts();
    let (mut blocked, mut tried) = (0, 0);
    for url in hosts.iter().flat_map(|host| urls(host, sink.port)) {
        tried += 1;
        let told = outbound.post(&url, &[], "{}".to_owned()).await;
        assert!(told.is_err(), "{url} answered {told:?}");
        let Ok(request) = Request::post(&url).body(Full::default()) else { continue };
        match provider.send(request).await {
            Err(Failure::Blocked) => blocked += 1,
            Err(Failure::Unreachable(_)) => {}
            Err(other) => panic!("{url}: {other}"),
            Ok(_) => panic!("{url} was reached"),
        }
    }
    assert_eq!(sink.count(), 0, "somebody came");
    assert!(hosts.len() >= 300 && tried >= 900, "{} hosts, {tried} addresses", hosts.len());
    // What is refused for another reason is no host at all.
    let most_refused_otherwise = NONSENSE.len() * 3;
    assert!(blocked + most_refused_otherwise >= tried, "{blocked} of {tried} were seen to be private");
}

#[tokio::test]
async fn public_addresses_are_let_through_in_every_way_of_writing_them() {
    let connector = Upstream::resolving(Allowed::default(), resolver(), TIMEOUT);
    for v4 in [[1, 1, 1, 1], [8, 8, 8, 8], [172, 32, 0, 1], [198, 20, 0, 1]] {
        let carried = carried_v4(v4);
        for host in written_v4(v4).iter().chain(&carried[..6]) {
            assert!(connector.may_reach(host, 443).await, "{host}");
        }
    }
    for host in ["[2606:4700::1111]", "[2a00:1450::1]", "[2001:4860:4860::8888]"] {
        assert!(connector.may_reach(host, 443).await, "{host}");
    }
}

#[tokio::test]
async fn a_name_that_turns_private_is_followed_nowhere() {
    let sink = Sink::open().await;
    let public = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let asked = Arc::new(AtomicUsize::new(0));
    let turning: Resolver = {
        let asked = Arc::clone(&asked);
        Arc::new(move |_, port| {
            let found = match asked.fetch_add(1, Ordering::SeqCst) {
                0 => vec![public],
                1 => vec![loopback],
                2 => vec![public, loopback],
                3 => vec![IpAddr::V6(Ipv6Addr::LOCALHOST)],
                _ => return Box::pin(async { Err(io::Error::from(io::ErrorKind::NotFound)) }),
            };
            let found = found.into_iter().map(|address| SocketAddr::new(address, port)).collect();
            Box::pin(async move { Ok(found) })
        })
    };
    let upstream = Upstream::resolving(Allowed::default(), turning, TIMEOUT);
    assert!(upstream.may_reach("rebinding.test", sink.port).await, "at first it is public");
    let outbound = Outbound::through(upstream, TIMEOUT);
    let url = format!("http://rebinding.test:{}/hook", sink.port);
    for _ in 0..3 {
        let told = outbound.post(&url, &[], "{}".to_owned()).await;
        assert_eq!(told, Err("The address is not on the public internet.".to_owned()));
    }
    assert_eq!((sink.count(), asked.load(Ordering::SeqCst)), (0, 4), "each connection asked anew");
}

#[tokio::test]
async fn redirects_to_private_addresses_are_not_followed() {
    let sink = Sink::open().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let listed = listener.local_addr().unwrap();
    let target = sink.port;
    tokio::spawn(async move {
        for status in ["301", "302", "303", "307", "308"] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4_096];
            let _ = socket.read(&mut buffer).await.unwrap();
            let head = format!(
                "HTTP/1.1 {status} Moved\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\n\
                 refresh: 0; url=http://127.0.0.1:{target}/\r\nconnection: close\r\n\r\n"
            );
            socket.write_all(head.as_bytes()).await.unwrap();
        }
    });
    let outbound = Outbound::new(&[listed.to_string()], TIMEOUT);
    for status in [301, 302, 303, 307, 308] {
        let answered = outbound.post(&format!("http://{listed}/"), &[], "{}".to_owned()).await.unwrap();
        assert_eq!(answered.status, status);
    }
    assert_eq!(sink.count(), 0);
}
