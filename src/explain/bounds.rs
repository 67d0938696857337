//! Timeouts and limits in force, and who says so.

use super::build::Source;
use super::explanation::Bound;
use crate::config::{ConnectionLimits, Limits, Route, Timeouts};
use crate::snapshot::RouteId;
use crate::snapshot::filter::Chain;

use std::time::Duration;

/// One of the timeouts.
type Of = fn(&Timeouts) -> Option<Duration>;

/// The timeouts of a route's requests.
pub(super) fn timeouts(source: Source<'_>, route: &Route) -> Vec<Bound> {
    let config = source.config;
    // Of several clusters the first with a weight stands for the others.
    let shared = route.clusters.iter().find(|cluster| cluster.weight > 0);
    let name = route.cluster.as_ref().or(shared.map(|cluster| &cluster.name));
    let of_cluster = name.and_then(|name| config.clusters.get(name));
    let of_cluster = of_cluster.map(|cluster| cluster.timeouts).unwrap_or_default();
    let effective = route.timeouts.or(of_cluster).or(config.effective_timeouts());
    let cluster = name.map_or_else(|| "cluster".to_owned(), |name| format!("cluster {name}"));
    let keys: [(&str, Of); 7] = [
        ("client_header", |timeouts| timeouts.client_header),
        ("client_body_idle", |timeouts| timeouts.client_body_idle),
        ("keep_alive", |timeouts| timeouts.keep_alive),
        ("connect", |timeouts| timeouts.connect),
        ("first_byte", |timeouts| timeouts.first_byte),
        ("upstream_idle", |timeouts| timeouts.upstream_idle),
        ("total", |timeouts| timeouts.total),
    ];
    let bound = |(key, of): (&str, Of)| {
        let value = of(&effective);
        let from = if of(&route.timeouts).is_some() {
            "route"
        } else if of(&of_cluster).is_some() {
            &cluster
        } else if of(&config.timeouts).is_some() {
            "gateway"
        } else if value != of(&Timeouts::DEFAULT) {
            // Two of them have an older name there.
            "gateway (connection_limits)"
        } else {
            "default"
        };
        Bound { name: key.to_owned(), value: duration(value), from: from.to_owned() }
    };
    keys.into_iter().map(bound).collect()
}

/// The limits of a route's requests.
pub(super) fn limits(source: Source<'_>, id: RouteId) -> Vec<Bound> {
    let config = source.config;
    let route = config.routes.get(id.0 as usize);
    let of_route = route.and_then(|route| route.max_body);
    let body = match source.snapshot.route(id).body_bytes_max {
        u64::MAX => "unlimited".to_owned(),
        bytes => size(bytes),
    };
    let from_body = match (of_route, config.limits.body) {
        (Some(_), _) => "route",
        (None, Some(_)) => "gateway",
        (None, None) => "default",
    };
    let default = Limits::default();
    let own = |is_default: bool| if is_default { "default" } else { "gateway" };
    let limits = &config.limits;
    let connections = &config.connection_limits;
    let per_connection = match connections.requests_per_connection {
        ConnectionLimits::UNLIMITED => "unlimited".to_owned(),
        count => count.to_string(),
    };
    let default_connections = ConnectionLimits::default().requests_per_connection;
    let held = source.snapshot.route(id).chain().map(Chain::buffers).unwrap_or_default();
    let held = [("held_request", held.request_bytes), ("held_answer", held.response_bytes)];
    let held =
        held.into_iter().filter_map(|(name, bytes)| Some((name, size(bytes? as u64), "filters")));
    let rows = [
        ("body", body, from_body),
        (
            "request_line",
            size(limits.request_line as u64),
            own(limits.request_line == default.request_line),
        ),
        ("fields", limits.fields.to_string(), own(limits.fields == default.fields)),
        (
            "fields_size",
            size(limits.fields_size as u64),
            own(limits.fields_size == default.fields_size),
        ),
        (
            "requests_per_connection",
            per_connection,
            own(connections.requests_per_connection == default_connections),
        ),
    ];
    let bound = |(name, value, from): (&str, String, &str)| Bound {
        name: name.to_owned(),
        value,
        from: from.to_owned(),
    };
    rows.into_iter().chain(held).map(bound).collect()
}

/// As a file has it: `250ms`, `10s`, `1m30s`.
fn duration(duration: Option<Duration>) -> String {
    let Some(duration) = duration.filter(|duration| *duration != Timeouts::OFF) else {
        return "none".to_owned();
    };
    let micros = duration.as_micros();
    let units: [(u128, &str); 5] =
        [(3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"), (1, "us")];
    let mut rest = micros;
    let mut text = String::new();
    for (unit, name) in units {
        if rest / unit > 0 {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// As a file has it: `512B`, `8KiB`, `10MiB`.
fn size(bytes: u64) -> String {
    let units: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_values_as_a_file_has_them() {
        let millis = |millis| duration(Some(Duration::from_millis(millis)));
        assert_eq!((millis(250).as_str(), millis(90_000).as_str()), ("250ms", "1m30s"));
        assert_eq!((millis(0).as_str(), millis(3_600_000).as_str()), ("0s", "1h"));
        assert_eq!(duration(Some(Timeouts::OFF)), "none");
        assert_eq!(
            (size(8192), size(1000), size(10 << 20)),
            ("8KiB".into(), "1000B".into(), "10MiB".into())
        );
    }
}
