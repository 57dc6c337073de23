//! As much of an HTTP client as the set-up needs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::Outcome;

const PATIENCE: Duration = Duration::from_secs(10);

/// One request on a connection of its own: the status and the body.
pub fn call(
    address: SocketAddr,
    (method, path): (&str, &str),
    key: &str,
    body: Option<&Value>,
) -> Outcome<(u16, String)> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all([head, body].concat().as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without a head")?;
    let status =
        head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or("an answer without a status")?;
    Ok((status, body.to_owned()))
}

/// A request that has to succeed: its JSON.
pub fn ok(address: SocketAddr, what: (&str, &str), key: &str, body: Option<&Value>) -> Outcome<Value> {
    match call(address, what, key, body)? {
        (200, body) => Ok(serde_json::from_str(&body)?),
        (status, body) => Err(format!("{} {}: {status} {body}", what.0, what.1).into()),
    }
}
