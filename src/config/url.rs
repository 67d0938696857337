//! `http://host:port`: what an upstream is reached by.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The URL of an upstream: `http://host:port`.
///
/// The host is a name, an IPv4 address or an IPv6 address in brackets; the port may be missing and
/// is then 80. `https://`, `h2c://` and `http+unix:` are read, and refused when the configuration
/// is checked, since they are not built in this version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamUrl {
    text: Box<str>,
    target: Target,
}

/// A text is no URL of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UrlInvalid {
    /// It does not begin with `http://`, `https://` or `http+unix:`.
    SchemeUnknown,
    /// The host is missing, or has a byte that no name has, or is longer than a name may be.
    HostInvalid,
    /// The port is not a number from 1 to 65535.
    PortInvalid,
    /// Something stands after the port: the client's path is forwarded as it is.
    PathUnexpected,
    /// A user or a password stands before the host.
    CredentialsUnexpected,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Target {
    Http { host: Box<str>, port: u16 },
    NotBuilt { what: &'static str },
    Refused(UrlInvalid),
}

impl UpstreamUrl {
    /// The host: a lower-case name or an address, without brackets; empty when the URL is refused
    /// by [`UpstreamUrl::fault`].
    pub fn host(&self) -> &str {
        match &self.target {
            Target::Http { host, .. } => host,
            Target::NotBuilt { .. } | Target::Refused(_) => "",
        }
    }

    /// The port; 0 when the URL is refused by [`UpstreamUrl::fault`].
    pub fn port(&self) -> u16 {
        match self.target {
            Target::Http { port, .. } => port,
            Target::NotBuilt { .. } | Target::Refused(_) => 0,
        }
    }

    /// `host:port`, an IPv6 host in brackets: the upstream's name in logs and metrics.
    pub fn host_and_port(&self) -> String {
        let host = self.host();
        let port = self.port();
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The `Host` that names it: without the port when that is 80 (RFC 9110 section 4.2.3).
    pub fn authority(&self) -> String {
        let full = self.host_and_port();
        match full.strip_suffix(":80") {
            Some(host) => host.to_owned(),
            None => full,
        }
    }

    /// The address, when the host is one and no name is to be resolved.
    pub fn address(&self) -> Option<SocketAddr> {
        self.host().parse().ok().map(|ip| SocketAddr::new(ip, self.port()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Why a configuration with it is refused.
    pub fn fault(&self) -> Option<String> {
        match &self.target {
            Target::Http { .. } => None,
            Target::NotBuilt { what } => Some(format!("{what} is not built in this version")),
            Target::Refused(reason) => Some(reason.to_string()),
        }
    }

    /// Reads a URL and keeps one that cannot be read, for builders that report when the
    /// configuration is checked.
    pub(crate) fn lenient(text: &str) -> UpstreamUrl {
        let target = parse(text).unwrap_or_else(Target::Refused);
        UpstreamUrl { text: text.into(), target }
    }
}

impl FromStr for UpstreamUrl {
    type Err = UrlInvalid;

    /// # Errors
    /// [`UrlInvalid`] with what is wrong.
    fn from_str(text: &str) -> Result<UpstreamUrl, UrlInvalid> {
        Ok(UpstreamUrl { text: text.into(), target: parse(text)? })
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for UrlInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UrlInvalid::SchemeUnknown => {
                "an upstream is written as `http://host:port`, as in `http://10.0.0.1:8080`"
            }
            UrlInvalid::HostInvalid => {
                "the host is no name and no address (IPv6 in brackets: `http://[::1]:8080`)"
            }
            UrlInvalid::PortInvalid => "the port is not a number from 1 to 65535",
            UrlInvalid::PathUnexpected => {
                "nothing may follow the port: the client's path is forwarded as it is"
            }
            UrlInvalid::CredentialsUnexpected => "a user or password has no place here",
        })
    }
}

impl std::error::Error for UrlInvalid {}

fn parse(text: &str) -> Result<Target, UrlInvalid> {
    if strip_scheme(text, "https://").is_some() {
        return Ok(Target::NotBuilt { what: "`https://` to upstreams" });
    }
    if strip_scheme(text, "h2c://").is_some() {
        return Ok(Target::NotBuilt { what: "`h2c://` to upstreams" });
    }
    if strip_scheme(text, "http+unix:").is_some() {
        return Ok(Target::NotBuilt { what: "`http+unix:` to upstreams" });
    }
    let rest = strip_scheme(text, "http://").ok_or(UrlInvalid::SchemeUnknown)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('@') {
        return Err(UrlInvalid::CredentialsUnexpected);
    }
    if authority.contains(['/', '?', '#']) {
        return Err(UrlInvalid::PathUnexpected);
    }
    let (host, port) = split(authority)?;
    let port = match port {
        None => 80,
        Some(port) => {
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|port| *port > 0 && is_number);
            port.ok_or(UrlInvalid::PortInvalid)?
        }
    };
    Ok(Target::Http { host: host.to_ascii_lowercase().into(), port })
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Host and port of an authority; the host without brackets.
fn split(authority: &str) -> Result<(&str, Option<&str>), UrlInvalid> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlInvalid::HostInvalid)?;
        host.parse::<Ipv6Addr>().map_err(|_| UrlInvalid::HostInvalid)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(UrlInvalid::HostInvalid),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if is_name(host) { Ok((host, port)) } else { Err(UrlInvalid::HostInvalid) }
}

/// A name of letters, digits, `-` and `_` (service names of container platforms have it), at most
/// 63 bytes a label and 253 in all (RFC 1035 section 2.3.4); an IPv4 address is one as well.
fn is_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label_is_fine = |label: &str| {
        let letters =
            label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        letters && !label.is_empty() && label.len() <= 63
    };
    // All digits in the last label means an address, which must then be a whole one.
    let is_numeric = host
        .rsplit('.')
        .next()
        .is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_address = host.parse::<std::net::Ipv4Addr>().is_ok();
    host.len() <= 253 && host.split('.').all(label_is_fine) && (!is_numeric || is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<UpstreamUrl, UrlInvalid> {
        text.parse()
    }

    #[test]
    fn reads_names_and_addresses() {
        let cases = [
            ("http://service-a:8080", "service-a", 8080, "service-a:8080"),
            ("http://Service_A.example.com/", "service_a.example.com", 80, "service_a.example.com"),
            ("HTTP://10.0.0.1:80", "10.0.0.1", 80, "10.0.0.1"),
            ("http://[::1]:9000", "::1", 9000, "[::1]:9000"),
            ("http://[fd00::2]", "fd00::2", 80, "[fd00::2]"),
        ];
        for (text, host, port, authority) in cases {
            let url = url(text).expect(text);
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
            assert_eq!(url.authority(), authority, "{text}");
            assert_eq!(url.fault(), None);
        }
    }

    #[test]
    fn refuses_what_is_no_upstream() {
        let cases = [
            ("service-a:8080", UrlInvalid::SchemeUnknown),
            ("ftp://a", UrlInvalid::SchemeUnknown),
            ("", UrlInvalid::SchemeUnknown),
            ("http://", UrlInvalid::HostInvalid),
            ("http://a b", UrlInvalid::HostInvalid),
            ("http://1.2.3", UrlInvalid::HostInvalid),
            ("http://1.2.3.256", UrlInvalid::HostInvalid),
            ("http://[::1", UrlInvalid::HostInvalid),
            ("http://[::1]x", UrlInvalid::HostInvalid),
            ("http://a:0", UrlInvalid::PortInvalid),
            ("http://a:", UrlInvalid::PortInvalid),
            ("http://a:+80", UrlInvalid::PortInvalid),
            ("http://a:65536", UrlInvalid::PortInvalid),
            ("http://::1:80", UrlInvalid::HostInvalid),
            ("http://a/path", UrlInvalid::PathUnexpected),
            ("http://a?x", UrlInvalid::PathUnexpected),
            ("http://u:p@a", UrlInvalid::CredentialsUnexpected),
        ];
        for (text, want) in cases {
            assert_eq!(url(text), Err(want), "{text}");
        }
    }

    #[test]
    fn names_schemes_that_are_not_built() {
        for text in ["https://a:8443", "h2c://a:80", "http+unix:/run/b.sock"] {
            let fault = url(text).expect("readable").fault();
            assert!(fault.is_some_and(|fault| fault.contains("not built")), "{text}");
        }
    }

    #[test]
    fn an_address_needs_no_resolving() {
        let address = |text| url(text).expect("readable").address();
        assert_eq!(address("http://[::1]:9000"), "[::1]:9000".parse().ok());
        assert_eq!(address("http://a:9000"), None);
    }
}
