//! `examples/custom_middleware.rs` does what it says.

#[path = "../../examples/custom_middleware.rs"]
#[allow(dead_code)] // Its `main` is called as a program.
mod custom_middleware;

use super::support::Serving;
use custom_middleware::{call, config, extensions, upstream};
use frys_gateway::{ConfigError, Gateway};
use serde_json::json;

#[test]
fn the_example_counts_on_over_a_reload() {
    let upstreams = [upstream().expect("a port"), upstream().expect("a port")];
    let with = |settings| config(&upstreams, settings).expect("a configuration");
    let serving = Serving::start(with(json!({ "refused": ["nobody"] })), extensions());
    let called = |caller: &str| call(serving.address, caller).expect("an answer");
    let answer = called("somebody");
    assert!(answer.contains("\r\nX-Audit-Number: 1\r\n"), "{answer}");
    assert!(answer.ends_with("the upstream was told X-Audit-Number: 1\n"), "{answer}");
    let answer = called("nobody");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.ends_with("not for this caller\n"), "{answer}");
    serving.replace(with(json!({ "field": "X-Number" })));
    let answer = called("nobody");
    assert!(answer.ends_with("the upstream was told X-Number: 3\n"), "{answer}");
}

#[test]
fn the_example_refuses_settings_that_are_wrong() {
    let upstreams = [upstream().expect("a port")];
    for settings in [json!({ "feild": "X-A" }), json!({ "field": "A" })] {
        let config = config(&upstreams, settings).expect("a configuration");
        let error = Gateway::checked_with(config, extensions()).expect_err("refused");
        let ConfigError { faults } = error;
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "routes[0].custom.settings");
    }
}
