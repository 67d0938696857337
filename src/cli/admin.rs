//! A client of a running gateway's admin: one request a connection, over TCP or a Unix socket.

use crate::http::h1::parse::{self, HeadLimits, Parsed};
use crate::http::head::{HeadIndex, ResponseHead};
use crate::limits::{ADMIN_ANSWER_BYTES_MAX, SCRAPE_MS_MAX};

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::time::Duration;

/// Where an admin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    /// `host:port`
    Tcp(String),
    /// The path of a socket.
    Unix(String),
}

/// An answer of the admin.
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl FromStr for Admin {
    type Err = String;

    fn from_str(text: &str) -> Result<Admin, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Admin::Unix(path.to_owned()));
        }
        let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Admin::Tcp(address.to_owned()))
            }
            Some(_) | None => {
                Err(format!("`{text}` is no address: write 127.0.0.1:9901 or unix:/path"))
            }
        }
    }
}

impl fmt::Display for Admin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Admin::Tcp(address) => formatter.write_str(address),
            Admin::Unix(path) => write!(formatter, "unix:{path}"),
        }
    }
}

impl Admin {
    /// GETs a path.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn read(&self, path: &str) -> Result<Answered, String> {
        self.ask("GET", path, &[])
    }

    /// POSTs a document in JSON.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn post(&self, path: &str, json: &[u8]) -> Result<Answered, String> {
        self.ask("POST", path, json)
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Answered, String> {
        self.exchange(method, path, body)
            .map_err(|error| format!("the admin at {self} does not answer: {error}"))
    }

    fn exchange(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answered> {
        let limit = Some(Duration::from_millis(SCRAPE_MS_MAX));
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        match self {
            Admin::Tcp(address) => {
                let address = address.to_socket_addrs()?.next();
                let address = address.ok_or_else(|| io::Error::other("the name has no address"))?;
                let stream =
                    TcpStream::connect_timeout(&address, Duration::from_millis(SCRAPE_MS_MAX))?;
                stream.set_read_timeout(limit)?;
                stream.set_write_timeout(limit)?;
                answer(stream, &request)
            }
            Admin::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(limit)?;
                stream.set_write_timeout(limit)?;
                answer(stream, &request)
            }
        }
    }
}

fn answer(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Answered> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.take(ADMIN_ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    let mut index = HeadIndex::new();
    let parsed = parse::response(&bytes, &HeadLimits::default(), &mut index);
    let Ok(Parsed::Complete { head_bytes }) = parsed else {
        return Err(io::Error::other("what it says is no HTTP"));
    };
    let status = ResponseHead::new(&bytes, &index).status().code();
    Ok(Answered { status, body: bytes.split_off(head_bytes) })
}

impl Answered {
    /// The body, if the admin could do what it was asked for.
    ///
    /// # Errors
    /// What the admin said instead.
    pub fn done(self) -> Result<Vec<u8>, String> {
        match self.status {
            200 => Ok(self.body),
            status => {
                let said = String::from_utf8_lossy(&self.body);
                Err(format!("the admin answers {status}: {}", said.trim_end()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_as_operators_write_them() {
        let tcp = |text: &str| Ok(Admin::Tcp(text.to_owned()));
        assert_eq!("127.0.0.1:9901".parse(), tcp("127.0.0.1:9901"));
        assert_eq!("http://[::1]:9901/".parse(), tcp("[::1]:9901"));
        assert_eq!("unix:/run/a".parse(), Ok(Admin::Unix("/run/a".into())));
        for text in ["", "localhost", ":9901", "a:b"] {
            assert!(text.parse::<Admin>().is_err(), "{text}");
        }
    }
}
