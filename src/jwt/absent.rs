//! JSON Web Tokens in a build without the feature `authentication`: there are no keys.

/// Keys that were fetched together: never.
#[derive(Clone, Debug)]
pub enum KeySet {}

/// Where keys are fetched: nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeySource {}
