//! What the server listens with. Connections from stated proxies begin with a PROXY protocol header, version 1 or 2,
//! which says who is behind them; whoever else sends one is not believed, and not understood either.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::serve::IncomingStream;
use domain::networks::Networks;
use ppp::{HeaderResult, v1, v2};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower_service::Service;

/// How long a proxy may take to say who is behind it.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// How many connections may be about to say so at once; further ones wait to be accepted.
const READING_MOST: usize = 1_024;
/// The longest header of version 1, with its line end, in bytes.
const LINE_MOST: usize = 107;
/// The longest rest of a header of version 2 that is read, in bytes.
const REST_MOST: usize = 4_096;
/// How a header of version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// How long to wait when the system has no connection to give, such as when too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that knows its proxies.
pub struct Listener {
    listener: TcpListener,
    proxies: Networks,
    reading: JoinSet<io::Result<(TcpStream, SocketAddr)>>,
}

impl Listener {
    /// Listens on an address; connections from these networks have to begin with a PROXY protocol header.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr, proxies: Networks) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, proxies, reading: JoinSet::new() })
    }

    /// A connection that says itself from where it comes; what comes from a proxy is read first.
    fn accepted(&mut self, (socket, peer): (TcpStream, SocketAddr)) -> Option<(TcpStream, SocketAddr)> {
        // Small pieces of streams must not wait for each other.
        drop(socket.set_nodelay(true));
        if !self.proxies.contain(peer.ip()) {
            return Some((socket, peer));
        }
        self.reading.spawn(async move {
            match tokio::time::timeout(HEADER_TIME, behind(socket, peer)).await {
                Ok(read) => read,
                Err(late) => Err(late.into()),
            }
        });
        None
    }
}

impl axum::serve::Listener for Listener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let is_open = self.reading.len() < READING_MOST;
            let taken = tokio::select! {
                Some(read) = self.reading.join_next() => match read {
                    Ok(Ok(taken)) => Some(taken),
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a proxy did not say who is behind it");
                        None
                    }
                    Err(_) => None,
                },
                accepted = self.listener.accept(), if is_open => match accepted {
                    Ok(accepted) => self.accepted(accepted),
                    Err(error) => {
                        tracing::warn!(%error, "no connection could be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        None
                    }
                },
            };
            if let Some(taken) = taken {
                return taken;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Reads the header, and not a byte more: the connection with the address that it names.
async fn behind(mut socket: TcpStream, peer: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    let header = read(&mut socket).await?;
    let named = named(&header).map_err(|text| io::Error::new(io::ErrorKind::InvalidData, text))?;
    Ok((socket, named.unwrap_or(peer)))
}

async fn read(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    // The shortest header of either version is longer than the signature of the second.
    let mut header = vec![0; SIGNATURE.len()];
    socket.read_exact(&mut header).await?;
    if header == SIGNATURE {
        let mut fixed = [0; 4];
        socket.read_exact(&mut fixed).await?;
        let rest = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if rest > REST_MOST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the header is too long"));
        }
        header.extend_from_slice(&fixed);
        let start = header.len();
        header.resize(start + rest, 0);
        socket.read_exact(&mut header[start..]).await?;
        return Ok(header);
    }
    while !header.ends_with(b"\r\n") && header.len() < LINE_MOST {
        header.push(socket.read_u8().await?);
    }
    Ok(header)
}

/// The client's address; none where the proxy speaks for itself, or does not know.
fn named(header: &[u8]) -> Result<Option<SocketAddr>, String> {
    let address = |ip: IpAddr, port| Some(SocketAddr::new(ip, port));
    match HeaderResult::parse(header) {
        HeaderResult::V1(parsed) => Ok(match parsed.map_err(|error| error.to_string())?.addresses {
            v1::Addresses::Tcp4(tcp) => address(tcp.source_address.into(), tcp.source_port),
            v1::Addresses::Tcp6(tcp) => address(tcp.source_address.into(), tcp.source_port),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(parsed) => {
            let header = parsed.map_err(|error| error.to_string())?;
            Ok(match header.addresses {
                _ if header.command == v2::Command::Local => None,
                v2::Addresses::IPv4(ip) => address(ip.source_address.into(), ip.source_port),
                v2::Addresses::IPv6(ip) => address(ip.source_address.into(), ip.source_port),
                v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
            })
        }
    }
}

/// What serves connections: each request is told from where its connection comes.
pub struct Doors(pub Router);

impl Service<IncomingStream<'_, Listener>> for Doors {
    type Response = Door;
    type Error = Infallible;
    type Future = Ready<Result<Door, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, Listener>) -> Self::Future {
        ready(Ok(Door { app: self.0.clone(), client: *stream.remote_addr() }))
    }
}

/// What serves one connection.
#[derive(Clone)]
pub struct Door {
    app: Router,
    client: SocketAddr,
}

impl Service<Request> for Door {
    type Response = <Router as Service<Request>>::Response;
    type Error = Infallible;
    type Future = <Router as Service<Request>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Router as Service<Request>>::poll_ready(&mut self.app, context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.client));
        self.app.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[0x20 | command, family], &length, addresses].concat()
    }

    #[test]
    fn headers_of_both_versions_name_the_client() {
        let of = |header: &[u8]| named(header).map(|client| client.map(|client| client.to_string()));
        let name = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(of(b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"), name("203.0.113.9:4711"));
        assert_eq!(of(b"PROXY TCP6 2001:db8::9 2001:db8::1 4711 443\r\n"), name("[2001:db8::9]:4711"));
        assert_eq!(of(b"PROXY UNKNOWN\r\n"), Ok(None));
        let four = [203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x67, 1, 187];
        assert_eq!(of(&second(1, 0x11, &four)), name("203.0.113.9:4711"));
        assert_eq!(of(&second(0, 0x11, &four)), Ok(None), "the proxy itself, such as its health check");
        assert_eq!(of(&second(0, 0, &[])), Ok(None));
        assert!(of(b"GET / HTTP/1.1\r\n").is_err());
        assert!(of(b"PROXY TCP4 203.0.113.999 192.0.2.1 4711 443\r\n").is_err());
        assert!(of(&second(1, 0x11, &four[..8])).is_err(), "cut off");
    }
}
