//! Versions of an interface as routes tell them apart.

use std::collections::BTreeMap;

/// A group of versions: how a request says which it wants, and what becomes of old ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionGroup {
    /// Where a request says its version, in the order in which the places are looked at.
    pub from: Vec<VersionSource>,
    /// The version of requests that say none; without it they match no route of the group.
    pub default: Option<String>,
    /// The versions there are, by name.
    pub known: BTreeMap<String, VersionLife>,
}

/// A place where a request says its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionSource {
    /// A path parameter of this name.
    Path(String),
    /// A field of this name.
    Header(String),
    /// A parameter of this name of a media type in `Accept`.
    MediaType(String),
    /// A query parameter of this name.
    Query(String),
}

/// How long a version lives. Dates are days of UTC, `2027-01-31`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionLife {
    /// Since when it is deprecated: `Deprecation` (RFC 9745).
    pub deprecated: Option<String>,
    /// When it ends: `Sunset` (RFC 8594).
    pub sunset: Option<String>,
    /// Where the reasons are written: `Link` with `rel="deprecation"` or `rel="sunset"`.
    pub link: Option<String>,
    /// What becomes of requests after `sunset`.
    pub after_sunset: AfterSunset,
}

/// What becomes of requests for a version whose sunset is past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterSunset {
    /// They are served: the date is a promise not to rely on it, not a switch.
    #[default]
    Serve,
    /// They are answered 410.
    Gone,
}

/// The version that a route serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteVersion {
    /// The name of one of `GatewayConfig::versions`.
    pub group: String,
    /// One of its versions.
    pub is: String,
}
