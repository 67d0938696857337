//! A filter of the embedding program.

use serde_json::Value;

/// A filter of the embedding program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomConfig {
    /// The name under which the program registered it. Needed.
    pub filter: String,
    /// What it is told: an object, or `null` for an empty one. What may stand there is the filter's
    /// to say. Default empty.
    pub settings: Value,
}

impl CustomConfig {
    /// The filter of this name, without settings.
    pub fn new(filter: impl Into<String>) -> CustomConfig {
        CustomConfig { filter: filter.into(), settings: Value::Null }
    }
}
