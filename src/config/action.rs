//! What a route does with a request other than to name its upstreams.

use super::secret::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A cluster and its share of a route's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedCluster {
    /// The name of one of `GatewayConfig::clusters`.
    pub name: String,
    /// Its share, in proportion to the sum of all; 0 gets nothing.
    pub weight: u32,
}

/// An answer that sends the client elsewhere (RFC 9110 section 15.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The `Location`, a template.
    pub to: String,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

impl Default for Redirect {
    /// 302: not kept by clients, so that a mistake can be taken back.
    fn default() -> Redirect {
        Redirect { to: String::new(), status: 302 }
    }
}

/// An answer that is always the same but for the variables in its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticResponse {
    /// 200 to 599.
    pub status: u16,
    /// The body as text; this or `body_file`, or neither for none.
    pub body: Option<String>,
    /// A file that is read once, when the configuration is.
    pub body_file: Option<PathBuf>,
    /// `Content-Type`, where there is a body.
    pub content_type: String,
}

impl Default for StaticResponse {
    fn default() -> StaticResponse {
        StaticResponse {
            status: 200,
            body: None,
            body_file: None,
            content_type: "text/plain; charset=utf-8".to_owned(),
        }
    }
}

/// Answers from the files below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileServing {
    /// The folder. What a trailing `/*` of the route matched is looked for in it, or the whole
    /// path for other routes, after [`crate::config::Route::rewrite`] if there is one.
    pub root: PathBuf,
    /// Files that stand for their folder, the first that is there. Default `index.html`.
    pub index: Vec<String>,
    /// A file below `root` that is served where there is none, for pages that route themselves.
    pub fallback: Option<String>,
    /// `Cache-Control` of what is found.
    pub cache_control: Option<String>,
    /// Whether names that begin with a dot are served; `.well-known` always is.
    pub hidden: bool,
}

impl Default for FileServing {
    fn default() -> FileServing {
        FileServing {
            root: PathBuf::new(),
            index: vec!["index.html".to_owned()],
            fallback: None,
            cache_control: None,
            hidden: false,
        }
    }
}

/// Another path for the upstream. The query stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Takes whole segments off the front, and puts others there.
    Prefix {
        /// Left out when the path begins with it; otherwise the path stays.
        strip: String,
        /// Put in front of what is left.
        add: String,
    },
    /// Another path as a template, with the route's parameters as variables.
    Path(String),
    /// A regular expression over the canonical path; a path that it does not match stays.
    Regex {
        /// The expression.
        regex: String,
        /// What stands in place of the match: a template in which `$1` to `$9` and `$name` are
        /// the groups.
        with: String,
    },
}

/// Changes of a head's fields: removed first, then set, then appended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Fields that replace all of their name.
    pub set: BTreeMap<String, HeaderValue>,
    /// Fields that stand beside others of their name.
    pub append: BTreeMap<String, HeaderValue>,
    /// Names of fields that are left out.
    pub remove: Vec<String>,
}

impl HeaderEdits {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.append.is_empty() && self.remove.is_empty()
    }
}

/// What a field is set to; `"$client_ip".into()` makes a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// A text in which `$name` and `${name}` are variables.
    Template(String),
    /// A text as it is, which is never shown.
    Secret(Secret),
}

impl From<&str> for HeaderValue {
    fn from(template: &str) -> HeaderValue {
        HeaderValue::Template(template.to_owned())
    }
}

impl From<String> for HeaderValue {
    fn from(template: String) -> HeaderValue {
        HeaderValue::Template(template)
    }
}

impl From<Secret> for HeaderValue {
    fn from(secret: Secret) -> HeaderValue {
        HeaderValue::Secret(secret)
    }
}

/// Where a request's id is sent and taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestIdConfig {
    /// The field of the request, and of the answer where `respond` is set.
    pub header: String,
    /// Whether the id that a trusted proxy sent is kept.
    pub trust: bool,
    /// Whether the answer carries it too.
    pub respond: bool,
}

impl Default for RequestIdConfig {
    fn default() -> RequestIdConfig {
        RequestIdConfig { header: "X-Request-Id".to_owned(), trust: true, respond: false }
    }
}
