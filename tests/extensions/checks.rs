//! What is refused before anything starts.

use super::support::*;
use frys_gateway::*;
use serde_json::{Value, json};
use std::rc::Rc;

struct Picky;

impl FilterFactory for Picky {
    fn check(&self, settings: &Settings) -> Result<(), String> {
        match settings.get("mood") {
            Some(Value::String(mood)) if mood == "good" => Ok(()),
            _ => Err("`mood` is not `good`".into()),
        }
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String> {
        Err("no test starts it".into())
    }
}

impl LoadBalancerFactory for Picky {
    fn check(&self, settings: &Settings) -> Result<(), String> {
        FilterFactory::check(self, settings)
    }

    fn build(&self, _: &BalancerContext<'_>) -> Result<Box<dyn LoadBalancer>, String> {
        Err("no test starts it".into())
    }
}

fn extensions() -> Extensions {
    Extensions::new().filter("picky", Picky).balancer("picker", Picky)
}

fn faults(
    config: &GatewayConfig,
    extensions: &Extensions,
) -> Vec<(String, String, Option<String>)> {
    let faults = match Gateway::check_with(config, extensions) {
        Ok(()) => Vec::new(),
        Err(ConfigError { faults }) => faults,
    };
    faults.into_iter().map(|fault| (fault.path, fault.message, fault.nearest)).collect()
}

fn filtered(filter: &str, settings: Value) -> GatewayConfig {
    config(vec![route("/*", ([127, 0, 0, 1], 1).into(), vec![custom(filter, settings)])])
}

#[test]
fn a_name_that_nobody_registered_is_told_with_the_nearest() {
    let found = faults(&filtered("pciky", json!({})), &extensions());
    let message = "this program has registered no filter `pciky`".to_owned();
    assert_eq!(found, [("routes[0].custom.filter".into(), message, Some("picky".into()))]);
}

#[test]
fn a_program_without_extensions_says_so() {
    let found = faults(&filtered("picky", json!({})), &Extensions::new());
    let message =
        "this program has no filter of its own: one that embeds the gateway registers them";
    assert_eq!(found, [("routes[0].custom.filter".to_owned(), message.to_owned(), None)]);
    let mut config = filtered("picky", json!({}));
    config.routes[0].middlewares.clear();
    config.routes[0].load_balancer = LoadBalancerType::Custom(CustomBalancer::new("picker"));
    let found = faults(&config, &Extensions::new());
    assert_eq!(found[0].0, "routes[0].load_balancer.custom");
    assert!(found[0].1.starts_with("this program has no balancer of its own"), "{}", found[0].1);
}

#[test]
fn settings_are_judged_by_their_factory() {
    let good = json!({ "mood": "good" });
    assert_eq!(faults(&filtered("picky", good.clone()), &extensions()), []);
    let message = "`mood` is not `good`".to_owned();
    let found = faults(&filtered("picky", json!({ "mood": "bad" })), &extensions());
    assert_eq!(found, [("routes[0].custom.settings".to_owned(), message.clone(), None)]);
    let mut config = filtered("picky", good);
    let name = "picker".to_owned();
    let balancer = CustomBalancer { name, settings: json!(null) };
    config.routes[0].load_balancer = LoadBalancerType::Custom(balancer);
    config.middlewares.insert("custom.shared".into(), custom("picky", json!({})));
    let found = faults(&config, &extensions());
    let found: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.contains(&"middlewares.custom.shared.settings"), "{found:?}");
    assert!(found.contains(&"routes[0].load_balancer.settings"), "{found:?}");
}

#[test]
fn settings_that_are_no_table_and_names_that_are_none_are_refused() {
    let found = faults(&filtered("", json!([1])), &extensions());
    let paths: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(paths, ["routes[0].custom.filter", "routes[0].custom.settings"]);
}

#[test]
fn a_file_s_faults_have_their_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frys.toml");
    let text = "listen_addr = \"127.0.0.1:0\"\n\
                [middlewares.custom.shared]\nfilter = \"picky\"\n\
                settings = { mood = \"bad\", when = 1979-05-27 }\n\
                [[routes]]\npath = \"/*\"\nmiddlewares = [\"custom.shared\"]\n\
                load_balancer = { custom = \"pickr\" }\n\
                upstreams = [{ url = \"http://127.0.0.1:1\" }]\n";
    let told = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        let error = Gateway::check_file_with(&path, &extensions()).expect_err("refused");
        let told = error.faults.into_iter().map(|fault| {
            let location = fault.location.expect("a place");
            (location.line, fault.path, fault.nearest)
        });
        told.collect::<Vec<_>>()
    };
    let balancer = "routes[0].load_balancer.custom".to_owned();
    let balancer = |line| (line, balancer.clone(), Some("picker".to_owned()));
    let date = (4, "middlewares.custom.shared.settings.when".to_owned(), None);
    assert_eq!(told(text), [date, balancer(8)]);
    let text = text.replace(", when = 1979-05-27", "");
    let mood = (4, "middlewares.custom.shared.settings".to_owned(), None);
    assert_eq!(told(&text), [mood, balancer(8)]);
}
