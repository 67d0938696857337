//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::Place;
use crate::config::{CorsConfig, Fault};
use crate::http::field::{FieldId, FieldNames, FieldSet};
use crate::http::head::{RequestHead, list};
use crate::http::method::Method;
use crate::http::origin::{Origin, Pattern, only};
use crate::limits;
use crate::snapshot::template::is_token;
use regex_automata::meta::{self, Cache, Regex};
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, Look};
use std::fmt;

/// Which pages of other origins may read the answers (Fetch standard, CORS protocol).
#[derive(Debug)]
pub struct Cors {
    origins: Origins,
    /// None: the one that is asked for.
    methods: Option<Box<[Method]>>,
    /// None: those that are asked for.
    headers: Option<FieldNames>,
    /// Requests of pages of other origins are refused.
    pub rejects: bool,
    private_network: bool,
    lines: Lines,
}

/// Lines that are known beforehand, each with its CRLF.
#[derive(Debug)]
struct Lines {
    /// Of every answer, whoever asks.
    always: Box<[u8]>,
    /// Of answers to pages that may read them, beside the origin.
    allowed: Box<[u8]>,
    /// Of answers to preflights of such pages.
    preflight: Box<[u8]>,
}

/// Whose pages may.
struct Origins {
    any: bool,
    null: bool,
    /// As [`Origin::as_bytes`] has them, sorted.
    exact: Box<[Box<[u8]>]>,
    parents: Box<[Origin]>,
    expressions: Option<Regex>,
}

impl fmt::Debug for Origins {
    /// Without the expressions' program, which has pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origins { any, null, exact, parents, expressions } = self;
        write!(
            f,
            "Origins(any: {any}, null: {null}, {} exact, {} with stars, expressions: {})",
            exact.len(),
            parents.len(),
            expressions.is_some()
        )
    }
}

/// The memory that matching expressions takes, for one worker.
#[derive(Debug, Default)]
pub struct CorsCache(Option<Box<Cache>>);

/// What is known of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// No page, or one of the route's own origin.
    Own,
    /// A page that may; its origin as it was sent.
    Allowed(&'a [u8]),
    /// A page that may not.
    Denied,
}

/// Fields of answers that the gateway writes in the upstream's place.
const ANSWERED: FieldSet = FieldSet::of(&[
    FieldId::AccessControlAllowCredentials,
    FieldId::AccessControlAllowHeaders,
    FieldId::AccessControlAllowMethods,
    FieldId::AccessControlAllowOrigin,
    FieldId::AccessControlExposeHeaders,
    FieldId::AccessControlMaxAge,
]);

impl Cors {
    /// Fields that an upstream's answer loses, so that none stands there twice.
    pub const REMOVED: FieldSet = ANSWERED;

    /// All fields that [`Cors::write`] may write.
    pub const WRITTEN: FieldSet = ANSWERED.with(FieldId::Vary);

    /// One more, whose name has no number (Private Network Access, section 3.1.1).
    pub const REMOVED_TOO: &[u8] = b"access-control-allow-private-network";

    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &CorsConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Cors> {
        let mut fault = |key: String, message: String| {
            faults.push(Fault::new(format!("{}.{key}", place.path), message));
        };
        let expressions = match expressions(&config.origin_regexes) {
            Ok(expressions) => expressions,
            Err((key, message)) => {
                fault(key, message);
                return None;
            }
        };
        if config.credentials && expressions.as_ref().is_some_and(takes_strangers) {
            let message = "they match origins that anybody can have, and with `credentials` every \
                           such page would act in its reader's name";
            fault("origin_regexes".into(), message.into());
        }
        let patterns: Vec<Pattern> =
            config.origins.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
        let mut exact = Vec::new();
        let mut parents = Vec::new();
        for pattern in &patterns {
            match pattern {
                Pattern::Any | Pattern::Null => {}
                Pattern::Exact(origin) => exact.push(Box::from(origin.as_bytes())),
                Pattern::Below(parent) => parents.push(parent.clone()),
            }
        }
        exact.sort_unstable();
        let origins = Origins {
            any: patterns.contains(&Pattern::Any),
            null: patterns.contains(&Pattern::Null),
            exact: exact.into(),
            parents: parents.into(),
            expressions,
        };
        let methods = &config.methods;
        let takes_any = methods.iter().any(|method| method.as_str() == "*");
        let headers = (!config.headers.iter().any(|name| name == "*")).then(|| {
            let mut names = FieldNames::default();
            config.headers.iter().for_each(|name| names.insert(name));
            names
        });
        let lines = Lines::new(config, origins.any, takes_any);
        Some(Cors {
            origins,
            methods: (!takes_any).then(|| methods.clone().into()),
            headers,
            rejects: config.reject,
            private_network: config.private_network,
            lines,
        })
    }

    /// Who asks.
    pub fn judge<'a>(&self, request: RequestHead<'a>, cache: &mut CorsCache) -> Asker<'a> {
        if !request.known().contains(FieldId::Origin) {
            return Asker::Own;
        }
        // More than one was not sent by a browser, and whose it is nobody knows.
        let Some(sent) = only(request, FieldId::Origin) else { return Asker::Denied };
        if self.origins.any || self.origins.has(sent) {
            return Asker::Allowed(sent);
        }
        if sent == b"null" {
            return if self.origins.null { Asker::Allowed(sent) } else { Asker::Denied };
        }
        let Some(origin) = Origin::parse(sent) else { return Asker::Denied };
        if self.origins.takes(&origin, cache) {
            return Asker::Allowed(sent);
        }
        match request.authority() {
            Some(authority) if origin.is_of(authority) => Asker::Own,
            Some(_) | None => Asker::Denied,
        }
    }

    /// Whether a preflight asks for what the page may.
    pub fn takes(&self, request: RequestHead<'_>, method: Method) -> bool {
        let has_method = self.methods.as_ref().is_none_or(|methods| methods.contains(&method));
        let mut asked = request.all(FieldId::AccessControlRequestHeaders).flat_map(list);
        let has_name = |name: &[u8]| match &self.headers {
            None => name.iter().copied().all(is_token),
            Some(names) => names.contains(name) || SAFELISTED.contains(FieldId::of(name)),
        };
        has_method && asked.all(has_name)
    }

    /// Appends the lines of an answer.
    pub fn write(&self, asker: Asker<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lines.always);
        match asker {
            Asker::Own | Asker::Denied => {}
            Asker::Allowed(origin) => {
                if !self.origins.any {
                    out.extend_from_slice(b"Access-Control-Allow-Origin: ");
                    out.extend_from_slice(origin);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(&self.lines.allowed);
            }
        }
    }

    /// Appends the lines of the answer to a preflight.
    pub fn write_preflight(&self, asker: Asker<'_>, request: RequestHead<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFLIGHT_VARY);
        let Asker::Allowed(origin) = asker else { return };
        out.extend_from_slice(b"Access-Control-Allow-Origin: ");
        out.extend_from_slice(if self.origins.any { b"*" } else { origin });
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.lines.preflight);
        if self.methods.is_none()
            && let Some(method) = only(request, FieldId::AccessControlRequestMethod)
        {
            out.extend_from_slice(b"Access-Control-Allow-Methods: ");
            out.extend_from_slice(method);
            out.extend_from_slice(b"\r\n");
        }
        if self.headers.is_none() {
            asked_headers(request, out);
        }
        if self.private_network && asks_private_network(request) {
            out.extend_from_slice(b"Access-Control-Allow-Private-Network: true\r\n");
        }
    }
}

/// Fields that every page may send, within bounds that the browser knows (Fetch standard,
/// CORS-safelisted request-header).
const SAFELISTED: FieldSet =
    FieldSet::of(&[FieldId::Accept, FieldId::AcceptLanguage, FieldId::ContentLanguage]);

/// A cache must know what the answer to a preflight was chosen by.
const PREFLIGHT_VARY: &[u8] =
    b"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";

/// Allows the names of fields that are asked for.
fn asked_headers(request: RequestHead<'_>, out: &mut Vec<u8>) {
    for value in request.all(FieldId::AccessControlRequestHeaders) {
        // What is no list of names is not given back.
        if !value.is_empty() && list(value).all(|name| name.iter().copied().all(is_token)) {
            out.extend_from_slice(b"Access-Control-Allow-Headers: ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Private Network Access, section 3.1.
fn asks_private_network(request: RequestHead<'_>) -> bool {
    const NAME: &[u8] = b"access-control-request-private-network";
    request.fields().any(|field| field.value == b"true" && field.name.eq_ignore_ascii_case(NAME))
}

impl Lines {
    fn new(config: &CorsConfig, any: bool, takes_any_method: bool) -> Lines {
        let line = |name: &str, value: &str| format!("{name}: {value}\r\n");
        let joined = |names: &[String]| names.join(", ");
        let mut allowed = String::new();
        let mut preflight = String::new();
        if config.credentials {
            allowed.push_str(&line("Access-Control-Allow-Credentials", "true"));
            preflight.push_str(&line("Access-Control-Allow-Credentials", "true"));
        }
        if !config.expose_headers.is_empty() {
            let names = joined(&config.expose_headers);
            allowed.push_str(&line("Access-Control-Expose-Headers", &names));
        }
        if !takes_any_method {
            let methods: Vec<&str> = config.methods.iter().map(|method| method.as_str()).collect();
            preflight.push_str(&line("Access-Control-Allow-Methods", &methods.join(", ")));
        }
        if !config.headers.is_empty() && !config.headers.iter().any(|name| name == "*") {
            preflight.push_str(&line("Access-Control-Allow-Headers", &joined(&config.headers)));
        }
        let seconds = config.max_age.as_secs().to_string();
        preflight.push_str(&line("Access-Control-Max-Age", &seconds));
        // Where all may, the answer is the same for all, also for those that a cache serves later.
        let (always, allowed) = match any {
            true => (line("Access-Control-Allow-Origin", "*") + &allowed, String::new()),
            false => (line("Vary", "Origin"), allowed),
        };
        let bytes = |text: String| text.into_bytes().into_boxed_slice();
        Lines { always: bytes(always), allowed: bytes(allowed), preflight: bytes(preflight) }
    }
}

impl Origins {
    /// Whether one that is written out is this one, byte by byte: browsers write them as they are
    /// compared.
    fn has(&self, text: &[u8]) -> bool {
        self.exact.binary_search_by(|one| (**one).cmp(text)).is_ok()
    }

    fn takes(&self, origin: &Origin, cache: &mut CorsCache) -> bool {
        if self.has(origin.as_bytes()) {
            return true;
        }
        if self.parents.iter().any(|parent| origin.is_below(parent)) {
            return true;
        }
        let Some(regex) = &self.expressions else { return false };
        let cache = cache.0.get_or_insert_with(|| Box::new(regex.create_cache()));
        let input = Input::new(origin.as_bytes()).anchored(Anchored::Yes);
        regex.search_half_with(cache, &input).is_some()
    }
}

/// All expressions as one, each held to the whole of a text; or the key of what is wrong, and why.
fn expressions(texts: &[String]) -> Result<Option<Regex>, (String, String)> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut whole = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let key = format!("origin_regexes[{index}]");
        if text.is_empty() {
            return Err((key, "an empty expression matches no origin".into()));
        }
        if text.len() > limits::CONDITION_REGEX_BYTES_MAX {
            let most = limits::CONDITION_REGEX_BYTES_MAX;
            return Err((key, format!("longer than {most} bytes")));
        }
        let mut parser = ParserBuilder::new();
        parser.unicode(false).utf8(false).nest_limit(limits::REGEX_DEPTH_MAX);
        let parsed = parser.build().parse(text).map_err(|error| {
            let said = error.to_string();
            let said = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
            (key, format!("no regular expression: {said}"))
        })?;
        // At the level of the tree, so that no bracket of the text can leave its own part.
        whole.push(Hir::concat(vec![Hir::look(Look::Start), parsed, Hir::look(Look::End)]));
    }
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(limits::CONDITION_AUTOMATON_BYTES_MAX))
        .onepass_size_limit(Some(limits::CONDITION_AUTOMATON_BYTES_MAX))
        .hybrid_cache_capacity(limits::CONDITION_CACHE_BYTES);
    let built = meta::Builder::new().configure(config).build_many_from_hir(&whole);
    built.map(Some).map_err(|_| {
        let message = "the expressions repeat too much: what they compile to is larger than is \
                       allowed";
        ("origin_regexes".into(), message.into())
    })
}

/// Whether an origin that nobody has matches: then those match that anybody can have. Where all
/// hosts of one scheme match, or all with a port, it is one of these.
fn takes_strangers(regex: &Regex) -> bool {
    // RFC 2606 section 2: `invalid` is no one's domain.
    let hosts = ["stranger.invalid", "w9-x.a7f3.invalid"];
    hosts.iter().any(|host| {
        ["http", "https"].iter().any(|scheme| {
            let origin = format!("{scheme}://{host}");
            regex.is_match(&origin) || regex.is_match(&format!("{origin}:8081"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GatewayConfig;
    use crate::http::h1::parse::{self, HeadLimits};
    use crate::http::head::HeadIndex;
    use crate::http::origin::preflight_method;

    fn compiled(config: &CorsConfig) -> Result<Cors, Vec<Fault>> {
        let mut faults = Vec::new();
        let whole = GatewayConfig::default();
        let extensions = crate::extension::Extensions::new();
        let place = Place { path: "cors", config: &whole, extensions: &extensions };
        let cors = Cors::compile(config, &place, &mut faults);
        cors.filter(|_| faults.is_empty()).ok_or(faults)
    }

    fn with(origins: &[&str]) -> CorsConfig {
        CorsConfig { origins: origins.iter().map(|o| (*o).into()).collect(), ..Default::default() }
    }

    /// The lines of the answer to a head, and of a preflight whether it may go on.
    fn answered(config: &CorsConfig, head: &str) -> (String, bool) {
        let cors = compiled(config).expect("a right one");
        let head = format!("{head}\r\nHost: own.example\r\n\r\n");
        let mut index = HeadIndex::new();
        parse::request(head.as_bytes(), &HeadLimits::default(), &mut index).expect("a head");
        let request = RequestHead::new(head.as_bytes(), &index);
        let asker = cors.judge(request, &mut CorsCache::default());
        let mut lines = Vec::new();
        let mut takes = asker != Asker::Denied;
        match preflight_method(request) {
            Some(method) => {
                cors.write_preflight(asker, request, &mut lines);
                takes &= cors.takes(request, method);
            }
            None => cors.write(asker, &mut lines),
        }
        (String::from_utf8(lines).expect("ASCII"), takes)
    }

    fn get(config: &CorsConfig, origin: &str) -> String {
        answered(config, &format!("GET / HTTP/1.1\r\nOrigin: {origin}")).0
    }

    const VARY: &str = "Vary: Origin\r\n";

    fn allow(origin: &str) -> String {
        format!("{VARY}Access-Control-Allow-Origin: {origin}\r\n")
    }

    #[test]
    fn origins_that_are_listed_read_the_answer() {
        let config = with(&["https://a.example", "https://*.b.example", "app://x"]);
        for origin in ["https://a.example", "https://A.example:443", "https://c.d.b.example"] {
            assert_eq!(get(&config, origin), allow(origin));
        }
        assert_eq!(get(&config, "app://x"), allow("app://x"));
        for origin in [
            "https://b.example",
            "http://a.example",
            "https://a.example.evil.example",
            "https://evil.example/.b.example",
            "https://evilb.example",
            "null",
            "",
            "https://a.example https://b.b.example",
        ] {
            assert_eq!(get(&config, origin), VARY, "{origin}");
        }
        assert_eq!(answered(&config, "GET / HTTP/1.1").0, VARY);
        let twice = "GET / HTTP/1.1\r\nOrigin: https://a.example\r\nOrigin: https://a.example";
        assert_eq!(answered(&config, twice), (VARY.to_owned(), false));
    }

    #[test]
    fn the_origin_null_is_taken_where_it_is_listed_only() {
        assert_eq!(get(&with(&["null"]), "null"), allow("null"));
        assert_eq!(get(&with(&["null"]), "NULL"), VARY);
        let config = CorsConfig { origin_regexes: vec![".*".into()], ..with(&[]) };
        assert_eq!(get(&config, "null"), VARY);
    }

    #[test]
    fn where_all_may_the_answer_is_the_same_for_all() {
        let config = CorsConfig { expose_headers: vec!["X-A".into()], ..with(&["*"]) };
        let want = "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-A\r\n";
        for head in ["GET / HTTP/1.1", "GET / HTTP/1.1\r\nOrigin: null", "GET /?q HTTP/1.0"] {
            assert_eq!(answered(&config, head).0, want, "{head}");
        }
    }

    #[test]
    fn credentials_and_exposed_fields_are_told_to_those_that_may() {
        let config = CorsConfig {
            credentials: true,
            expose_headers: vec!["X-A".into(), "X-B".into()],
            ..with(&["https://a.example"])
        };
        let want = allow("https://a.example")
            + "Access-Control-Allow-Credentials: true\r\n\
               Access-Control-Expose-Headers: X-A, X-B\r\n";
        assert_eq!(get(&config, "https://a.example"), want);
        assert_eq!(get(&config, "https://b.example"), VARY);
    }

    #[test]
    fn expressions_match_whole_origins() {
        let config = CorsConfig {
            origin_regexes: vec![
                r"https://(a|b)\.example".into(),
                r"https://[a-z0-9-]+\.preview\.example(:\d+)?".into(),
                r"https://x)|(.*".into(),
            ],
            ..with(&[])
        };
        // A bracket that is not the expression's own is a mistake, not a way out.
        assert!(compiled(&config).is_err());
        let config =
            CorsConfig { origin_regexes: config.origin_regexes[..2].to_vec(), ..with(&[]) };
        for origin in ["https://a.example", "HTTPS://B.example", "https://pr-7.preview.example:80"]
        {
            assert_eq!(get(&config, origin), allow(origin));
        }
        for origin in ["https://a.example.evil", "xhttps://a.example", "https://a.preview.example:"]
        {
            assert_eq!(get(&config, origin), VARY, "{origin}");
        }
    }

    const PREFLIGHT: &str = "OPTIONS / HTTP/1.1\r\nOrigin: https://a.example\r\n\
                             Access-Control-Request-Method: PUT";

    #[test]
    fn a_preflight_is_told_what_the_page_may() {
        let config = CorsConfig {
            methods: vec![Method::GET, Method::PUT],
            headers: vec!["X-A".into(), "Content-Type".into()],
            ..with(&["https://a.example"])
        };
        let vary = std::str::from_utf8(PREFLIGHT_VARY).expect("ASCII");
        let want = format!(
            "{vary}Access-Control-Allow-Origin: https://a.example\r\n\
             Access-Control-Allow-Methods: GET, PUT\r\n\
             Access-Control-Allow-Headers: X-A, Content-Type\r\nAccess-Control-Max-Age: 600\r\n"
        );
        let asked = |names: &str| {
            answered(&config, &format!("{PREFLIGHT}\r\nAccess-Control-Request-Headers: {names}"))
        };
        assert_eq!(answered(&config, PREFLIGHT), (want.clone(), true));
        assert_eq!(asked("content-type,x-a,accept"), (want.clone(), true));
        assert_eq!(asked("x-b"), (want.clone(), false));
        let other = PREFLIGHT.replace("PUT", "DELETE");
        assert_eq!(answered(&config, &other), (want, false));
        let stranger = PREFLIGHT.replace("a.example", "b.example");
        assert_eq!(answered(&config, &stranger), (vary.to_owned(), false));
    }

    #[test]
    fn stars_give_what_is_asked_for() {
        let any: Method = "*".parse().expect("a token");
        let config = CorsConfig {
            methods: vec![any],
            credentials: true,
            private_network: true,
            max_age: std::time::Duration::from_secs(0),
            ..with(&["https://a.example"])
        };
        let (lines, takes) = answered(
            &config,
            &format!(
                "{PREFLIGHT}\r\nAccess-Control-Request-Headers: authorization,x-a\r\n\
                 Access-Control-Request-Private-Network: true"
            ),
        );
        assert!(takes);
        for line in [
            "Access-Control-Allow-Methods: PUT\r\n",
            "Access-Control-Allow-Headers: authorization,x-a\r\n",
            "Access-Control-Allow-Credentials: true\r\n",
            "Access-Control-Allow-Private-Network: true\r\n",
            "Access-Control-Max-Age: 0\r\n",
        ] {
            assert!(lines.contains(line), "{line} is not in {lines}");
        }
        let (lines, takes) = answered(
            &config,
            &format!("{PREFLIGHT}\r\nAccess-Control-Request-Headers: x-a, \"b c\""),
        );
        assert!(!takes && !lines.contains("Allow-Headers"), "{lines}");
    }

    #[test]
    fn a_page_of_the_routes_own_origin_is_no_stranger() {
        let config = CorsConfig { reject: true, ..with(&["https://a.example"]) };
        for (origin, may) in [
            ("https://own.example", true),
            ("http://own.example:80", true),
            ("https://own.example:8443", false),
            ("https://b.example", false),
        ] {
            let head = format!("POST / HTTP/1.1\r\nOrigin: {origin}");
            assert_eq!(answered(&config, &head).1, may, "{origin}");
        }
    }

    #[test]
    fn refuses_expressions_that_are_wrong_or_give_everybody_credentials() {
        let faults = |regex: &str, credentials| {
            let origin_regexes = vec!["a".into(), regex.to_owned()];
            let config = CorsConfig { origin_regexes, credentials, ..with(&[]) };
            let faults = compiled(&config).err().unwrap_or_default();
            faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
        };
        assert_eq!(faults("(((a{100}){100}){100})", false), ["cors.origin_regexes"]);
        for wrong in ["(", "", &"a".repeat(2_000)] {
            assert_eq!(faults(wrong, false), ["cors.origin_regexes[1]"], "{wrong}");
        }
        for open in [
            "https?://.*",
            "https://.*",
            "http://.+",
            "https://[^/]+",
            "https://[^:]+",
            r"http://.*:\d+",
            r"https://[a-z]+\.[a-z]+",
            r"https://[a-z0-9.-]+(:\d+)?",
            r"https://a\.example|https://.*",
        ] {
            assert_eq!(faults(open, true), ["cors.origin_regexes"], "{open}");
            assert!(faults(open, false).is_empty(), "{open}");
        }
        for narrow in [
            r"https://.*\.a\.example",
            r"https?://localhost(:\d+)?",
            r"http://127\.0\.0\.1:\d+",
            r"https://[a-z]+",
        ] {
            assert!(faults(narrow, true).is_empty(), "{narrow}");
        }
    }
}
