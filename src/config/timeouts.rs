//! How long each step of an exchange may take.

use std::time::Duration;

/// Timeouts of the gateway, a cluster or a route.
///
/// `None` means what the level above says: a route's is its cluster's, a cluster's the gateway's,
/// the gateway's [`Timeouts::DEFAULT`]. [`Timeouts::OFF`] means never; in a file that is `"none"`.
/// The name of the one that fired is in the access log and the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a head to its end; then 408. A new connection has as long for its
    /// first byte, and is then closed.
    /// Gateway only. Default 10 s: heads are one packet, and a slower one holds a connection.
    pub client_header: Option<Duration>,
    /// Between two reads of a request body; then 408. Default 60 s: nginx's `client_body_timeout`.
    pub client_body_idle: Option<Duration>,
    /// Between two requests of a client connection; then it is closed without a response. Gateway
    /// only. Default: `connection_limits.keep_alive_timeout`.
    pub keep_alive: Option<Duration>,
    /// For a connection to an upstream; then 504. Default: `connection_limits.connection_timeout`.
    pub connect: Option<Duration>,
    /// From the sent request to the first byte of the response; then 504. Default 60 s: nginx's
    /// `proxy_read_timeout`.
    pub first_byte: Option<Duration>,
    /// Between two reads of a response body, or two writes of a request body; then the exchange is
    /// cut. Default 60 s: nginx's `proxy_read_timeout`.
    pub upstream_idle: Option<Duration>,
    /// From the request's head to the end of the response; then 504, or the response is cut.
    /// Default off: a long download or an event stream is no fault.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// Never: `"none"` in a file.
    pub const OFF: Duration = Duration::MAX;

    /// What holds where nothing is said. `keep_alive` and `connect` have their defaults in
    /// `ConnectionLimits` too, under the names that came first; these are equal.
    pub const DEFAULT: Timeouts = Timeouts {
        client_header: Some(Duration::from_secs(10)),
        client_body_idle: Some(Duration::from_secs(60)),
        keep_alive: Some(Duration::from_secs(60)),
        connect: Some(Duration::from_secs(10)),
        first_byte: Some(Duration::from_secs(60)),
        upstream_idle: Some(Duration::from_secs(60)),
        total: Some(Timeouts::OFF),
    };

    /// These, and `above` where these say nothing.
    pub fn or(self, above: Timeouts) -> Timeouts {
        Timeouts {
            client_header: self.client_header.or(above.client_header),
            client_body_idle: self.client_body_idle.or(above.client_body_idle),
            keep_alive: self.keep_alive.or(above.keep_alive),
            connect: self.connect.or(above.connect),
            first_byte: self.first_byte.or(above.first_byte),
            upstream_idle: self.upstream_idle.or(above.upstream_idle),
            total: self.total.or(above.total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_level_wins_where_it_says_something() {
        let second = Some(Duration::from_secs(1));
        let route = Timeouts { connect: second, ..Timeouts::default() };
        let merged = route.or(Timeouts::DEFAULT);
        assert_eq!(merged, Timeouts { connect: second, ..Timeouts::DEFAULT });
    }
}
