//! Where the gateway listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// `GatewayConfig::listen_addr`: the short way to write one listener.
///
/// Made with `"0.0.0.0:8080".parse()?`; the default is none, for configurations that use
/// `GatewayConfig::listeners`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenAddr(pub Option<ListenAddress>);

/// An address to listen on.
///
/// In a file and in [`FromStr`]: `0.0.0.0:8080`, `[::]:8080`, or `unix:/run/frys/http.sock`. A port
/// of 0 lets the kernel choose one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListenAddress {
    /// A TCP port; every worker has its own socket on it (`SO_REUSEPORT`).
    Tcp(SocketAddr),
    /// A Unix stream socket by its absolute path.
    Unix(PathBuf),
}

/// One of `GatewayConfig::listeners`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Where it listens.
    pub address: ListenAddress,
}

/// A text is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressInvalid {
    text: String,
}

impl FromStr for ListenAddress {
    type Err = AddressInvalid;

    /// # Errors
    /// [`AddressInvalid`] when the text is neither `ip:port` nor `unix:` with an absolute path.
    fn from_str(text: &str) -> Result<ListenAddress, AddressInvalid> {
        let invalid = || AddressInvalid { text: text.to_owned() };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            let is_socket = path.is_absolute() && path.file_name().is_some();
            let fits = path.as_os_str().len() <= UNIX_PATH_BYTES_MAX;
            return if is_socket && fits { Ok(ListenAddress::Unix(path)) } else { Err(invalid()) };
        }
        text.parse().map(ListenAddress::Tcp).map_err(|_| invalid())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for ListenAddr {
    type Err = AddressInvalid;

    /// # Errors
    /// As [`ListenAddress`].
    fn from_str(text: &str) -> Result<ListenAddr, AddressInvalid> {
        text.parse().map(|address| ListenAddr(Some(address)))
    }
}

impl From<SocketAddr> for ListenAddr {
    fn from(address: SocketAddr) -> ListenAddr {
        ListenAddr(Some(ListenAddress::Tcp(address)))
    }
}

impl From<ListenAddress> for ListenAddr {
    fn from(address: ListenAddress) -> ListenAddr {
        ListenAddr(Some(address))
    }
}

impl From<ListenAddress> for ListenerConfig {
    fn from(address: ListenAddress) -> ListenerConfig {
        ListenerConfig { address }
    }
}

impl fmt::Display for AddressInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        if text.starts_with("unix:") {
            return write!(
                f,
                "`{text}` is no socket path: `unix:` needs an absolute path of at most \
                 {UNIX_PATH_BYTES_MAX} bytes, as in `unix:/run/frys.sock`"
            );
        }
        write!(f, "`{text}` is no address: write `ip:port`, as in `0.0.0.0:8080` or `[::]:8080`")?;
        if let Some(port) = text.strip_prefix(':')
            && port.parse::<u16>().is_ok()
        {
            write!(f, "; for every interface `0.0.0.0:{port}`")?;
        } else if text.parse::<u16>().is_ok() {
            write!(f, "; for every interface `0.0.0.0:{text}`")?;
        }
        Ok(())
    }
}

impl std::error::Error for AddressInvalid {}

/// `sockaddr_un` has 108 bytes for the path and its NUL.
const UNIX_PATH_BYTES_MAX: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_and_socket_paths() {
        for text in ["0.0.0.0:8080", "[::]:80", "127.0.0.1:0", "unix:/run/frys.sock"] {
            let address: ListenAddress = text.parse().expect("an address");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_neither() {
        for text in ["", "8080", ":8080", "localhost:80", "unix:", "unix:a", "unix:/", "1.2.3.4"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn shows_the_fix_for_a_bare_port() {
        let fault = "8080".parse::<ListenAddress>().expect_err("no address");
        assert!(fault.to_string().contains("`0.0.0.0:8080`"), "{fault}");
    }
}
