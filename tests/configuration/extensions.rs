//! Filters and balancers of an embedding program, as a file names them.

use super::{LEAST, accept, places, refuse};
use frys_gateway::config::{
    CustomBalancer, CustomConfig, Format, LoadBalancerType, Loaded, Middleware,
};
use serde_json::json;

/// The least of a file, with more keys in its route and more tables behind it.
fn with(keys: &str, tables: &str) -> String {
    LEAST.replace("path = \"/*\"", &format!("path = \"/*\", {keys}")) + tables
}

#[test]
fn reads_a_filter_with_any_settings() {
    let config = accept(&with(
        "custom = { filter = 'audit', settings = { a = 1, b = [true, { c = 1.5 }], d.e = 'f' } }",
        "\n[middlewares.custom.shared]\nfilter = 'other one'\n",
    ));
    let settings = json!({ "a": 1, "b": [true, { "c": 1.5 }], "d": { "e": "f" } });
    let want = CustomConfig { filter: "audit".into(), settings };
    assert_eq!(config.routes[0].middlewares, [Middleware::Custom(want)]);
    let want = Middleware::Custom(CustomConfig::new("other one"));
    assert_eq!(config.middlewares["custom.shared"], want);
}

#[test]
fn reads_a_balancer_beside_the_names_of_the_gateway_s() {
    let config = accept(&with("load_balancer = { custom = 'recent' }", ""));
    let want = LoadBalancerType::Custom(CustomBalancer::new("recent"));
    assert_eq!(config.routes[0].load_balancer, want);
    let config = accept(&with("load_balancer = { custom = 'recent', settings = { a = 1 } }", ""));
    let settings = json!({ "a": 1 });
    let want = LoadBalancerType::Custom(CustomBalancer { name: "recent".into(), settings });
    assert_eq!(config.routes[0].load_balancer, want);
    let config = accept(&with("load_balancer = 'weighted_round_robin'", ""));
    assert_eq!(config.routes[0].load_balancer, LoadBalancerType::WeightedRoundRobin);
}

#[test]
fn refuses_what_names_nobody_or_is_no_table() {
    for (keys, path, message) in [
        ("custom = {}", "routes[0].custom.filter", "`filter` is missing"),
        ("custom = { filter = '' }", "routes[0].custom.filter", "registered it"),
        ("custom = { filter = 1 }", "routes[0].custom.filter", "expected a string"),
        ("custom = { filter = 'a', settings = 1 }", "routes[0].custom.settings", "a table"),
        ("custom = { filter = 'a', settings = [] }", "routes[0].custom.settings", "a table"),
        (
            "custom = { filter = 'a', settings = { b = [1979-05-27] } }",
            "routes[0].custom.settings.b[0]",
            "a date cannot stand here: write it as a string",
        ),
        ("load_balancer = 'custom'", "routes[0].load_balancer", "write `{ custom = \"NAME\" }`"),
        ("load_balancer = {}", "routes[0].load_balancer.custom", "`custom` is missing"),
        ("load_balancer = { custom = '' }", "routes[0].load_balancer.custom", "registered it"),
    ] {
        let faults = refuse(&with(keys, ""));
        assert_eq!(faults.len(), 1, "{keys}: {faults:?}");
        assert_eq!(faults[0].path, path, "{keys}");
        assert!(faults[0].message.contains(message), "{keys}: {}", faults[0].message);
    }
    let faults = refuse(&with("custom = { filtre = 'a' }", ""));
    assert_eq!(faults[0].nearest.as_deref(), Some("filter"), "{:?}", places(&faults));
}

#[test]
fn settings_that_say_they_are_secret_are_shown_nowhere() {
    let text = with(
        "custom = { filter = 'a', settings = { api_token = 'one', keys = { password = ['two'] }, \
         shown = 'three' } }",
        "",
    );
    let loaded = Loaded::from_text(text, Format::Toml, "frys.toml").expect("it is right");
    let shown = loaded.document.to_json_masked();
    assert!(!shown.contains("one") && !shown.contains("two"), "{shown}");
    assert!(shown.contains("three"), "{shown}");
    let Middleware::Custom(custom) = &loaded.config.routes[0].middlewares[0] else {
        panic!("a custom one")
    };
    assert_eq!(custom.settings["api_token"], "one");
}
