//! Routes that are wrong: conditions, versions, policies and actions.

use super::{FULL, LEAST, accept, places, refuse};
use frys_gateway::config::Fault;

/// The faults of the least configuration whose route has more keys.
fn faults_of(keys: &str) -> Vec<Fault> {
    refuse(&with(keys))
}

fn with(keys: &str) -> String {
    LEAST.replace("path = \"/*\"", &format!("path = \"/*\", {keys}"))
}

/// Its only fault: the key below the route, and what is said.
fn fault_of(keys: &str) -> (String, String) {
    let faults = faults_of(keys);
    assert_eq!(faults.len(), 1, "{keys}: {faults:?}");
    let path = faults[0].path.strip_prefix("routes[0].").expect("a key of the route");
    (path.to_owned(), faults[0].message.clone())
}

/// The only fault of a route that has no upstreams.
fn answer_fault_of(keys: &str) -> (String, String) {
    let upstreams = ", upstreams = [{ url = \"http://a:1\" }]";
    let text = with(keys).replace(upstreams, "");
    let faults = refuse(&text);
    assert_eq!(faults.len(), 1, "{keys}: {faults:?}");
    let path = faults[0].path.strip_prefix("routes[0].").expect("a key of the route");
    (path.to_owned(), faults[0].message.clone())
}

fn accept_answer(keys: &str) {
    accept(&with(keys).replace(", upstreams = [{ url = \"http://a:1\" }]", ""));
}

#[test]
fn a_condition_has_one_subject_and_one_operator() {
    for (when, path, part) in [
        ("{}", "when", "no subject"),
        ("{ exists = true }", "when", "no subject"),
        ("{ header = 'a' }", "when", "no operator"),
        ("{ header = 'a', exists = true, equals = 'b' }", "when", "`equals`, `exists`"),
        ("{ header = 'a', query = 'b', exists = true }", "when", "`header`, `query`"),
        ("{ scheme = 'http', exists = true }", "when.exists", "takes no operator"),
        ("{ all = [{ scheme = 'http' }], equals = 'a' }", "when.equals", "takes no operator"),
        ("{ sni = 'a' }", "when.sni", "not built in this version"),
        ("{ header = 'a', equal = 'b' }", "when.equal", "unknown key"),
        ("3", "when", "expected a condition"),
    ] {
        let (found, message) = fault_of(&format!("when = {when}"));
        assert_eq!(found, path, "{when}");
        assert!(message.contains(part), "{when}: {message}");
    }
}

#[test]
fn a_condition_is_refused_for_what_never_or_always_holds() {
    for (when, path, part) in [
        ("{ all = [] }", "when", "`all` of nothing would always hold"),
        ("{ any = [] }", "when", "`any` of nothing would never hold"),
        ("{ header = 'a b', exists = true }", "when.header", "no name of a field"),
        ("{ cookie = '', exists = true }", "when.cookie", "no name of a cookie"),
        ("{ query = '', exists = true }", "when.query", "an empty name"),
        ("{ header = 'a', in = [] }", "when.in", "an empty list"),
        ("{ header = 'a', contains = '' }", "when.contains", "`exists = true`"),
        ("{ header = 'a', regex = '' }", "when.regex", "`exists = true`"),
        ("{ header = 'a', equals = \"a\\nb\" }", "when.equals", "line break"),
        ("{ header = 'a', at_least = nan }", "when.at_least", "no number"),
        ("{ header = 'a', at_least = '3' }", "when.at_least", "expected a number"),
        ("{ header = 'a', equals = 3 }", "when.equals", "expected a string"),
        ("{ header = 'a', in = 'b' }", "when.in", "expected a list"),
        ("{ client_ip = [] }", "when.client_ip", "an empty list"),
        ("{ client_ip = '10.0.0.0/99' }", "when.client_ip", "a network such as"),
        ("{ client_ip = '10.0.0.1/8' }", "when.client_ip", "not the network"),
        ("{ scheme = 'ftp' }", "when.scheme", "`http` or `https`"),
    ] {
        let (found, message) = fault_of(&format!("when = {when}"));
        assert_eq!(found, path, "{when}");
        assert!(message.contains(part), "{when}: {message}");
    }
    accept(&with("when = { header = 'a', equals = '' }"));
    accept(&with("when = { query = 'a', equals = \"a\\nb\" }"));
}

#[test]
fn conditions_have_places_at_any_depth() {
    let text = with(
        "when = [\n{ sni = 'a' },\n{ any = [{ scheme = 'http' },\n{ not = {\ncookie = '=', \
         exists = true } }] }]",
    );
    let want = ["3:3 routes[0].when[0].sni", "6:10 routes[0].when[1].any[1].not.cookie"];
    assert_eq!(places(&refuse(&text)), want);
    let one = with("when = [\n{ any = [\n{ cookie = '=', exists = true }] }]");
    assert_eq!(places(&refuse(&one)), ["4:12 routes[0].when.any[0].cookie"]);
}

#[test]
fn conditions_are_bounded() {
    let nested = |levels: usize| {
        let leaf = "{ scheme = 'http' }";
        (1..levels).fold(leaf.to_owned(), |inner, _| format!("{{ not = {inner} }}"))
    };
    accept(&with(&format!("when = {}", nested(8))));
    let (path, message) = fault_of(&format!("when = {}", nested(9)));
    assert!(path.ends_with(".not") && message.contains("more than 8 deep"), "{path}: {message}");
    let many = |count: usize| vec!["{ scheme = 'http' }"; count].join(", ");
    accept(&with(&format!("when = [{}]", many(64))));
    assert_eq!(fault_of(&format!("when = [{}]", many(65))).0, "when");
    let values =
        |count: usize| format!("when = {{ query = 'a', in = [{}] }}", "'b',".repeat(count));
    accept(&with(&values(4096)));
    assert_eq!(fault_of(&values(4097)).0, "when.in");
}

#[test]
fn other_names_are_led_to_the_key() {
    for (key, nearest) in [("conditions", "when"), ("headers", "request_headers")] {
        let faults = faults_of(&format!("{key} = []"));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].nearest.as_deref(), Some(nearest));
    }
}

#[test]
fn a_route_has_a_path_or_a_regex() {
    let (path, message) = fault_of("path_regex = '^/x$'");
    assert_eq!(path, "path_regex");
    assert!(message.contains("not both"), "{message}");
    let faults = refuse(&LEAST.replace("path = \"/*\"", "path_regex = ''"));
    assert_eq!(faults[0].path, "routes[0].path_regex");
    let faults = refuse(&LEAST.replace("path = \"/*\", ", ""));
    assert_eq!((faults.len(), faults[0].path.as_str()), (1, "routes[0].path"));
}

#[test]
fn regexes_of_parameters_name_parameters_of_the_path() {
    let with = |path: &str| LEAST.replace("path = \"/*\"", path);
    accept(&with("path = '/v{version}/{id}', path_params = { version = 'a', id = 'b' }"));
    let faults = refuse(&with("path = '/v{version}', path_params = { verison = 'a' }"));
    assert_eq!(faults[0].path, "routes[0].path_params.verison");
    assert_eq!(faults[0].nearest.as_deref(), Some("version"));
    let faults = refuse(&with("path = '/{id}', path_params = { id = '' }"));
    assert_eq!(faults[0].path, "routes[0].path_params.id");
    let faults = refuse(&with("path_regex = '/(?<id>.)', path_params = { id = 'a' }"));
    assert_eq!(faults[0].path, "routes[0].path_params");
}

#[test]
fn media_types_are_whole() {
    for wrong in ["json", "text/*", "*/*", "text/html;level=1", "text/", "a b/c"] {
        let (path, message) = fault_of(&format!("produces = ['{wrong}']"));
        assert_eq!(path, "produces[0]");
        assert!(message.contains("no media type"), "{message}");
    }
    assert_eq!(fault_of("produces = ['text/html', 'TEXT/html']").0, "produces[1]");
    let types = |count: usize| (0..count).map(|n| format!("'a/{n}',")).collect::<String>();
    accept(&with(&format!("produces = [{}]", types(16))));
    assert_eq!(fault_of(&format!("produces = [{}]", types(17))).0, "produces");
}

#[test]
fn a_version_is_one_of_its_group() {
    let text = |group: &str, is: &str| {
        let version = format!("version = {{ group = '{group}', is = '{is}' }}");
        format!("{}[versions.api]\nfrom = ['path']\n[versions.api.known.1]\n", with(&version))
    };
    accept(&text("api", "1"));
    let faults = refuse(&text("apj", "1"));
    assert_eq!(faults[0].path, "routes[0].version.group");
    assert_eq!(faults[0].nearest.as_deref(), Some("api"));
    let faults = refuse(&text("api", "3"));
    assert_eq!(faults[0].path, "routes[0].version.is");
    assert!(faults[0].message.contains("only `1`"), "{}", faults[0]);
}

#[test]
fn version_groups_are_checked() {
    for (group, path, part) in [
        ("from = []\nknown = { 1 = {} }", "from", "nowhere to look"),
        ("from = ['path', 'path']\nknown = { 1 = {} }", "from[1]", "already"),
        ("from = ['patch']\nknown = { 1 = {} }", "from[0]", "`path`"),
        ("from = ['path']\nknown = {}", "known", "no version"),
        ("from = ['path']", "known", "missing"),
        ("from = ['header']\nknown = { 1 = {} }", "header", "missing"),
        ("from = ['path']\nheader = 'V'\nknown = { 1 = {} }", "header", "`from` does not have"),
        ("from = ['header']\nheader = 'a b'\nknown = { 1 = {} }", "header", "no name"),
        ("from = ['path']\nparam = '1a'\nknown = { 1 = {} }", "param", "no name"),
        ("from = ['path']\ndefault = '3'\nknown = { 1 = {} }", "default", "no version `3`"),
        ("from = ['path']\ndefault = 1\nknown = { 1 = {} }", "default", "in quotes"),
        ("from = ['path']\nknown = { 'a b' = {} }", "known.\"a b\"", "a version's name"),
    ] {
        let faults = refuse(&format!("{LEAST}[versions.api]\n{group}\n"));
        assert_eq!(faults.len(), 1, "{group}: {faults:?}");
        assert_eq!(faults[0].path, format!("versions.api.{path}"), "{group}");
        assert!(faults[0].message.contains(part), "{group}: {}", faults[0].message);
    }
    let faults =
        refuse(&format!("{LEAST}[versions.'a b']\nfrom = ['path']\nknown = {{ 1 = {{}} }}"));
    assert_eq!(faults[0].path, "versions.\"a b\"");
}

#[test]
fn the_life_of_a_version_has_real_days() {
    for (life, path) in [
        ("deprecated = '2026-02-30'", ".deprecated"),
        ("sunset = '1.1.2027'", ".sunset"),
        ("sunset = 2027-01-01", ".sunset"),
        ("deprecated = '2027-01-01', sunset = '2026-01-01'", ".sunset"),
        ("link = 'https://a'", ".link"),
        ("deprecated = '2027-01-01', link = 'a b'", ".link"),
        ("after_sunset = 'gone'", ".after_sunset"),
        ("after_sunset = 'later'", ".after_sunset"),
    ] {
        let group = format!("[versions.api]\nfrom = ['path']\nknown = {{ 1 = {{ {life} }} }}\n");
        let faults = refuse(&format!("{LEAST}{group}"));
        assert_eq!(faults.len(), 1, "{life}: {faults:?}");
        assert_eq!(faults[0].path, format!("versions.api.known.1{path}"), "{life}");
    }
}

#[test]
fn policies_take_what_makes_sense() {
    for (policy, path) in [
        ("nul = 'decode'", "nul"),
        ("dot_segments = 'keep'", "dot_segments"),
        ("repeated_slashes = 'resolve'", "repeated_slashes"),
        ("backslash = true", "backslash"),
    ] {
        let (found, _) = fault_of(&format!("path_policy = {{ {policy} }}"));
        assert_eq!(found, format!("path_policy.{path}"));
    }
    let faults = refuse(&format!("path_policy = {{ encoded_slash = 'keeep' }}\n{LEAST}"));
    assert_eq!(faults[0].path, "path_policy.encoded_slash");
    assert_eq!(faults[0].nearest.as_deref(), Some("keep"));
}

#[test]
fn a_route_has_one_action() {
    let (path, message) = fault_of("redirect = { to = '/' }, respond = {}");
    assert_eq!(path, "redirect");
    for name in ["`upstreams`", "`redirect`", "`respond`"] {
        assert!(message.contains(name), "{message}");
    }
    let none = LEAST.replace(", upstreams = [{ url = \"http://a:1\" }]", "");
    let faults = refuse(&none);
    assert_eq!((faults.len(), faults[0].path.as_str()), (1, "routes[0].upstreams"));
    assert!(faults[0].message.contains("`redirect`"), "{}", faults[0]);
}

#[test]
fn a_wrong_action_is_an_action() {
    for (keys, path) in [
        ("redirect = { too = '/' }", "redirect.too"),
        ("redirect = 3", "redirect"),
        ("respond = { status = 700 }", "respond.status"),
        ("files = { rot = '/srv' }", "files.rot"),
    ] {
        assert_eq!(answer_fault_of(keys).0, path, "{keys}");
    }
}

#[test]
fn weighted_clusters_are_known_and_weighted() {
    let cluster = "[clusters.api]\nupstreams = [{ url = \"http://a\" }]\n";
    let upstreams = "upstreams = [{ url = \"http://a:1\" }]";
    let with = |clusters: &str| format!("{}{cluster}", LEAST.replace(upstreams, clusters));
    accept(&with("clusters = [{ name = 'api' }]"));
    for (clusters, path) in [
        ("[{ name = 'api', weight = 0 }]", ""),
        ("[{ name = 'apj' }]", "[0].name"),
        ("[{ name = 'api' }, { name = 'api' }]", "[1].name"),
        ("[{ weight = 3 }]", "[0].name"),
        ("[{ name = 'api', weight = 1000001 }]", "[0].weight"),
        ("[{ name = 'api', weight = -1 }]", "[0].weight"),
        ("['api']", "[0]"),
    ] {
        let faults = refuse(&with(&format!("clusters = {clusters}")));
        assert_eq!(faults.len(), 1, "{clusters}: {faults:?}");
        assert_eq!(faults[0].path, format!("routes[0].clusters{path}"), "{clusters}");
    }
}

#[test]
fn redirects_have_a_status_and_a_target() {
    for status in [301, 302, 303, 307, 308] {
        accept_answer(&format!("redirect = {{ to = '/a', status = {status} }}"));
    }
    for (redirect, path) in [
        ("to = '/a', status = 304", "status"),
        ("to = '/a', status = 300", "status"),
        ("to = '/a', status = 309", "status"),
        ("to = ''", "to"),
        ("to = \"/a\\r\\nb\"", "to"),
        ("status = 301", "to"),
    ] {
        let (found, _) = answer_fault_of(&format!("redirect = {{ {redirect} }}"));
        assert_eq!(found, format!("redirect.{path}"), "{redirect}");
    }
    let long = |length: usize| format!("redirect = {{ to = '/{}' }}", "a".repeat(length));
    accept_answer(&long(4095));
    assert_eq!(answer_fault_of(&long(4096)).0, "redirect.to");
}

#[test]
fn fixed_answers_are_answers() {
    accept_answer("respond = {}");
    accept_answer("respond = { status = 204 }");
    for (respond, path) in [
        ("status = 199", "status"),
        ("status = 600", "status"),
        ("status = 204, body = 'a'", "body"),
        ("status = 304, body_file = '/a'", "body_file"),
        ("body = 'a', body_file = '/a'", "body_file"),
        ("body_file = 'a'", "body_file"),
        ("body = 'a', content_type = ''", "content_type"),
        ("body = 'a', content_type = \"a\\n\"", "content_type"),
    ] {
        let (found, _) = answer_fault_of(&format!("respond = {{ {respond} }}"));
        assert_eq!(found, format!("respond.{path}"), "{respond}");
    }
    let body = |length: usize| format!("respond = {{ body = '{}' }}", "a".repeat(length));
    accept_answer(&body(64 * 1024));
    assert_eq!(answer_fault_of(&body(64 * 1024 + 1)).0, "respond.body");
}

#[test]
fn files_lie_below_their_folder() {
    accept_answer("files = { root = '/srv', index = [], fallback = 'a/b.html' }");
    for (files, path) in [
        ("index = ['a']", "root"),
        ("root = 'srv'", "root"),
        ("root = '/srv', index = ['a/b']", "index[0]"),
        ("root = '/srv', index = ['a', '..']", "index[1]"),
        ("root = '/srv', fallback = '/../a'", "fallback"),
        ("root = '/srv', fallback = ''", "fallback"),
        ("root = '/srv', cache_control = ''", "cache_control"),
        ("root = '/srv', cache_control = \"a\\nb\"", "cache_control"),
    ] {
        let (found, _) = answer_fault_of(&format!("files = {{ {files} }}"));
        assert_eq!(found, format!("files.{path}"), "{files}");
    }
    let index = |count: usize| {
        let names: String = (0..count).map(|n| format!("'{n}',")).collect();
        format!("files = {{ root = '/srv', index = [{names}] }}")
    };
    accept_answer(&index(16));
    assert_eq!(answer_fault_of(&index(17)).0, "files.index");
}

#[test]
fn rewrites_have_one_form() {
    for right in
        ["strip_prefix = '/a'", "add_prefix = '/a'", "path = '$x'", "regex = 'a', with = ''"]
    {
        accept(&with(&format!("rewrite = {{ {right} }}")));
    }
    for (rewrite, path) in [
        ("", ""),
        ("strip_prefix = '/a', path = '/b'", ""),
        ("regex = 'a'", ""),
        ("with = 'a'", ""),
        ("strip_prefix = 'a'", ".strip_prefix"),
        ("add_prefix = 'a'", ".add_prefix"),
        ("path = 'a'", ".path"),
        ("path = \"/a\\n\"", ".path"),
        ("regex = '', with = 'a'", ".regex"),
    ] {
        let (found, _) = fault_of(&format!("rewrite = {{ {rewrite} }}"));
        assert_eq!(found, format!("rewrite{path}"), "{rewrite}");
    }
}

#[test]
fn fields_that_are_the_gateways_own_are_not_changed() {
    for (name, part) in [
        ("Host", "host_rewrite"),
        ("Content-Length", "where a message ends"),
        ("transfer-encoding", "where a message ends"),
        ("Connection", "one connection"),
        ("Upgrade", "one connection"),
        ("TE", "one connection"),
        ("Trailer", "one connection"),
        ("a b", "no name of a field"),
    ] {
        let (path, message) = fault_of(&format!("request_headers = {{ remove = ['{name}'] }}"));
        assert_eq!(path, "request_headers.remove[0]");
        assert!(message.contains(part), "{name}: {message}");
    }
    let (path, _) = fault_of("response_headers = { set = { Connection = 'close' } }");
    assert_eq!(path, "response_headers.set.Connection");
}

#[test]
fn changes_of_fields_are_checked() {
    for (edits, path) in [
        ("set = { A = \"a\\nb\" }", "set.A"),
        ("set = { A = 'a', a = 'b' }", "set.a"),
        ("append = { A = 3 }", "append.A"),
        ("set = { A = 'a' }, remove = ['a']", "remove[0]"),
        ("remove = ['a', 'A']", "remove[1]"),
    ] {
        let (found, _) = fault_of(&format!("request_headers = {{ {edits} }}"));
        assert_eq!(found, format!("request_headers.{path}"), "{edits}");
    }
    accept(&with("request_headers = { set = { A = '' }, append = { A = 'b' } }"));
    let remove = |count: usize| {
        let names: String = (0..count).map(|n| format!("'X-{n}',")).collect();
        format!("request_headers = {{ remove = [{names}] }}")
    };
    accept(&with(&remove(64)));
    assert_eq!(fault_of(&remove(65)).0, "request_headers");
}

#[test]
fn what_only_an_upstream_sees_needs_one() {
    for keys in [
        "host_rewrite = 'a'",
        "rewrite = { path = '/a' }",
        "request_headers = { remove = ['A'] }",
        "load_balancer = 'round_robin'",
    ] {
        accept(&with(keys));
        let (path, _) = answer_fault_of(&format!("respond = {{}}, {keys}"));
        assert!(keys.starts_with(&path), "{path}");
    }
    accept_answer("files = { root = '/srv' }, rewrite = { path = '/a' }");
    accept_answer("redirect = { to = '/' }, response_headers = { remove = ['A'] }");
    for host in ["", "http://a", "a b"] {
        assert_eq!(fault_of(&format!("host_rewrite = '{host}'")).0, "host_rewrite");
    }
}

#[test]
fn request_ids_have_a_field_of_their_own() {
    for header in ["Host", "Content-Length", "a b"] {
        let faults = refuse(&format!("request_id = {{ header = '{header}' }}\n{LEAST}"));
        assert_eq!(faults[0].path, "request_id.header", "{header}");
    }
}

#[test]
fn priorities_have_32_bits() {
    accept(&with("priority = -2147483648"));
    accept(&with("priority = 2147483647"));
    assert_eq!(fault_of("priority = 2147483648").0, "priority");
}

#[test]
fn routes_that_conditions_tell_apart_need_names() {
    let second =
        "[[routes]]\npath = '/static/*'\nwhen = { scheme = 'https' }\ncluster = 'static'\n";
    let faults = refuse(&format!("{FULL}\n{second}"));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].message.contains("without an `id`"), "{}", faults[0]);
    accept(&format!("{FULL}\n{second}id = 'secure'\n"));
}
