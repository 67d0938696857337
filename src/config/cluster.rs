//! Upstreams, and who of them gets a request.

use super::timeouts::Timeouts;
use super::url::UpstreamUrl;
use serde_json::Value;

use super::{CircuitBreakerConfig, HealthCheckConfig, RetryConfig};

/// One server, or one name of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where it is reached.
    pub url: UpstreamUrl,
    /// Its share of the requests, against the other weights of its group; 0 takes it out.
    /// Default 1; at most 1,000,000. The addresses of a name share it.
    pub weight: u32,
}

impl Upstream {
    /// An upstream of weight 1.
    pub fn new(url: UpstreamUrl) -> Upstream {
        Upstream { url, weight: 1 }
    }
}

impl From<UpstreamUrl> for Upstream {
    fn from(url: UpstreamUrl) -> Upstream {
        Upstream::new(url)
    }
}

/// How the upstream of a request is chosen. Those between the first two and the last are not built
/// in this version, and a configuration with one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadBalancerType {
    /// One after the other; weights must be equal, or 0. `round_robin` in a file.
    RoundRobin,
    /// By weight, smoothly: 5:1:1 is never five in a row. `weighted_round_robin` in a file. The
    /// default, because a weight that is written and not looked at would be a silent mistake; with
    /// equal weights it is round robin.
    #[default]
    WeightedRoundRobin,
    /// Fewest requests in flight.
    LeastLoaded,
    /// By the client's address.
    IpHash,
    /// By a key on a ring.
    ConsistentHash,
    /// By measured response time.
    LeastResponseTime,
    /// The embedding program's own. `{ custom = "NAME" }` in a file.
    Custom(CustomBalancer),
}

/// A load balancer of the embedding program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomBalancer {
    /// The name under which the program registered it. Needed.
    pub name: String,
    /// What it is told: an object, or `null` for an empty one. What may stand there is the
    /// balancer's to say. Default empty.
    pub settings: Value,
}

impl CustomBalancer {
    /// The balancer of this name, without settings.
    pub fn new(name: impl Into<String>) -> CustomBalancer {
        CustomBalancer { name: name.into(), settings: Value::Null }
    }
}

impl LoadBalancerType {
    /// All that are of the gateway itself, in the order of their documentation.
    pub const ALL: [LoadBalancerType; 6] = [
        LoadBalancerType::RoundRobin,
        LoadBalancerType::WeightedRoundRobin,
        LoadBalancerType::LeastLoaded,
        LoadBalancerType::IpHash,
        LoadBalancerType::ConsistentHash,
        LoadBalancerType::LeastResponseTime,
    ];

    /// The name in a file.
    pub fn name(&self) -> &'static str {
        match self {
            LoadBalancerType::RoundRobin => "round_robin",
            LoadBalancerType::WeightedRoundRobin => "weighted_round_robin",
            LoadBalancerType::LeastLoaded => "least_loaded",
            LoadBalancerType::IpHash => "ip_hash",
            LoadBalancerType::ConsistentHash => "consistent_hash",
            LoadBalancerType::LeastResponseTime => "least_response_time",
            LoadBalancerType::Custom(_) => "custom",
        }
    }

    /// Whether this version has it.
    pub fn is_built(&self) -> bool {
        match self {
            LoadBalancerType::RoundRobin
            | LoadBalancerType::WeightedRoundRobin
            | LoadBalancerType::Custom(_) => true,
            LoadBalancerType::LeastLoaded
            | LoadBalancerType::IpHash
            | LoadBalancerType::ConsistentHash
            | LoadBalancerType::LeastResponseTime => false,
        }
    }
}

/// A named group of upstreams that do the same job, shared by routes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterConfig {
    /// At least one.
    pub upstreams: Vec<Upstream>,
    /// Default `weighted_round_robin`.
    pub load_balancer: LoadBalancerType,
    /// Override the gateway's.
    pub timeouts: Timeouts,
    /// Connections to one upstream of the process, split evenly over its workers; `None` is
    /// `ConnectionLimits::max_connections_per_upstream`.
    pub max_connections: Option<u32>,
    /// Not built in this version.
    pub health_check: Option<HealthCheckConfig>,
    /// Not built in this version.
    pub circuit_breaker: Option<CircuitBreakerConfig>,
    /// Not built in this version.
    pub retry: Option<RetryConfig>,
}
