//! What a configuration says to an extension.

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// The table `settings` of a custom filter or balancer: whatever the file says there, as JSON
/// values. Without the key it is an empty table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    value: Arc<Value>,
}

impl Settings {
    /// Settings of these values; `null` is an empty table.
    pub fn new(value: Value) -> Settings {
        let value = if value.is_null() { Value::Object(serde_json::Map::new()) } else { value };
        Settings { value: Arc::new(value) }
    }

    /// The whole table.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What a key says; none where it is not there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }

    /// The table as a type that serde can read; with `#[serde(deny_unknown_fields)]` on it a key
    /// that is mistyped is told by its name.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(&*self.value).map_err(|error| error.to_string())
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::new(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        name: String,
        #[serde(default)]
        count: u32,
    }

    #[test]
    fn are_read_as_a_type() {
        let settings = Settings::new(json!({ "name": "a" }));
        assert_eq!(settings.read(), Ok(Wanted { name: "a".into(), count: 0 }));
        assert_eq!(settings.get("name"), Some(&json!("a")));
        assert_eq!(Settings::default().value(), &json!({}));
    }

    #[test]
    fn a_wrong_key_is_named() {
        let settings = Settings::new(json!({ "name": "a", "cuont": 1 }));
        let error = settings.read::<Wanted>().expect_err("refused");
        assert!(error.contains("`cuont`"), "{error}");
    }
}
