//! The tables of keys as a JSON Schema, with which an editor completes and checks a file.

use super::draft::Literal;
use super::keys::{Choice, Key, Section};
use super::kind::{Form, Kind};
use super::reference;
use super::sections;
use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of a configuration file: what `frys schema` prints.
///
/// It is made from the tables that the reader itself goes by. What it takes may still be refused by
/// `frys check`, which knows also what one key means for another. At the top level no key must be
/// there: a file may include what has it, or be included.
pub fn schema() -> String {
    let mut root = object(&sections::ROOT);
    let others = sections::ALL.iter().copied().filter(|section| !is_root(section));
    let definitions: Map<String, Value> =
        others.map(|section| (name(section), object(section).into())).collect();
    root.insert("$schema".into(), DRAFT.into());
    root.insert("$id".into(), IDENTIFIER.into());
    root.insert("title".into(), "Frys Gateway".into());
    root.insert("description".into(), "The configuration of a Frys Gateway.".into());
    root.insert("$defs".into(), definitions.into());
    let mut text = serde_json::to_string_pretty(&root).expect("its keys are strings");
    text.push('\n');
    text
}

fn is_root(section: &Section) -> bool {
    std::ptr::eq(section, &sections::ROOT)
}

/// `routes.upstreams` of `[[routes.upstreams]], [[clusters.NAME.upstreams]]`.
fn name(section: &Section) -> String {
    let first = section.title.split(", ").next().unwrap_or(section.title);
    first.replace(['[', ']'], "")
}

fn object(section: &Section) -> Map<String, Value> {
    let properties: Map<String, Value> =
        section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let is_whole = !is_root(section);
    let needed = section.keys.iter().filter(|key| is_whole && key.default.is_empty());
    let needed: Vec<&str> = needed.map(|key| key.name).collect();
    let mut object = Map::new();
    object.insert("title".into(), section.title.into());
    object.insert("description".into(), section.text.into());
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    object.insert("additionalProperties".into(), false.into());
    if !needed.is_empty() {
        object.insert("required".into(), needed.into());
    }
    let choices = section.choices.iter().filter(|choice| is_whole || !choice.is_needed());
    let rules: Vec<Value> = choices.flat_map(rules).collect();
    if !rules.is_empty() {
        object.insert("allOf".into(), rules.into());
    }
    object
}

fn property(key: &Key) -> Value {
    let mut schema = of_kind(&key.kind);
    let mut text = key.text.to_owned();
    match reference::value(key) {
        Some(default) => {
            let literal = Literal::parse(default).to_toml();
            let default = serde_json::from_str(&literal).expect("a literal is JSON too");
            schema.insert("default".into(), default);
        }
        None if key.default.is_empty() || key.default == "[none]" => {}
        None => {
            let words = key.default.trim_matches(['[', ']']);
            text.push_str(&format!(" Default: {words}."));
        }
    }
    let is_list = matches!(key.kind, Kind::List { .. });
    if is_list && key.default.is_empty() {
        schema.insert("minItems".into(), 1.into());
    }
    schema.insert("description".into(), text.into());
    schema.into()
}

fn of_kind(kind: &Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Text(form) if *form == Form::VARIABLE => return of_form(*form),
        Kind::Text(form) => return text(form.pattern),
        Kind::OneOf(words) => json!({
            "type": "string",
            "anyOf": [{ "enum": words }, { "pattern": VARIABLE }],
        }),
        Kind::Number { low, high } => {
            let mut schema = json!({ "type": "integer", "minimum": low });
            if *high != i64::MAX {
                schema["maximum"] = (*high).into();
            }
            schema
        }
        Kind::Free => json!({ "type": "object" }),
        Kind::Decimal => json!({ "type": "number" }),
        Kind::Duration => return text(DURATION),
        Kind::Size { .. } => return text(SIZE),
        Kind::List { of, most } => {
            let mut schema = json!({ "type": "array", "items": of_kind(of) });
            if *most != usize::MAX {
                schema["maxItems"] = (*most).into();
            }
            schema
        }
        Kind::Table(section) => json!({ "$ref": format!("#/$defs/{}", name(section)) }),
        Kind::Named { of, name } => json!({
            "type": "object",
            "propertyNames": of_form(*name),
            "additionalProperties": of_kind(of),
        }),
        Kind::Either(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(|kind| of_kind(kind).into()).collect();
            json!({ "anyOf": kinds })
        }
    };
    match schema {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("every arm makes an object")
        }
    }
}

/// A string of a pattern, or with a variable in it, of which only the gateway knows what it is.
fn text(pattern: &str) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".into(), "string".into());
    if !pattern.is_empty() {
        schema.insert("pattern".into(), format!("{pattern}|{VARIABLE}").into());
    }
    schema
}

/// A string in which no variable is replaced: a key, or a variable's own name.
fn of_form(form: Form) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".into(), "string".into());
    if !form.pattern.is_empty() {
        schema.insert("pattern".into(), form.pattern.into());
    }
    schema
}

/// What must hold of the presence of keys.
fn rules(choice: &Choice) -> Vec<Value> {
    let has = |key: &&str| json!({ "required": [key] });
    let each = |keys: &[&str]| -> Vec<Value> { keys.iter().map(has).collect() };
    match choice {
        Choice::ExactlyOne(keys) => vec![json!({ "oneOf": each(keys) })],
        Choice::AtLeastOne(keys) => vec![json!({ "anyOf": each(keys) })],
        Choice::AtMostOne(keys) => {
            let pairs = keys.iter().enumerate().flat_map(|(index, second)| {
                let before = keys.iter().take(index);
                before.map(move |first| json!({ "not": { "required": [first, second] } }))
            });
            pairs.collect()
        }
        Choice::With(first, others) => vec![json!({
            "if": { "anyOf": each(first) },
            "then": { "oneOf": each(others) },
            "else": { "not": { "anyOf": each(others) } },
        })],
    }
}

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

const IDENTIFIER: &str = "urn:frys-gateway:configuration";

/// The larger unit first, each once, and not zero.
const DURATION: &str = "^(?=.*[1-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?([0-9]+us)?$";

const SIZE: &str = "^[0-9]+ *(B|KiB|MiB|GiB)$";

const VARIABLE: &str = r"\$\{env\.[A-Za-z_][A-Za-z0-9_]*\}";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn parsed() -> Value {
        serde_json::from_str(&schema()).expect("JSON")
    }

    fn definition<'s>(schema: &'s Value, section: &Section) -> &'s Value {
        if is_root(section) { schema } else { &schema["$defs"][name(section)] }
    }

    #[test]
    fn every_key_of_every_table_is_in_it() {
        let schema = parsed();
        for section in sections::ALL.iter().copied() {
            let definition = definition(&schema, section);
            let properties = definition["properties"].as_object().expect("properties");
            assert_eq!(properties.len(), section.keys.len(), "{}", section.title);
            for key in section.keys {
                let text = properties[key.name]["description"].as_str().expect("a description");
                assert!(text.starts_with(key.text), "{} {}", section.title, key.name);
            }
            for later in section.later {
                assert!(!properties.contains_key(*later), "{} {later}", section.title);
            }
            assert_eq!(definition["additionalProperties"], false, "{}", section.title);
        }
    }

    /// What the references below a part of it name.
    fn references(part: &Value, found: &mut BTreeSet<String>) {
        match part {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|part| references(part, found));
            }
            Value::Array(parts) => parts.iter().for_each(|part| references(part, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_table_is_referred_to_and_every_reference_leads_to_one() {
        let schema = parsed();
        let mut found = BTreeSet::new();
        references(&schema, &mut found);
        let names = sections::ALL.iter().copied().filter(|section| !is_root(section)).map(name);
        let want: BTreeSet<String> = names.map(|name| format!("#/$defs/{name}")).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn choices_name_keys_of_their_table() {
        for section in sections::ALL.iter().copied() {
            for choice in section.choices {
                let keys: Vec<&str> = match choice {
                    Choice::ExactlyOne(keys)
                    | Choice::AtMostOne(keys)
                    | Choice::AtLeastOne(keys) => keys.to_vec(),
                    Choice::With(first, others) => [*first, *others].concat(),
                };
                for key in keys {
                    assert!(section.has(key), "{} {key}", section.title);
                }
            }
        }
    }

    #[test]
    fn defaults_and_needs_are_said() {
        let schema = parsed();
        assert_eq!(schema["required"], Value::Null);
        assert_eq!(schema["allOf"], Value::Null);
        assert_eq!(schema["$defs"]["listeners"]["required"], json!(["address"]));
        assert_eq!(schema["properties"]["workers"]["default"], "auto");
        assert_eq!(schema["$defs"]["limits"]["properties"]["fields"]["default"], 100);
        let index = &schema["$defs"]["routes.files"]["properties"]["index"];
        assert_eq!(index["default"], json!(["index.html"]));
        let id = schema["$defs"]["routes"]["properties"]["id"]["description"].as_str();
        assert!(id.is_some_and(|text| text.ends_with(" Default: methods, host and path.")));
    }
}
