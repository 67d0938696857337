//! A build without some of the Cargo features: what is left out is refused with the feature's name,
//! and all that is written about it stays. `.ci/run` runs this with the default features and with
//! none.

use frys_gateway::config::reference;
use frys_gateway::*;

/// A filter of each kind that needs a feature.
fn gated() -> [Middleware; 7] {
    [
        Middleware::RateLimit(RateLimitConfig::default()),
        Middleware::Auth(AuthConfig::default()),
        Middleware::ApiKey(ApiKeyConfig::default()),
        Middleware::BasicAuth(BasicAuthConfig::default()),
        Middleware::ForwardAuth(ForwardAuthConfig::default()),
        Middleware::Rbac(RbacConfig::default()),
        Middleware::ConcurrencyLimit(ConcurrencyLimitConfig::default()),
    ]
}

#[test]
fn every_kind_with_a_feature_is_tested_here() {
    let with_feature = MiddlewareKind::ALL.into_iter().filter(|kind| kind.feature().is_some());
    let mut tested: Vec<_> = gated().iter().filter_map(Middleware::kind).collect();
    tested.sort();
    assert_eq!(with_feature.collect::<Vec<_>>(), tested);
}

#[test]
fn what_the_build_has_not_is_refused_with_its_feature() {
    for filter in gated() {
        let kind = filter.kind().expect("it has one");
        let (name, feature) = (kind.name(), kind.feature().expect("it has one"));
        let is_built = cfg!(feature = "rate_limiting") && feature == "rate_limiting"
            || cfg!(feature = "authentication") && feature == "authentication"
            || cfg!(feature = "authorization") && feature == "authorization";
        assert_eq!(kind.is_built(), is_built, "{name}");
        let response = StaticResponse::default();
        let route = RouteBuilder::new("all").path("/*").respond(response).middleware(filter);
        let config = GatewayConfig {
            listen_addr: "127.0.0.1:0".parse().expect("an address"),
            routes: vec![route.build()],
            ..Default::default()
        };
        let refused =
            format!("`{name}` needs the feature `{feature}`, which this build was made without");
        let faults = Gateway::check(&config).err().map_or(Vec::new(), |error| error.faults);
        let found = faults.iter().find(|fault| fault.message == refused);
        assert_eq!(found.is_none(), is_built, "{name}: {faults:?}");
        if let Some(fault) = found {
            assert_eq!(fault.path, format!("routes[0].{name}"));
            assert_eq!(faults.len(), 1, "only this is said: {faults:?}");
        }
    }
}

#[test]
fn the_reference_is_the_same_in_every_build() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let document = std::fs::read_to_string(path).expect("it is there");
    assert!(document == reference(), "docs/configuration.md is not what this build says");
}
