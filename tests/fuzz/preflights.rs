//! A preflight finds the route of the request that it asks about, where that one has a `cors`, and
//! otherwise what any other `OPTIONS` finds: held against the naive router.

use super::choices::Choices;
use frys_gateway::config::{CorsConfig, GatewayConfig, Method, Middleware, Route, StaticResponse};
use frys_gateway::http::h1::parse::{self, HeadLimits};
use frys_gateway::http::head::{HeadIndex, RequestHead};
use frys_gateway::router::naive::Answer;
use frys_gateway::router::{NoGuards, Parameters, Request, Scratch, condition};
use frys_gateway::snapshot::{self, Asked, Listing, Memory, Refusal, Resolved, RouteId, Snapshot};

const PATHS: &[&str] = &["/*", "/a", "/a/*", "/{x}", "/a/{x}", "/{x}/b", "/a/b"];
const METHODS: &[Method] =
    &[Method::GET, Method::PUT, Method::OPTIONS, Method::POST, Method::DELETE];
const ASKED_PATHS: &[&str] = &["/", "/a", "/b", "/a/b", "/a/c", "/c/b", "/a/b/c"];
const FIELDS: &[&str] = &[
    "Origin: https://p.test\r\nAccess-Control-Request-Method: @\r\n",
    "Origin: https://p.test\r\nAccess-Control-Request-Method: @\r\n",
    "Origin: https://p.test\r\n",
    "Access-Control-Request-Method: @\r\n",
    "",
];

/// Routes and requests that `bytes` choose; how many requests were compared.
pub fn agree(bytes: &[u8]) -> u64 {
    let mut choices = Choices(bytes);
    let count = 1 + choices.below(7);
    let routes: Vec<Route> = (0..count).map(|number| route(&mut choices, number)).collect();
    let config = GatewayConfig { routes, ..GatewayConfig::default() };
    // Routes that tie are no configuration.
    let Ok(snapshot) = snapshot::compile(&config, &Resolved::new(), 1) else { return 0 };
    let listing = Listing::new(&config).expect("it compiled");
    let mut compared_count = 0;
    while choices.is_left() {
        let path = choices.one(ASKED_PATHS);
        let method = choices.one(&[Method::OPTIONS, Method::OPTIONS, Method::OPTIONS, Method::GET]);
        let asked = choices.one(METHODS);
        let fields = choices.one(FIELDS);
        let is_preflight = method == Method::OPTIONS && fields.matches(':').count() > 2;
        let find = |method| listing.naive.find(&request(path, method), &mut NoGuards);
        let own = find(method);
        let wanted = match (&own, find(asked)) {
            _ if !is_preflight => (shown(own), None),
            (Answer::Route(id, _), _) if of(&config, *id).methods.contains(&Method::OPTIONS) => {
                (shown(own), None)
            }
            (_, Answer::Route(id, places)) if !of(&config, id).middlewares.is_empty() => {
                (shown(Answer::Route(id, places)), Some(asked))
            }
            _ => (shown(own), None),
        };
        let fields = fields.replace('@', asked.as_str());
        let head = format!("{} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", method.as_str());
        assert_eq!(found(&snapshot, &head), wanted, "{head}{:#?}", config.routes);
        compared_count += 1;
    }
    compared_count
}

fn route(choices: &mut Choices<'_>, number: usize) -> Route {
    let methods_count = choices.below(4);
    let mut methods: Vec<Method> = Vec::new();
    for _ in 0..methods_count {
        let method = choices.one(METHODS);
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    let cors = CorsConfig { origins: vec!["https://p.test".into()], ..CorsConfig::default() };
    let has_cors = choices.below(2) == 1;
    Route {
        id: format!("r{number}"),
        path: choices.one(PATHS).to_owned(),
        methods,
        respond: Some(StaticResponse::default()),
        middlewares: if has_cors { vec![Middleware::Cors(cors)] } else { Vec::new() },
        ..Route::default()
    }
}

fn of(config: &GatewayConfig, id: RouteId) -> &Route {
    &config.routes[id.0 as usize]
}

fn request(path: &'static str, method: Method) -> Request<'static> {
    Request { host: Some(b"a"), path: path.as_bytes(), method }
}

fn places(parameters: &Parameters) -> String {
    let ranges = (0..parameters.count()).map(|index| parameters.range(index));
    format!("{:?} {:?}", ranges.collect::<Vec<_>>(), parameters.rest_start())
}

fn shown(answer: Answer) -> String {
    match answer {
        Answer::Route(id, parameters) => format!("{id:?} {}", places(&parameters)),
        Answer::MethodNotAllowed(methods) => format!("{methods:?}"),
        Answer::NotAcceptable => "not acceptable".to_owned(),
        Answer::NotFound => "not found".to_owned(),
    }
}

/// What the snapshot finds for a head, and by which asked method.
fn found(snapshot: &Snapshot, head: &str) -> (String, Option<Method>) {
    let mut index = HeadIndex::new();
    parse::request(head.as_bytes(), &HeadLimits::default(), &mut index).expect("a good head");
    let asked =
        Asked { request: RequestHead::new(head.as_bytes(), &index), peer: None, is_tls: false };
    let (mut path, mut parameters) = (Vec::new(), Parameters::new());
    let mut memory = Memory {
        path: &mut path,
        parameters: &mut parameters,
        scratch: &mut Scratch::new(),
        conditions: &mut condition::Scratch::default(),
    };
    let matched = snapshot.find(&asked, &mut memory);
    let text = match (matched.refusal, matched.route) {
        (None, Some(id)) => format!("{id:?} {}", places(&parameters)),
        (Some(Refusal::Method(allowed)), _) => {
            let methods: std::collections::BTreeSet<Method> =
                snapshot.router.methods(allowed).collect();
            format!("{methods:?}")
        }
        (Some(Refusal::NotAcceptable), _) => "not acceptable".to_owned(),
        (_, _) => "not found".to_owned(),
    };
    (text, matched.asked_method)
}
