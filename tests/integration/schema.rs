//! `frys schema` by Python's `jsonschema`: what the gateway takes validates, and what an editor
//! should underline does not.

use std::path::Path;
use std::process::Command;

use crate::support::gateway::FRYS;
use crate::support::{program, run};

/// A configuration with every table and key.
const FULL: &str = include_str!("../configuration/full.toml");

/// Prints a verdict for each document, `ok` or the place of the first error.
const SCRIPT: &str = "\
import json, sys
from jsonschema import Draft202012Validator as Validator
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
validator = Validator(schema)
for document in json.load(open(sys.argv[2])):
    error = next(validator.iter_errors(document), None)
    print('ok' if error is None else error.json_path)
";

/// What each document is found to be; `None` where there is no `jsonschema`.
fn verdicts(documents: &[serde_json::Value]) -> Option<Vec<String>> {
    let python = program("python3")?;
    let (status, _, _) = run(Command::new(&python).args(["-c", "import jsonschema"]));
    if status != Some(0) {
        assert!(std::env::var_os("CI").is_none(), "Python's jsonschema is missing");
        eprintln!("left out: Python's jsonschema is not installed");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let (status, schema, error) = run(Command::new(FRYS).arg("schema"));
    assert_eq!(status, Some(0), "{error}");
    std::fs::write(file("schema.json"), schema).expect("a file");
    let text = serde_json::to_string(documents).expect("JSON");
    std::fs::write(file("documents.json"), text).expect("a file");
    let arguments = [file("schema.json"), file("documents.json")];
    let (status, out, error) = run(Command::new(python).args(["-c", SCRIPT]).args(arguments));
    assert_eq!(status, Some(0), "{error}");
    Some(out.lines().map(str::to_owned).collect())
}

fn full() -> serde_json::Value {
    let value: toml::Value = toml::from_str(FULL).expect("TOML");
    serde_json::to_value(&value).expect("JSON")
}

/// The whole configurations that the documents show, and those of the examples.
fn shown() -> Vec<serde_json::Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for name in ["README.md", "docs/configuration.md"] {
        let text = std::fs::read_to_string(root.join(name)).expect("a document");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim() == "```toml" {
                let inside = lines.by_ref().take_while(|line| line.trim() != "```");
                let inside = inside.map(|line| format!("{line}\n")).collect::<String>();
                let value: toml::Value = toml::from_str(&inside).expect("TOML");
                found.push(serde_json::to_value(&value).expect("JSON"));
            }
        }
    }
    assert!(!found.is_empty(), "no example was found");
    found
}

#[test]
fn what_the_gateway_takes_validates() {
    let mut documents = shown();
    documents.push(full());
    let mut named = full();
    named["$schema"] = "./frys.schema.json".into();
    documents.push(named);
    let mut variables = full();
    for pointer in
        ["/listen_addr", "/drain_timeout", "/limits/body", "/path_policy/nul", "/routes/0/path"]
    {
        *variables.pointer_mut(pointer).expect("it is there") = "x${env.NAME}".into();
    }
    documents.push(variables);
    documents.push(serde_json::json!({ "include": ["conf.d/*.toml"] }));
    let clusters = full()["clusters"].clone();
    documents.push(serde_json::json!({ "clusters": clusters }));
    let Some(verdicts) = verdicts(&documents) else { return };
    for (document, verdict) in documents.iter().zip(&verdicts) {
        assert_eq!(verdict, "ok", "{document}");
    }
    assert_eq!(verdicts.len(), documents.len());
}

#[test]
fn what_the_gateway_refuses_does_not() {
    let changes: &[(&str, serde_json::Value)] = &[
        ("/wrokers", 2.into()),
        ("/workers", "many".into()),
        ("/drain_timeout", 30.into()),
        ("/drain_timeout", "30".into()),
        ("/drain_timeout", "0s".into()),
        ("/drain_timeout", "1s1m".into()),
        ("/drain_timeout", "${env.A-B}".into()),
        ("/env", serde_json::json!(["${env.NAME}"])),
        ("/limits/fields", 7.into()),
        ("/limits/feilds", 64.into()),
        ("/limits/body", "8KB".into()),
        ("/path_policy/nul", "decode".into()),
        ("/versions/api/from", serde_json::json!([])),
        ("/versions/api/known/1/sunset", "1.1.2027".into()),
        ("/clusters/api/load_balancer", "ip_hash".into()),
        ("/clusters/api/upstreams/0/url", "https://a".into()),
        ("/clusters/api/tls", serde_json::json!({})),
        ("/routes/0/path_regex", "^/x$".into()),
        ("/routes/0/upstreams", serde_json::json!([{ "url": "http://a" }])),
        ("/routes/0/methods/0", "get".into()),
        ("/routes/0/conditions", serde_json::json!([])),
        ("/routes/0/when", serde_json::json!({})),
        ("/routes/0/when", serde_json::json!({ "header": "a" })),
        ("/routes/0/when", serde_json::json!({ "exists": true })),
        ("/routes/0/when", serde_json::json!({ "header": "a", "exists": true, "equals": "b" })),
        ("/routes/0/when", serde_json::json!({ "header": "a", "query": "b", "exists": true })),
        ("/routes/0/when", serde_json::json!({ "scheme": "http", "exists": true })),
        ("/routes/0/when", serde_json::json!({ "not": { "sni": "a" } })),
        ("/routes/0/when", serde_json::json!({ "header": "a", "in": "b" })),
        ("/routes/0/redirect", serde_json::json!({ "to": "/" })),
        ("/routes/0/rewrite", serde_json::json!({ "regex": "a" })),
        ("/routes/0/rewrite", serde_json::json!({ "path": "/a", "add_prefix": "/b" })),
        ("/routes/0/request_headers", serde_json::json!({ "set": { "a b": "c" } })),
        ("/routes/0/priority", 1.5.into()),
        ("/routes", serde_json::json!([])),
    ];
    let documents: Vec<serde_json::Value> = changes
        .iter()
        .map(|(pointer, value)| {
            let mut document = full();
            let (table, key) = pointer.rsplit_once('/').expect("a pointer");
            let place = document.pointer_mut(table).expect("a place of the document");
            match place {
                serde_json::Value::Array(list) => {
                    list[key.parse::<usize>().expect("an index")] = value.clone();
                }
                place => place[key] = value.clone(),
            }
            document
        })
        .collect();
    let Some(verdicts) = verdicts(&documents) else { return };
    for ((pointer, value), verdict) in changes.iter().zip(&verdicts) {
        assert_ne!(verdict, "ok", "{pointer} = {value}");
    }
    assert_eq!(verdicts.len(), documents.len());
}
