//! The root and the tables that stand once.

use super::super::node::{Node, Value};
use super::super::sections;
use super::super::{
    AccessLogConfig, AccessLogFormat, AccessLogOutput, AdminConfig, ConnectionLimits,
    GatewayConfig, Limits, ListenAddress, ListenerConfig, MetricsConfig, PoolConfig, RuntimeConfig,
    Timeouts, Workers,
};
use super::{Decoder, Fields, action, cluster, middleware, policy, reload, route, values, version};
use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) fn root(decoder: &mut Decoder, node: &Node, config: &mut GatewayConfig) {
    let Some(fields) = Fields::of(decoder, node, &sections::ROOT) else { return };
    let d = decoder;
    fields.ignore(d, "$schema", values::text);
    fields.set(d, "listen_addr", &mut config.listen_addr, values::parsed);
    fields.set(d, "listeners", &mut config.listeners, values::list(listener));
    fields.set(d, "workers", &mut config.workers, workers);
    fields.set(d, "drain_timeout", &mut config.drain_timeout, values::duration);
    fields.set(d, "trusted_proxies", &mut config.trusted_proxies, values::list(values::network));
    fields.set(d, "metrics_enabled", &mut config.metrics_enabled, values::boolean);
    fields.set(d, "tracing_enabled", &mut config.tracing_enabled, values::boolean);
    fields.set(d, "connection_limits", &mut config.connection_limits, connection_limits);
    fields.set(d, "limits", &mut config.limits, limits);
    fields.set(d, "timeouts", &mut config.timeouts, timeouts);
    fields.set(d, "pool", &mut config.pool, pool);
    fields.set(d, "runtime", &mut config.runtime, runtime);
    fields.set(d, "admin", &mut config.admin, admin);
    fields.set(d, "metrics", &mut config.metrics, metrics);
    fields.set_some(d, "access_log", &mut config.access_log, access_log);
    fields.set(d, "reload", &mut config.reload, reload::table);
    fields.set(d, "path_policy", &mut config.path_policy, policy::gateway);
    fields.set_some(d, "request_id", &mut config.request_id, action::request_id);
    fields.set(d, "versions", &mut config.versions, version::groups);
    fields.set(d, "middlewares", &mut config.middlewares, middleware::named);
    fields.set(d, "clusters", &mut config.clusters, cluster::clusters);
    fields.set(d, "routes", &mut config.routes, values::list(route::route));
}

/// One that is wrong keeps its place in the list; port 0 is never the same as another's.
fn listener(decoder: &mut Decoder, node: &Node) -> Option<ListenerConfig> {
    let nowhere = ListenAddress::Tcp(SocketAddr::from(([0, 0, 0, 0], 0)));
    let fields = Fields::of(decoder, node, &sections::LISTENER);
    let address = fields.and_then(|fields| fields.require(decoder, "address", values::parsed));
    Some(ListenerConfig { address: address.unwrap_or(nowhere) })
}

fn workers(decoder: &mut Decoder, node: &Node) -> Option<Workers> {
    match &node.value {
        Value::Text(text) if text == "auto" => Some(Workers::Auto),
        Value::Integer(_) => {
            values::number(1..=crate::limits::WORKERS_COUNT_MAX)(decoder, node).map(Workers::Count)
        }
        Value::List(_) => {
            let core = |decoder: &mut Decoder, node: &Node| {
                values::number(0..=crate::limits::CORE_INDEX_MAX)(decoder, node)
            };
            values::list(core)(decoder, node).map(Workers::Cores)
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Table(_)
        | Value::Other(_) => {
            decoder.unexpected(node, "`\"auto\"`, a number, or a list of cores");
            None
        }
    }
}

fn connection_limits(d: &mut Decoder, node: &Node) -> Option<ConnectionLimits> {
    let fields = Fields::of(d, node, &sections::CONNECTION_LIMITS)?;
    let mut limits = ConnectionLimits::default();
    let count = || values::number(1..=crate::limits::CONNECTIONS_COUNT_MAX);
    fields.set(d, "max_connections", &mut limits.max_connections, count());
    let per_upstream = &mut limits.max_connections_per_upstream;
    fields.set(d, "max_connections_per_upstream", per_upstream, count());
    fields.set(d, "connection_timeout", &mut limits.connection_timeout, values::timeout);
    fields.set(d, "keep_alive_timeout", &mut limits.keep_alive_timeout, values::timeout);
    let requests = &mut limits.requests_per_connection;
    fields.set(d, "requests_per_connection", requests, values::count_or_unlimited);
    let pipelined = values::number(0..=crate::limits::PIPELINED_COUNT_MAX);
    fields.set(d, "pipelined_requests", &mut limits.pipelined_requests, pipelined);
    Some(limits)
}

fn limits(d: &mut Decoder, node: &Node) -> Option<Limits> {
    use crate::limits as bounds;
    let fields = Fields::of(d, node, &sections::LIMITS)?;
    let mut limits = Limits::default();
    fields.set(d, "request_line", &mut limits.request_line, values::size(bounds::REQUEST_LINE));
    fields.set(d, "fields", &mut limits.fields, values::number(bounds::FIELDS_COUNT));
    fields.set(d, "fields_size", &mut limits.fields_size, values::size(bounds::FIELDS_SIZE));
    let mut body = None;
    fields.set_some(d, "body", &mut body, values::size_or_unlimited);
    limits.body = body.filter(|bytes| *bytes != Limits::UNLIMITED);
    let extension = values::size(bounds::CHUNK_EXTENSION);
    fields.set(d, "chunk_extension", &mut limits.chunk_extension, extension);
    fields.set(d, "trailers", &mut limits.trailers, values::size(bounds::TRAILERS));
    Some(limits)
}

fn timeouts(d: &mut Decoder, node: &Node) -> Option<Timeouts> {
    let fields = Fields::of(d, node, &sections::TIMEOUTS)?;
    let mut timeouts = Timeouts::default();
    fields.set_some(d, "client_header", &mut timeouts.client_header, values::timeout);
    fields.set_some(d, "keep_alive", &mut timeouts.keep_alive, values::timeout);
    cluster::overriding_timeouts(d, &fields, &mut timeouts);
    Some(timeouts)
}

fn pool(d: &mut Decoder, node: &Node) -> Option<PoolConfig> {
    let fields = Fields::of(d, node, &sections::POOL)?;
    let mut pool = PoolConfig::default();
    let idle = values::number(0..=crate::limits::CONNECTIONS_COUNT_MAX);
    fields.set(d, "idle_connections", &mut pool.idle_connections, idle);
    fields.set(d, "idle_timeout", &mut pool.idle_timeout, values::duration);
    Some(pool)
}

fn runtime(d: &mut Decoder, node: &Node) -> Option<RuntimeConfig> {
    use crate::limits as bounds;
    let fields = Fields::of(d, node, &sections::RUNTIME)?;
    let mut runtime = RuntimeConfig::default();
    fields.set(d, "buffers", &mut runtime.buffers, values::number(bounds::BUFFERS_COUNT));
    fields.set(d, "buffer_size", &mut runtime.buffer_size, values::size(bounds::BUFFER_SIZE));
    fields.set(d, "entries", &mut runtime.entries, values::number(bounds::ENTRIES_COUNT));
    Some(runtime)
}

fn admin(d: &mut Decoder, node: &Node) -> Option<AdminConfig> {
    let fields = Fields::of(d, node, &sections::ADMIN)?;
    let mut admin = AdminConfig::default();
    fields.set(d, "enabled", &mut admin.enabled, values::boolean);
    fields.set(d, "address", &mut admin.address, values::parsed);
    let recent = values::number(0..=crate::limits::RECENT_COUNT_MAX);
    fields.set(d, "recent_requests", &mut admin.recent_requests, recent);
    Some(admin)
}

fn metrics(d: &mut Decoder, node: &Node) -> Option<MetricsConfig> {
    let fields = Fields::of(d, node, &sections::METRICS)?;
    let mut metrics = MetricsConfig::default();
    fields.set(d, "enabled", &mut metrics.enabled, values::boolean);
    fields.set(d, "path", &mut metrics.path, values::text);
    fields.set(d, "prometheus_enabled", &mut metrics.prometheus_enabled, values::boolean);
    Some(metrics)
}

fn access_log(d: &mut Decoder, node: &Node) -> Option<AccessLogConfig> {
    let fields = Fields::of(d, node, &sections::ACCESS_LOG)?;
    let mut log = AccessLogConfig::default();
    fields.set(d, "output", &mut log.output, |d, node| {
        Some(match values::text(d, node)?.as_str() {
            "stdout" => AccessLogOutput::Stdout,
            path => AccessLogOutput::File(PathBuf::from(path)),
        })
    });
    fields.set(d, "format", &mut log.format, |d, node| {
        Some(match values::text(d, node)?.as_str() {
            "json" => AccessLogFormat::Json,
            text => AccessLogFormat::Text(text.into()),
        })
    });
    Some(log)
}
