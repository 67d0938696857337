//! Listeners, workers, limits, timeouts, pools, rings.

use super::super::decode::units::show_duration;
use super::super::{GatewayConfig, ListenAddress, Timeouts, Workers, path};
use super::Faults;
use crate::error::Fault;
use crate::limits;
use std::net::IpAddr;

pub(super) fn check(config: &GatewayConfig, faults: &mut Faults) {
    listeners(config, faults);
    workers(&config.workers, faults);
    faults.duration("drain_timeout", config.drain_timeout, false);
    if let Some(age) = config.reload.max_generation_age {
        faults.duration("reload.max_generation_age", age, true);
    }
    for (index, network) in config.trusted_proxies.iter().enumerate() {
        if network.trunc() != *network {
            let path = path::element("trusted_proxies", index);
            let message = format!("`{network}` is an address inside a network, not the network");
            let nearest = Some(network.trunc().to_string());
            faults.add(Fault { nearest, ..Fault::new(path, message) });
        }
    }
    connection_limits(config, faults);
    request_limits(config, faults);
    timeouts("timeouts", &config.timeouts, faults);
    said_twice(config, faults);
    let pool = &config.pool;
    let connections = 0..=limits::CONNECTIONS_COUNT_MAX;
    faults.range("pool.idle_connections", pool.idle_connections, connections);
    faults.duration("pool.idle_timeout", pool.idle_timeout, false);
    runtime(config, faults);
    faults.not_built("", "tls_config", config.tls_config.is_some());
    faults.not_built("", "etcd", config.etcd.is_some());
    faults.not_built("", "jaeger", config.jaeger.is_some());
    faults.not_built("", "tracing_enabled", config.tracing_enabled);
}

/// A timeout table at any level.
pub(super) fn timeouts(base: &str, timeouts: &Timeouts, faults: &mut Faults) {
    let Timeouts {
        client_header,
        client_body_idle,
        keep_alive,
        connect,
        first_byte,
        upstream_idle,
        total,
    } = timeouts;
    for (key, timeout) in [
        ("client_header", client_header),
        ("client_body_idle", client_body_idle),
        ("keep_alive", keep_alive),
        ("connect", connect),
        ("first_byte", first_byte),
        ("upstream_idle", upstream_idle),
        ("total", total),
    ] {
        if let Some(timeout) = timeout {
            faults.duration(&path::join(base, key), *timeout, true);
        }
    }
}

/// Everywhere that it listens, with the keys.
pub(crate) fn addresses(config: &GatewayConfig) -> impl Iterator<Item = (String, &ListenAddress)> {
    let short = config.listen_addr.0.iter().map(|address| ("listen_addr".to_owned(), address));
    let listeners = config.listeners.iter().enumerate().map(|(index, listener)| {
        (path::join(&path::element("listeners", index), "address"), &listener.address)
    });
    let admin = config.admin.enabled.then(|| ("admin.address".to_owned(), &config.admin.address));
    short.chain(listeners).chain(admin)
}

/// The admin where others than this machine reach it, which is taken.
pub(super) fn open_admin(config: &GatewayConfig) -> Option<Fault> {
    let ListenAddress::Tcp(address) = &config.admin.address else { return None };
    let is_open = config.admin.enabled && !address.ip().to_canonical().is_loopback();
    is_open.then(|| {
        let message = "the admin has no login: whoever reaches this address sees the configuration \
                       and the requests, and may replace the configuration; `127.0.0.1:9901` or \
                       `unix:/path` keeps it to this machine";
        Fault::new("admin.address", message)
    })
}

fn listeners(config: &GatewayConfig, faults: &mut Faults) {
    if config.listen_addresses().next().is_none() {
        let message = "nowhere to listen: write `listen_addr = \"0.0.0.0:8080\"`";
        faults.push("listen_addr", message);
    }
    if config.listeners.len() > limits::LISTENERS_COUNT_MAX {
        let count = limits::LISTENERS_COUNT_MAX;
        faults.push("listeners", format!("more than {count} listeners"));
        return;
    }
    let mut seen: Vec<(String, &ListenAddress)> = Vec::new();
    for (path, address) in addresses(config) {
        match seen.iter().find(|(_, other)| is_taken(address, other)) {
            Some((other, first)) if *first == address => {
                let message = format!("`{other}` has the address {address} already");
                faults.add(Fault::new(path, message).against(other, "here it is first"));
            }
            Some((other, first)) => {
                let message =
                    format!("`{other}` takes the port already: {first} and {address} overlap");
                faults.add(Fault::new(path, message).against(other, "here it is taken"));
            }
            None => seen.push((path, address)),
        }
    }
}

/// Whether a socket at one address keeps another from being had: they are one, or one of them is
/// every address of the machine. `[::]` is those of IPv4 too.
fn is_taken(address: &ListenAddress, other: &ListenAddress) -> bool {
    let (ListenAddress::Tcp(a), ListenAddress::Tcp(b)) = (address, other) else {
        return address == other;
    };
    let (one, two) = (a.ip().to_canonical(), b.ip().to_canonical());
    let has = |wide: IpAddr, ip: IpAddr| wide.is_unspecified() && (wide.is_ipv6() || ip.is_ipv4());
    a.port() == b.port() && a.port() != 0 && (one == two || has(one, two) || has(two, one))
}

fn workers(workers: &Workers, faults: &mut Faults) {
    match workers {
        Workers::Auto => {}
        Workers::Count(count) => faults.range("workers", *count, 1..=limits::WORKERS_COUNT_MAX),
        Workers::Cores(cores) => {
            if cores.is_empty() {
                faults.push("workers", "an empty list of cores: nobody would serve");
            }
            for (index, core) in cores.iter().enumerate() {
                let path = path::element("workers", index);
                faults.range(&path, *core, 0..=limits::CORE_INDEX_MAX);
                if cores.iter().take(index).any(|other| other == core) {
                    faults.push(&path, format!("core {core} is in the list already"));
                }
            }
        }
    }
}

fn connection_limits(config: &GatewayConfig, faults: &mut Faults) {
    let found = &config.connection_limits;
    let key = |key: &str| path::join("connection_limits", key);
    let count = 1..=limits::CONNECTIONS_COUNT_MAX;
    faults.range(&key("max_connections"), found.max_connections, count.clone());
    let per_upstream = found.max_connections_per_upstream;
    faults.range(&key("max_connections_per_upstream"), per_upstream, count);
    faults.duration(&key("connection_timeout"), found.connection_timeout, true);
    faults.duration(&key("keep_alive_timeout"), found.keep_alive_timeout, true);
    if found.requests_per_connection == 0 {
        let message = "0 requests: 1 closes after each, `\"unlimited\"` never does";
        faults.push(&key("requests_per_connection"), message);
    }
    let pipelined = 0..=limits::PIPELINED_COUNT_MAX;
    faults.range(&key("pipelined_requests"), found.pipelined_requests, pipelined);
}

fn request_limits(config: &GatewayConfig, faults: &mut Faults) {
    let found = &config.limits;
    let key = |key: &str| path::join("limits", key);
    faults.range(&key("request_line"), found.request_line, limits::REQUEST_LINE);
    faults.range(&key("fields"), found.fields, limits::FIELDS_COUNT);
    faults.range(&key("fields_size"), found.fields_size, limits::FIELDS_SIZE);
    faults.range(&key("chunk_extension"), found.chunk_extension, limits::CHUNK_EXTENSION);
    faults.range(&key("trailers"), found.trailers, limits::TRAILERS);
}

/// Two keys say one thing; they may both be there when they agree, or when one is at its default.
fn said_twice(config: &GatewayConfig, faults: &mut Faults) {
    let limits = &config.connection_limits;
    let timeouts = &config.timeouts;
    let default = Timeouts::DEFAULT;
    for (name, timeout, limit_name, limit, default) in [
        (
            "connect",
            timeouts.connect,
            "connection_timeout",
            limits.connection_timeout,
            default.connect,
        ),
        (
            "keep_alive",
            timeouts.keep_alive,
            "keep_alive_timeout",
            limits.keep_alive_timeout,
            default.keep_alive,
        ),
    ] {
        let differs = timeout.is_some_and(|timeout| timeout != limit);
        if differs && Some(limit) != default {
            let limit = show_duration(limit);
            let message = format!("`connection_limits.{limit_name}` says {limit}");
            faults.push(&path::join("timeouts", name), message);
        }
    }
}

fn runtime(config: &GatewayConfig, faults: &mut Faults) {
    let runtime = &config.runtime;
    faults.range("runtime.buffers", runtime.buffers, limits::BUFFERS_COUNT);
    faults.range("runtime.buffer_size", runtime.buffer_size, limits::BUFFER_SIZE);
    faults.range("runtime.entries", runtime.entries, limits::ENTRIES_COUNT);
    let powers =
        [("runtime.buffers", u32::from(runtime.buffers)), ("runtime.entries", runtime.entries)];
    for (path, number) in powers {
        if number > 0 && !number.is_power_of_two() {
            let near = number.checked_next_power_of_two().unwrap_or(number);
            faults.push(path, format!("{number} is no power of two; {near} is the next"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_both_be_had() {
        for (one, two, want) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("127.0.0.1:80", "0.0.0.0:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "[::]:80", true),
            ("[::1]:80", "[::]:80", true),
            ("[::1]:80", "0.0.0.0:80", false),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("0.0.0.0:0", "0.0.0.0:0", false),
            ("unix:/a", "unix:/a", true),
            ("unix:/a", "unix:/b", false),
            ("unix:/a", "0.0.0.0:80", false),
        ] {
            let [a, b]: [ListenAddress; 2] = [one, two].map(|text| text.parse().expect(text));
            assert_eq!(is_taken(&a, &b), want, "{one} {two}");
            assert_eq!(is_taken(&b, &a), want, "{two} {one}");
        }
    }

    #[test]
    fn an_admin_for_others_is_warned_of() {
        let mut config = GatewayConfig::default();
        for (address, want) in [
            ("127.0.0.1:9901", false),
            ("127.1.2.3:9901", false),
            ("[::1]:9901", false),
            ("[::ffff:127.0.0.1]:9901", false),
            ("unix:/run/a", false),
            ("0.0.0.0:9901", true),
            ("[::]:9901", true),
            ("10.0.0.1:9901", true),
        ] {
            config.admin.address = address.parse().expect(address);
            assert_eq!(open_admin(&config).is_some(), want, "{address}");
        }
        config.admin.enabled = false;
        assert!(open_admin(&config).is_none());
    }
}
