//! What names an extension of the embedding program, and what it is told.

use super::Faults;
use serde_json::Value;

/// Any text names one: the program chose it.
pub(super) fn name(path: &str, found: &str, faults: &mut Faults) {
    if found.is_empty() {
        faults.push(path, "the name under which the program registered it");
    }
}

/// A file can write nothing but a table there; Rust can.
pub(super) fn settings(path: &str, found: &Value, faults: &mut Faults) {
    match found {
        Value::Null | Value::Object(_) => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            faults.push(path, "settings are a table: an object, or `null` for an empty one");
        }
    }
}
