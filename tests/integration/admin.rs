//! The admin server: health, readiness, statistics, metrics.

use std::process::{Command, Stdio};

use crate::support::gateway::route_to;
use crate::support::{Gateway, Upstream, Wire, program};

#[test]
fn says_that_it_is_healthy_and_ready() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    assert_eq!(gateway.admin("/health").status, 200);
    assert_eq!(gateway.admin("/ready").status, 200);
    assert_eq!(gateway.admin("/nothing").status, 404);
}

#[test]
fn answers_over_tcp_as_well() {
    let upstream = Upstream::saying("ok");
    // An address of loopback that only this test uses, so that the port is free.
    let [a, b] = (std::process::id() as u16).to_be_bytes();
    let address = std::net::SocketAddr::from(([127, 99, a, b.max(1)], 19_901));
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "listen_addr = \"unix:{0}/front\"\n[admin]\naddress = \"{address}\"\n{1}",
        folder.path().display(),
        route_to(&[upstream.address])
    );
    let mut command = crate::support::gateway::frys_on(folder.path(), "run", "frys.toml", &text);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let response = crate::support::until("the admin listens", 20, || {
        let stream = std::net::TcpStream::connect(address).ok()?;
        Some(Wire::over(stream).ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    });
    assert_eq!(response.status, 200);
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.expect("kill starts").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn counts_requests_by_route_and_upstream() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    for _ in 0..7 {
        gateway.get("/");
    }
    let stats = crate::support::until("the requests are counted", 5, || {
        let stats = gateway.stats();
        let routes = stats.get("routes")?.as_array()?.clone();
        (routes.first()?.get("requests")?.as_u64()? == 7).then_some(stats)
    });
    for key in ["workers", "routes", "upstreams"] {
        assert!(stats.get(key).is_some_and(|value| value.is_array()), "{key}: {stats:#}");
    }
}

#[test]
fn metrics_are_text_that_prometheus_reads() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    gateway.get("/");
    gateway.get("/");
    let response = gateway.admin("/metrics");
    assert!(response.field("content-type").is_some_and(|value| value.starts_with("text/plain")));
    let text = response.text();
    assert!(text.lines().any(|line| line.starts_with("frys_")), "{text}");
    let Some(promtool) = program("promtool") else { return };
    let file = gateway.file("metrics.txt");
    std::fs::write(&file, &text).expect("the file can be written");
    let input = std::fs::File::open(&file).expect("the file is there");
    let mut command = Command::new(promtool);
    let (status, out, error) = crate::support::run(command.args(["check", "metrics"]).stdin(input));
    assert_eq!(status, Some(0), "{out}{error}");
}

#[test]
fn metrics_are_openmetrics_on_request() {
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    gateway.get("/");
    let response = gateway
        .try_admin_accepting("/metrics", "application/openmetrics-text; version=1.0.0")
        .expect("the admin answers");
    let kind = response.field("content-type").unwrap_or_default().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(response.text().ends_with("# EOF\n"));
}

#[test]
fn serves_no_admin_path_to_clients() {
    let upstream = Upstream::saying("from the upstream");
    let gateway = Gateway::to(&[upstream.address]);
    for path in ["/metrics", "/stats", "/health", "/ready"] {
        assert_eq!(gateway.get(path).text(), "from the upstream");
    }
}
