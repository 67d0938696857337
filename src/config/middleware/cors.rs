//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::Method;
use std::time::Duration;

/// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
#[derive(Clone, Debug, PartialEq)]
pub struct CorsConfig {
    /// Origins whose pages may: `https://a.example`, `https://*.b.example` for one or more labels
    /// in front, `null` for pages without an origin of their own, or `*` for all. Compared as
    /// origins: without case, and with the scheme's own port where none is written.
    pub origins: Vec<String>,
    /// Regular expressions that match all of an origin, in lower case and without the scheme's own
    /// port.
    pub origin_regexes: Vec<String>,
    /// Methods that pages may use; `*` is the one that is asked for. Default GET, HEAD, POST, PUT,
    /// PATCH and DELETE: all that pages use, and the route takes those that it has.
    pub methods: Vec<Method>,
    /// Fields that pages may send beside those that every page may; `*`, the default, is those that
    /// are asked for: the list of origins says whom to trust.
    pub headers: Vec<String>,
    /// Fields of the answer that pages may read beside those that every page may; `*` is all of
    /// them. Default none.
    pub expose_headers: Vec<String>,
    /// Whether pages may send cookies and other credentials. Default `false`; never with `*` as an
    /// origin.
    pub credentials: bool,
    /// How long a browser may keep the answer to a preflight, in whole seconds. Default 10 min:
    /// most preflights are spared, and a change is seen within that.
    pub max_age: Duration,
    /// Whether pages of public addresses may ask for this route at a private one, where the browser
    /// asks for that. Default `false`.
    pub private_network: bool,
    /// Whether requests of pages of other origins are refused with 403. Default `false`: they are
    /// answered, and the browser keeps the answer from the page.
    pub reject: bool,
}

impl Default for CorsConfig {
    fn default() -> CorsConfig {
        let (get, head, post) = (Method::GET, Method::HEAD, Method::POST);
        CorsConfig {
            origins: Vec::new(),
            origin_regexes: Vec::new(),
            methods: vec![get, head, post, Method::PUT, Method::PATCH, Method::DELETE],
            headers: vec!["*".to_owned()],
            expose_headers: Vec::new(),
            credentials: false,
            max_age: Duration::from_mins(10),
            private_network: false,
            reject: false,
        }
    }
}
