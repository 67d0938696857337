//! Filters at the edge of a route: addresses, maintenance, sizes, origins, fields.

use super::{accept, refuse};
use frys_gateway::Gateway;
use frys_gateway::config::{
    AddressOf, CorsConfig, Format, IpFilterConfig, MaintenanceConfig, Method, Middleware,
    RequestLimitsConfig, SecurityHeadersConfig,
};
use std::time::Duration;

/// A configuration with one route that has these lines.
fn with(lines: &str) -> String {
    format!(
        "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/a/{{id}}\"\n\
         upstreams = [{{ url = \"http://a:1\" }}]\n{lines}\n"
    )
}

/// The filters of the route.
fn filters(lines: &str) -> Vec<Middleware> {
    let text = with(lines);
    if let Err(error) = Gateway::from_text(&text, Format::Toml, "frys.toml") {
        panic!("refused:\n{error}");
    }
    accept(&text).routes[0].middlewares.clone()
}

/// The key paths of all faults, and their sentences.
fn faults(text: &str) -> Vec<(String, String)> {
    let Err(error) = Gateway::from_text(text, Format::Toml, "frys.toml") else {
        panic!("taken:\n{text}");
    };
    error.faults.into_iter().map(|fault| (fault.path, fault.message)).collect()
}

/// The only fault of a route with these lines: its path and that its sentence holds a word.
#[track_caller]
fn refused(lines: &str, path: &str, words: &str) {
    let found = faults(&with(lines));
    assert_eq!(found.len(), 1, "{lines}: {found:?}");
    assert_eq!(found[0].0, path, "{lines}: {}", found[0].1);
    assert!(found[0].1.contains(words), "{lines}: {}", found[0].1);
}

#[test]
fn takes_each_of_them_and_puts_them_in_order() {
    let found = filters(
        "security_headers = {}\n\
         cors = { origins = [\"https://a.example\"], credentials = true, max_age = \"1h\", \
         methods = [\"GET\", \"*\"], headers = [\"X-A\"] }\n\
         request_limits = { body = \"1KiB\", fields = 10, query_size = \"0B\" }\n\
         maintenance = { retry_after = \"2m\", allow = [\"10.0.0.0/8\"], body = \"soon\" }\n\
         ip_filter = { allow = [\"10.0.0.0/8\", \"::1\"], deny = [\"10.1.0.0/16\"], \
         of = \"peer\" }\n",
    );
    let network = |text: &str| text.parse().expect("a network");
    let want = [
        Middleware::IpFilter(IpFilterConfig {
            allow: vec![network("10.0.0.0/8"), network("::1/128")],
            deny: vec![network("10.1.0.0/16")],
            of: AddressOf::Peer,
            ..IpFilterConfig::default()
        }),
        Middleware::Maintenance(MaintenanceConfig {
            retry_after: Some(Duration::from_mins(2)),
            allow: vec![network("10.0.0.0/8")],
            body: Some("soon".into()),
            ..MaintenanceConfig::default()
        }),
        Middleware::RequestLimits(RequestLimitsConfig {
            body: Some(1024),
            fields: Some(10),
            query_size: Some(0),
            ..RequestLimitsConfig::default()
        }),
        Middleware::Cors(CorsConfig {
            origins: vec!["https://a.example".into()],
            credentials: true,
            max_age: Duration::from_hours(1),
            methods: vec![Method::GET, "*".parse().expect("a token")],
            headers: vec!["X-A".into()],
            ..CorsConfig::default()
        }),
        Middleware::SecurityHeaders(SecurityHeadersConfig::default()),
    ];
    assert_eq!(found, want);
}

#[test]
fn a_security_header_is_set_or_off() {
    let found = filters("security_headers = { hsts = \"off\", frame_options = \"DENY\" }\n");
    let want = SecurityHeadersConfig {
        hsts: None,
        frame_options: Some("DENY".into()),
        ..SecurityHeadersConfig::default()
    };
    assert_eq!(found, [Middleware::SecurityHeaders(want)]);
}

#[test]
fn shared_ones_are_named_by_kind_and_name() {
    let found = filters(
        "middlewares = [\"ip_filter.office\", \"cors\", \"headers.tagged\"]\n\
         cors = { origins = [\"*\"] }\n\
         [middlewares.ip_filter.office]\nallow = [\"10.0.0.0/8\"]\n\
         [middlewares.headers.tagged.request]\nset = { X-Id = \"$id of $identity\" }\n\
         [middlewares.headers.tagged.response]\nremove = [\"Server\"]\n",
    );
    assert_eq!(found[0], Middleware::Named("ip_filter.office".into()));
    assert!(matches!(found[1], Middleware::Cors(_)));
    assert_eq!(found[2], Middleware::Named("headers.tagged".into()));
}

#[test]
fn refuses_origins_that_are_none_or_too_many() {
    let key = "routes[0].cors.origins[0]";
    for (origin, words) in [
        ("a.example", "begins with its scheme"),
        ("https://a.example/", "without a slash"),
        ("https://a.*.example", "first labels"),
        ("https://b\u{fc}cher.example", "in ASCII"),
    ] {
        refused(&format!("cors = {{ origins = [\"{origin}\"] }}"), key, words);
    }
    refused("cors = {}", "routes[0].cors.origins", "nobody's pages");
    refused("cors = { origins = [\"*\"], credentials = true }", key, "in its reader's name");
    refused("cors = { origins = [\"*\", \"null\"] }", key, "all origins");
    refused(
        "cors = { origins = [\"https://a\", \"HTTPS://A:443\"] }",
        "routes[0].cors.origins[1]",
        "already",
    );
    let many: Vec<String> = (0..1_001).map(|number| format!("\"https://a{number}\"")).collect();
    let list = format!("cors = {{ origins = [{}] }}", many.join(", "));
    refused(&list, "routes[0].cors.origins", "more than 1000");
    filters(&list.replace(", \"https://a1000\"", ""));
}

#[test]
fn refuses_what_a_cors_cannot_mean() {
    let cors = |rest: &str| format!("cors = {{ origins = [\"https://a\"], {rest} }}");
    for (rest, path, words) in [
        ("origin_regexes = [\"(\"]", "origin_regexes[0]", "no regular expression"),
        ("origin_regexes = [\".*\"], credentials = true", "origin_regexes", "anybody can have"),
        ("expose_headers = [\"*\"], credentials = true", "expose_headers", "list them"),
        ("headers = [\"*\", \"X-A\"]", "headers[0]", "all fields"),
        ("headers = [\"X A\"]", "headers[0]", "no name of a field"),
        ("max_age = \"25h\"", "max_age", "a day"),
        ("max_age = \"1500ms\"", "max_age", "whole seconds"),
        ("methods = [\"get\"]", "methods[0]", "capitals"),
    ] {
        refused(&cors(rest), &format!("routes[0].cors.{path}"), words);
    }
    filters(&cors("max_age = \"24h\""));
    filters(&cors("max_age = \"0s\""));
    let faults = refuse(&with("cors = { allow_origins = [] }"));
    assert_eq!(faults[0].nearest.as_deref(), Some("origins"));
}

#[test]
fn a_route_has_one_cors_wherever_it_stands() {
    let cors = "{ origins = [\"https://a\"] }";
    let key = "routes[0].middlewares";
    refused(&format!("cors = [{cors}, {cors}]"), key, "one `cors`");
    let shared = "[middlewares.cors.a]\norigins = [\"https://a\"]\n";
    let forward = "forward_auth = { url = \"http://127.0.0.1:1/\" }";
    filters(&format!("middlewares = [\"forward_auth\", \"cors.a\"]\n{forward}\n{shared}"));
    let ip_filter = "ip_filter = { deny = [\"::1\"] }";
    filters(&format!("middlewares = [\"ip_filter\", \"cors.a\"]\n{ip_filter}\n{shared}"));
}

#[test]
fn refuses_limits_that_are_looser_than_the_gateways() {
    let limits = |rest: &str| format!("request_limits = {{ {rest} }}");
    for (rest, path, words) in [
        ("fields = 101", "fields", "`limits.fields` lets no more than 100"),
        ("fields_size = \"33KiB\"", "fields_size", "32KiB"),
        ("url_size = \"9KiB\"", "url_size", "`limits.request_line`"),
        ("query_size = \"9KiB\"", "query_size", "8KiB"),
        ("fields = 0", "fields", "from 1 to"),
        ("fields_size = \"1B\"", "fields_size", "from 64B"),
    ] {
        refused(&limits(rest), &format!("routes[0].request_limits.{path}"), words);
    }
    refused("request_limits = {}", "routes[0].request_limits", "nothing is bounded");
    let body = "max_body = \"1KiB\"\nrequest_limits = { body = \"2KiB\" }";
    refused(body, "routes[0].request_limits", "no body of more than 1KiB");
    filters("max_body = \"2KiB\"\nrequest_limits = { body = \"2KiB\" }");
    filters(&limits("fields = 100, fields_size = \"32KiB\", url_size = \"8KiB\", body = \"0B\""));
    let shared = "middlewares = [\"request_limits.small\"]\nmax_body = \"1KiB\"\n\
                  [middlewares.request_limits.small]\nbody = \"2KiB\"";
    refused(shared, "routes[0].middlewares[0]", "no body of more than 1KiB");
}

#[test]
fn refuses_lists_and_pages_that_cannot_be_read() {
    refused("ip_filter = {}", "routes[0].ip_filter", "everybody passes");
    let file = "routes[0].ip_filter.deny_file";
    refused("ip_filter = { deny_file = \"/nowhere/list\" }", file, "cannot be read");
    let found = faults(&with("ip_filter = { deny_file = \"list\" }"));
    assert!(found.iter().any(|(path, message)| path == file && message.contains("absolute")));
    refused("ip_filter = { allow = [\"10.0.0.0/33\"] }", "routes[0].ip_filter.allow[0]", "network");
    refused("ip_filter = { deny = [\"::1\"], of = \"proxy\" }", "routes[0].ip_filter.of", "`peer`");
    let page = "routes[0].maintenance.body_file";
    refused("maintenance = { body_file = \"/nowhere/page\" }", page, "cannot be read");
    let both = "maintenance = { body = \"a\", body_file = \"/etc/hostname\" }";
    refused(both, page, "`body` says it already");
    refused("maintenance = { status = 100 }", "routes[0].maintenance.status", "from 200 to 599");
    refused(
        "maintenance = { status = 204, body = \"a\" }",
        "routes[0].maintenance.body",
        "has no body",
    );
    let after = "routes[0].maintenance.retry_after";
    refused("maintenance = { retry_after = \"1500ms\" }", after, "whole seconds");
    refused("maintenance = { retry_after = \"721h\" }", after, "30 days");
    filters("maintenance = { retry_after = \"720h\" }");
}

#[test]
fn refuses_fields_that_are_none_or_not_the_operators() {
    let key = "routes[0].security_headers";
    refused(
        "security_headers = { hsts = \"off\", content_type_options = \"off\", \
         frame_options = \"off\", referrer_policy = \"off\", \
         cross_origin_opener_policy = \"off\" }",
        key,
        "all are off",
    );
    refused("security_headers = { csp = \"x\" }", &format!("{key}.csp"), "unknown key");
    refused("security_headers = { hsts = \" \" }", &format!("{key}.hsts"), "empty");
    refused(
        "security_headers = { referrer_policy = \"a\\nb\" }",
        &format!("{key}.referrer_policy"),
        "one line",
    );
    let shared =
        |edits: &str| format!("middlewares = [\"headers.a\"]\n[middlewares.headers.a]\n{edits}\n");
    let base = "middlewares.headers.a";
    refused(&shared(""), base, "nothing changes");
    let of_connection = shared("request = { set = { Connection = \"close\" } }");
    let found = faults(&with(&of_connection));
    assert_eq!(found[0].0, format!("{base}.request.set.Connection"));
    refused(
        &shared("request = { set = { X-A = \"$upstream\" } }"),
        &format!("{base}.request.set.X-A"),
        "before an upstream is chosen",
    );
    refused(
        &shared("request = { set = { X-A = \"$idd\" } }"),
        "routes[0].middlewares[0]",
        "no parameter `{idd}`",
    );
    refused("headers = { remove = [\"a\"] }", "routes[0].headers", "unknown key");
}
