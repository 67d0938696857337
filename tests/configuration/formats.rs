//! TOML, YAML and JSON say the same.

use super::{FULL, accept, places, refuse_as};
use frys_gateway::Gateway;
use frys_gateway::config::{Fault, Format, GatewayConfig};

/// The full configuration in JSON, which YAML reads too.
fn full_json() -> String {
    let value: toml::Value = toml::from_str(FULL).expect("TOML");
    serde_json::to_string_pretty(&value).expect("JSON")
}

fn read(text: &str, format: Format) -> GatewayConfig {
    match GatewayConfig::from_str(text, format, "file") {
        Ok(config) => config,
        Err(error) => panic!("refused:\n{error}"),
    }
}

#[test]
fn three_formats_are_one_configuration() {
    let json = full_json();
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let yaml = serde_saphyr::to_string(&value).expect("YAML");
    let want = accept(FULL);
    assert_eq!(read(&json, Format::Json), want);
    assert_eq!(read(&json, Format::Yaml), want);
    assert_eq!(read(&yaml, Format::Yaml), want, "{yaml}");
}

const YAML: &str = "\
listen_addr: 0.0.0.0:8080
drain_timeout: 30
routes:
  - path: /a
    upstreams:
      - url: http://a:1
        wieght: 2
    mirror: {}
";

const JSON: &str = r#"{
  "listen_addr": "0.0.0.0:8080",
  "drain_timeout": 30,
  "routes": [
    { "path": "/a",
      "upstreams": [{ "url": "http://a:1", "wieght": 2 }],
      "mirror": {} }
  ]
}"#;

#[test]
fn yaml_faults_have_places() {
    let want = ["2:16 drain_timeout", "7:9 routes[0].upstreams[0].wieght", "8:5 routes[0].mirror"];
    assert_eq!(places(&refuse_as(YAML, Format::Yaml)), want);
}

#[test]
fn json_faults_have_places() {
    let want = ["3:20 drain_timeout", "6:44 routes[0].upstreams[0].wieght", "7:7 routes[0].mirror"];
    assert_eq!(places(&refuse_as(JSON, Format::Json)), want);
}

#[test]
fn refuses_text_that_is_not_in_its_format() {
    for (text, format, line) in [
        ("listen_addr = \n", Format::Toml, 1),
        ("a = 1\nb = [1, 2\n", Format::Toml, 2),
        ("a: 1\nb: [1, 2\n", Format::Yaml, 2),
        ("{\n\"a\": 1,\n}", Format::Json, 3),
        ("{\n\"a\": \"\\ud800\"}", Format::Json, 2),
        ("", Format::Json, 1),
        ("[1] [2]", Format::Json, 1),
    ] {
        let faults = refuse_as(text, format);
        let location = faults[0].location.as_ref().expect("a place");
        assert!(location.line >= line, "{text:?}: {faults:?}");
    }
}

#[test]
fn refuses_a_key_that_stands_twice() {
    for (text, format, line) in [
        ("workers = 1\nworkers = 2\n", Format::Toml, 2),
        ("workers: 1\nworkers: 2\n", Format::Yaml, 2),
        ("{\"workers\": 1,\n \"workers\": 2}", Format::Json, 2),
        ("{\"limits\": {\"body\": 1,\n \"b\\u006fdy\": 2}}", Format::Json, 2),
    ] {
        let faults = refuse_as(text, format);
        let is_told = |fault: &Fault| fault.message.to_lowercase().contains("duplicate");
        assert!(is_told(&faults[0]), "{text:?}: {faults:?}");
        assert_eq!(faults[0].location.as_ref().map(|at| at.line), Some(line), "{text:?}");
        let related = faults[0].related.as_ref().and_then(|other| other.location.as_ref());
        assert_eq!(related.map(|at| at.line), Some(1), "{text:?}");
    }
}

/// What each fault underlines.
fn underlined(faults: &[Fault]) -> Vec<String> {
    let part = |fault: &Fault| {
        let at = fault.location.as_ref().expect("a place");
        let line = at.source_line.chars().skip(at.caret as usize).take(at.width as usize);
        line.collect::<String>()
    };
    faults.iter().map(part).collect()
}

#[test]
fn every_format_underlines_the_same() {
    let toml = "listen_addr = \"0.0.0.0:8080\"\ndrain_timeout = 30\n[[routes]]\npath = \"/ä\"\n\
                mirror = {}\nmethods = [\"get\", \"PUT\"]\n\
                upstreams = [{ url = \"ftp://a:1\", \"wieght\" = 2 }]\n";
    let yaml = "listen_addr: 0.0.0.0:8080\ndrain_timeout: 30\nroutes:\n  - path: \"/ä\"\n    \
                mirror: {}\n    methods: [\"get\", \"PUT\"]\n    upstreams:\n      \
                - { url: \"ftp://a:1\", \"wieght\": 2 }\n";
    let json = "{ \"listen_addr\": \"0.0.0.0:8080\", \"drain_timeout\": 30,\n\"routes\": [\n\
                { \"path\": \"/ä\", \"mirror\": {}, \"methods\": [\"get\", \"PUT\"],\n\
                \"upstreams\": [{ \"url\": \"ftp://a:1\", \"wieght\": 2 }] } ] }";
    let want = ["30", "mirror", "\"get\"", "\"ftp://a:1\"", "\"wieght\""];
    for (text, format) in [(toml, Format::Toml), (yaml, Format::Yaml), (json, Format::Json)] {
        let found = underlined(&refuse_as(text, format));
        let plain = |text: &String| text.trim_matches('"').to_owned();
        let found: Vec<String> = found.iter().map(plain).collect();
        let want: Vec<String> = want.iter().map(|text| plain(&(*text).to_owned())).collect();
        assert_eq!(found, want, "{format:?}");
    }
}

#[test]
fn faults_of_compiled_routes_are_underlined_in_every_format() {
    let toml = "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/a/{x\"\n\
                upstreams = [{ url = \"http://a:1\" }]\n";
    let value: toml::Value = toml::from_str(toml).expect("TOML");
    let json = serde_json::to_string(&value).expect("JSON");
    let yaml = serde_saphyr::to_string(&value).expect("YAML");
    for (text, format) in
        [(toml, Format::Toml), (json.as_str(), Format::Json), (yaml.as_str(), Format::Yaml)]
    {
        let error = Gateway::from_text(text, format, "file").expect_err("a wrong pattern");
        let found = underlined(&error.faults);
        assert_eq!(found.len(), 1, "{error}");
        assert_eq!(found[0].trim_matches('"'), "/a/{x", "{error}");
    }
}

#[test]
fn both_places_of_a_tie_are_shown() {
    let upstreams = "upstreams = [{ url = \"http://a:1\" }]";
    let text = format!(
        "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/a/{{x}}\"\n{upstreams}\n\
         [[routes]]\npath = \"/a/{{y}}\"\n{upstreams}\n"
    );
    let error = Gateway::from_text(&text, Format::Toml, "frys.toml").expect_err("a tie");
    let shown = error.to_string();
    for part in ["frys.toml:6:8: routes[1].path: ", "6 | path = \"/a/{y}\"\n    |        ^^^^^^^^"]
    {
        assert!(shown.contains(part), "{shown}");
    }
    let other = "\n  frys.toml:3:8: the route that it ties with\n  \
                 3 | path = \"/a/{x}\"\n    |        ^^^^^^^^";
    assert!(shown.ends_with(other), "{shown}");
}

#[test]
fn every_syntax_fault_of_toml_is_told() {
    let faults = refuse_as("a = \nb = 1\nc = ]\nb = 2\n", Format::Toml);
    let lines: Vec<u32> =
        faults.iter().filter_map(|fault| Some(fault.location.as_ref()?.line)).collect();
    assert!(lines.contains(&1) && lines.contains(&3) && lines.contains(&4), "{faults:?}");
}

#[test]
fn yaml_faults_speak_of_the_file() {
    for (text, want) in [
        ("workers: 1\nworkers: 2\n", "duplicate key `workers`"),
        ("workers: 1\n---\nworkers: 2\n", "a second document: a configuration is one"),
        ("? [a]\n: 3\n", "expected string scalar"),
    ] {
        assert_eq!(refuse_as(text, Format::Yaml)[0].message, want);
    }
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    let message = &refuse_as(&deep, Format::Yaml)[0].message;
    assert!(!message.contains("at line"), "{message}");
}

#[test]
fn a_configuration_on_one_line_has_places() {
    let json = JSON.replace('\n', " ");
    let columns: Vec<usize> =
        ["30,", "\"wieght", "\"mirror"].map(|text| json.find(text).expect("there") + 1).to_vec();
    let faults = refuse_as(&json, Format::Json);
    let found = faults.iter().map(|fault| fault.location.as_ref().map_or(0, |at| at.column));
    assert_eq!(found.map(|column| column as usize).collect::<Vec<_>>(), columns);
}

#[test]
fn an_empty_value_is_a_fault() {
    let faults = refuse_as(&YAML.replace("/a", ""), Format::Yaml);
    assert!(faults.iter().any(|fault| fault.path == "routes[0].path"), "{faults:?}");
    let faults = refuse_as("{\"workers\": null}", Format::Json);
    assert!(faults.iter().any(|fault| fault.path == "workers"), "{faults:?}");
}

#[test]
fn nesting_is_bounded() {
    for depth in [40, 1_000, 100_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        refuse_as(&format!("a = {open}{close}"), Format::Toml);
        refuse_as(&format!("a: {open}{close}"), Format::Yaml);
        refuse_as(&format!("{{\"a\": {open}{close}}}"), Format::Json);
        let dotted = vec!["a"; depth].join(".");
        refuse_as(&format!("{dotted} = 1"), Format::Toml);
        refuse_as(&"- ".repeat(depth), Format::Yaml);
    }
}

#[test]
fn aliases_are_shared_and_bounded() {
    let shared = "\
listen_addr: 0.0.0.0:8080
routes:
  - { path: /a, upstreams: &both [{ url: http://a:1 }, { url: http://b:1 }] }
  - { path: /b, upstreams: *both }
";
    let config = read(shared, Format::Yaml);
    assert_eq!(config.routes[0].upstreams, config.routes[1].upstreams);
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    refuse_as(&bomb, Format::Yaml);
}

#[test]
fn yaml_words_are_strings_unless_they_are_booleans() {
    let with = |value: &str| format!("metrics_enabled: {value}\n{YAML}");
    for value in ["yes", "on", "no", "y"] {
        let faults = refuse_as(&with(value), Format::Yaml);
        assert!(faults.iter().any(|fault| fault.path == "metrics_enabled"), "{value}");
    }
}
