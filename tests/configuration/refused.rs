//! Files that are wrong: every fault at once, each with its place.

use super::{FULL, LEAST, accept, places, refuse};
use frys_gateway::config::{Fault, GatewayConfig, Loaded};
use frys_gateway::control::report;

/// The only fault of the least configuration with a line added.
fn fault_of(line: &str) -> Fault {
    let faults = refuse(&format!("{line}\n{LEAST}"));
    assert_eq!(faults.len(), 1, "{line}: {faults:?}");
    faults.into_iter().next().expect("one fault")
}

#[test]
fn lists_every_fault_in_the_order_of_the_file() {
    let faults = refuse(
        "listen_adr = \"0.0.0.0:8080\"\n\
         drain_timeout = 30\n\
         [limits]\n\
         request_line = \"8KB\"\n\
         fields = 0\n\
         [[routes]]\n\
         path = \"/a\"\n\
         mirror = { cluster = \"api\" }\n\
         upstreams = [{ url = \"http://a:1\" }, { url = \"ftp://b\", wieght = 2 }]\n\
         [[routes]]\n\
         path = \"/b\"\n\
         cluster = \"api\"\n\
         methods = [\"get\"]\n",
    );
    let want = [
        "1:1 listen_adr",
        "2:17 drain_timeout",
        "4:16 limits.request_line",
        "5:10 limits.fields",
        "8:1 routes[0].mirror",
        "9:46 routes[0].upstreams[1].url",
        "9:57 routes[0].upstreams[1].wieght",
        "12:11 routes[1].cluster",
        "13:12 routes[1].methods[0]",
    ];
    assert_eq!(places(&faults), want);
}

#[test]
fn names_the_nearest_key() {
    for (line, nearest) in [
        ("worker = 2", "workers"),
        ("listen-addr = \"0.0.0.0:1\"", "listen_addr"),
        ("trusted_proxy = []", "trusted_proxies"),
        ("acess_log = {}", "access_log"),
        ("limit = {}", "limits"),
    ] {
        let fault = fault_of(line);
        assert_eq!(fault.nearest.as_deref(), Some(nearest), "{line}");
        assert!(fault.to_string().contains(&format!("did you mean `{nearest}`?")), "{fault}");
    }
    assert_eq!(fault_of("xyzzy = 1").nearest, None);
}

#[test]
fn shows_the_fix_for_a_missing_unit() {
    for (line, fix) in [
        ("drain_timeout = 30", "`\"30s\"`"),
        ("drain_timeout = \"30\"", "`\"30s\"`"),
        ("limits = { body = 10485760 }", "`\"10240KiB\"`"),
        ("limits = { request_line = \"4096\" }", "`\"4KiB\"`"),
        ("limits = { trailers = \"4kb\" }", "`\"4KiB\"`"),
        ("listen_addr = \"8080\"", "`0.0.0.0:8080`"),
    ] {
        let text = LEAST.replace("listen_addr = \"0.0.0.0:8080\"", line);
        let text = if line.starts_with("listen") { text } else { format!("{line}\n{LEAST}") };
        let faults = refuse(&text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].message.contains(fix), "{}", faults[0].message);
    }
}

#[test]
fn refuses_features_that_are_not_built() {
    for line in ["tls = {}", "tracing_enabled = true", "cache = {}", "discovery = {}"] {
        let fault = fault_of(line);
        assert!(fault.message.contains("not built in this version"), "{line}: {fault}");
    }
    for (from, to, path) in [
        ("path = \"/*\"", "path = \"/*\", when = { sni = 'a' }", "routes[0].when.sni"),
        ("path = \"/*\"", "path = \"/*\", mirror = {}", "routes[0].mirror"),
        ("http://a:1", "https://a:1", "routes[0].upstreams[0].url"),
        ("http://a:1", "http+unix:/run/a.sock", "routes[0].upstreams[0].url"),
        (
            "path = \"/*\"",
            "path = \"/*\", load_balancer = \"least_loaded\"",
            "routes[0].load_balancer",
        ),
    ] {
        let faults = refuse(&LEAST.replace(from, to));
        assert_eq!(faults.len(), 1, "{to}: {faults:?}");
        assert_eq!(faults[0].path, path);
        assert!(faults[0].message.contains("not built in this version"), "{}", faults[0]);
    }
}

#[test]
fn refuses_wrong_types() {
    for (line, want) in [
        ("workers = true", "found `true`"),
        ("workers = \"many\"", "found the string \"many\""),
        ("listeners = {}", "expected a list, found a table"),
        ("limits = 3", "expected a table, found `3`"),
        ("metrics_enabled = \"yes\"", "expected `true` or `false`"),
        ("drain_timeout = 1979-05-27", "found a date"),
        ("limits = { fields = 1e3 }", "found `1000.0`"),
        ("limits = { fields = 99999999999999999999 }", "beyond 64 bits"),
        ("clusters = []", "a table of clusters"),
        ("trusted_proxies = [\"10.0.0.0/99\"]", "a network such as"),
    ] {
        let fault = fault_of(line);
        assert!(fault.message.contains(want), "{line}: {}", fault.message);
    }
}

#[test]
fn refuses_numbers_out_of_range() {
    for line in [
        "workers = 0",
        "workers = -1",
        "workers = []",
        "workers = [0, 0]",
        "workers = [5000]",
        "drain_timeout = \"0s\"",
        "drain_timeout = \"1000h\"",
        "reload = { max_generation_age = \"0s\" }",
        "connection_limits = { max_connections = 0 }",
        "connection_limits = { requests_per_connection = 0 }",
        "limits = { request_line = \"1MiB\" }",
        "limits = { fields_size = \"1B\" }",
        "runtime = { buffers = 100 }",
        "runtime = { entries = 1000 }",
        "runtime = { buffer_size = \"1KiB\" }",
        "timeouts = { total = \"0s\" }",
        "pool = { idle_timeout = \"none\" }",
        "metrics = { path = \"metrics\" }",
        "metrics = { path = \"/ready\" }",
        "access_log = { output = \"access.log\" }",
        "access_log = { format = \"\" }",
    ] {
        fault_of(line);
    }
}

#[test]
fn refuses_routes_without_a_target_or_with_two() {
    let least = "listen_addr = \"0.0.0.0:8080\"\n";
    let upstreams = "upstreams = [{ url = \"http://a:1\" }]";
    let cluster = format!("[clusters.api]\n{upstreams}\n");
    for (routes, path) in [
        ("[[routes]]\npath = \"/a\"".to_owned(), "routes[0].upstreams"),
        (format!("[[routes]]\n{upstreams}"), "routes[0].path"),
        ("[[routes]]\npath = \"/a\"\nupstreams = []".to_owned(), "routes[0].upstreams"),
        (format!("[[routes]]\npath = \"/\"\ncluster = \"api\"\n{upstreams}"), "routes[0].cluster"),
        ("[[routes]]\npath = \"/a\"\ncluster = \"apj\"".to_owned(), "routes[0].cluster"),
        ("routes = []".to_owned(), "routes"),
        ("".to_owned(), "routes"),
    ] {
        let faults = refuse(&format!("{least}{routes}\n{cluster}"));
        assert_eq!(faults.len(), 1, "{routes}: {faults:?}");
        assert_eq!(faults[0].path, path);
    }
}

#[test]
fn refuses_what_would_be_silently_ignored() {
    let weights = "[{ url = \"http://a:1\", weight = 2 }, { url = \"http://b:1\" }]";
    let weighted = LEAST.replace("[{ url = \"http://a:1\" }]", weights);
    refuse(&weighted.replace("path", "load_balancer = \"round_robin\", path"));
    refuse(&LEAST.replace("\"http://a:1\"", "\"http://a:1\", weight = 0"));
    refuse(&LEAST.replace("path = \"/*\"", "path = \"/*\", timeouts = { keep_alive = \"1s\" }"));
    let twice = "timeouts = { upstream_idle = \"1s\", idle = \"1s\" }";
    let faults = refuse(&LEAST.replace("path = \"/*\"", &format!("path = \"/*\", {twice}")));
    assert_eq!(faults[0].path, "routes[0].timeouts.idle");
    let faults = refuse(&format!(
        "timeouts = {{ connect = \"1s\" }}\n\
         connection_limits = {{ connection_timeout = \"2s\" }}\n{LEAST}"
    ));
    assert_eq!(faults[0].path, "timeouts.connect");
}

#[test]
fn refuses_two_of_one_name_or_address() {
    let twice = "listeners = [{ address = \"0.0.0.0:8080\" }]";
    assert_eq!(fault_of(twice).path, "listeners[0].address");
    let admin = "admin = { address = \"0.0.0.0:8080\" }";
    assert_eq!(fault_of(admin).path, "admin.address");
    let narrow = "listeners = [{ address = \"127.0.0.1:8080\" }]";
    let fault = fault_of(narrow);
    assert_eq!(fault.path, "listeners[0].address");
    assert!(fault.message.contains("overlap"), "{fault}");
    let faults = refuse(&FULL.replace("path = \"/static/*\"", "id = \"users\"\npath = \"/s\""));
    assert_eq!(faults[0].path, "routes[2].id");
    let faults = refuse(&FULL.replace("http://b:8080", "http://a:8080"));
    assert_eq!(faults[0].path, "routes[1].upstreams[1].url");
}

#[test]
fn a_wrong_name_of_a_field_is_one_fault() {
    let with = |set: &str| {
        let headers = format!("path = \"/*\", request_headers = {{ set = {{ {set} }} }}");
        refuse(&LEAST.replace("path = \"/*\"", &headers))
    };
    for (set, path) in [
        ("\"X Y\" = \"a\"", "routes[0].request_headers.set.\"X Y\""),
        ("X-Y = \"a\", X_Y = \"b\"", "routes[0].request_headers.set.X_Y"),
    ] {
        let faults = with(set);
        assert_eq!(faults.len(), 1, "{set}: {faults:?}");
        assert_eq!(faults[0].path, path);
    }
}

#[test]
fn a_number_with_a_fraction_is_shown_as_one() {
    let fault = fault_of("limits = { fields = 2.0e2 }");
    assert!(fault.message.contains("found `200.0`"), "{fault}");
}

#[test]
fn a_wrong_member_of_a_list_leaves_the_others_their_index() {
    let least = LEAST.replace(
        "[{ url = \"http://a:1\" }]",
        "[{ url = \"b\" }, \"http://c:1\", { url = \"http://a:1\" }, { url = \"http://a:1\" }]",
    );
    let listeners = "listeners = [{ address = \"b\" }, { address = \"0.0.0.0:8080\" }]";
    let faults = refuse(&format!("{listeners}\n{least}"));
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let want = [
        "listeners[0].address",
        "listeners[1].address",
        "routes[0].upstreams[0].url",
        "routes[0].upstreams[1]",
        "routes[0].upstreams[3].url",
    ];
    assert_eq!(paths, want);
    assert!(faults[4].message.contains("`upstreams[2]`"), "{}", faults[4]);
}

#[test]
fn refuses_an_address_that_would_trust_its_whole_network() {
    let fault = fault_of("trusted_proxies = [\"fd00::/8\", \"10.0.0.1/8\"]");
    assert_eq!(fault.path, "trusted_proxies[1]");
    assert_eq!(fault.nearest.as_deref(), Some("10.0.0.0/8"));
}

#[test]
fn says_that_there_are_more_faults_than_it_lists() {
    let wrong = "\"x\",".repeat(5_000);
    let faults = refuse(&format!("trusted_proxies = [{wrong}]\n{LEAST}"));
    assert_eq!(faults.len(), 1_000);
    assert!(faults[0].message.contains("more faults"), "{}", faults[0]);
}

#[test]
fn refuses_ids_that_metrics_use_themselves() {
    for id in [report::OTHER, report::NONE] {
        let faults = refuse(&LEAST.replace("path", &format!("id = \"{id}\", path")));
        assert_eq!(places(&faults), ["2:18 routes[0].id"], "{id}");
    }
    accept(&LEAST.replace("path", "id = \"other\", path"));
}

#[test]
fn a_fault_shows_file_line_and_caret() {
    let faults = refuse(&format!("{LEAST}[limits]\n  fields = \"many\"\n"));
    let want = "frys.toml:4:12: limits.fields: expected a whole number from 8 to 1000, \
                found the string \"many\"\n  4 |   fields = \"many\"\n    |            ^^^^^^";
    assert_eq!(faults[0].to_string(), want);
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let refused = |path| GatewayConfig::from_file(path).expect_err("wrong").to_string();
    assert!(refused(folder.path().join("none.toml")).contains("cannot be read"));
    assert!(refused(write("frys.conf", b"")).contains(".toml, .yaml, .yml or .json"));
    assert!(refused(write("latin.toml", b"a = \"\xe4\"")).contains("not UTF-8"));
    assert!(refused(write("empty.toml", b"")).contains("nowhere to listen"));
    assert!(refused("/dev/zero".into()).contains("ending"));
    let marked = format!("\u{feff}{LEAST}");
    GatewayConfig::from_file(write("mark.toml", marked.as_bytes())).expect("a byte order mark");
}

#[test]
fn finds_the_places_of_later_faults() {
    let document = Loaded::from_text(FULL.into(), frys_gateway::config::Format::Toml, "f.toml")
        .expect("right")
        .document;
    let mut faults = vec![
        Fault::new("routes[1].path", "a tie"),
        Fault::new("routes[0].host", "a tie"),
        Fault::new("clusters.api.upstreams[1].url", "unresolved"),
        Fault::new("routes[1].host", "missing: its route is shown"),
    ];
    document.locate(&mut faults);
    let line = |text: &str| 1 + FULL.lines().position(|line| line == text).expect("there");
    let found: Vec<_> = faults
        .iter()
        .map(|fault| fault.location.as_ref().map_or(0, |location| location.line as usize))
        .collect();
    let routes = FULL.lines().enumerate().filter(|(_, line)| *line == "[[routes]]");
    let routes: Vec<usize> = routes.map(|(index, _)| index + 1).collect();
    let cluster = 1 + line("[clusters.api]");
    let host = line("host = \"*.example.com\"");
    assert_eq!(found, [cluster, host, routes[1], line("path = \"/api/*\"")]);
}
