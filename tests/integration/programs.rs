//! Programs that people use: curl, Python's client, wrk and hey as clients, nginx as the upstream.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::support::gateway::reserve;
use crate::support::{Gateway, Upstream, program, run, until};

/// nginx, serving a folder; stopped with the test.
struct Nginx {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Nginx {
    fn start() -> Option<Self> {
        let nginx = program("nginx")?;
        let folder = tempfile::tempdir().expect("a folder");
        let address = {
            let (_port, address) = reserve();
            address
        };
        let place = folder.path().display().to_string();
        fs::create_dir(folder.path().join("files")).expect("a folder");
        fs::write(folder.path().join("files/hello.txt"), "hello from nginx\n").expect("a file");
        fs::write(folder.path().join("files/large"), vec![b'x'; 5_000_000]).expect("a file");
        let text = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n\
             events {{ worker_connections 512; }}\nhttp {{ access_log off;\n\
             client_body_temp_path {place}/a; proxy_temp_path {place}/b;\n\
             fastcgi_temp_path {place}/c; uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;\n\
             gzip on; gzip_types text/plain; gzip_min_length 1;\n\
             server {{ listen {address}; root {place}/files; }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), text).expect("a file");
        let child = Command::new(nginx)
            .args(["-p", &place, "-c", &format!("{place}/nginx.conf")])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let nginx = Self { child, address, folder };
        until("nginx listens", 10, || std::net::TcpStream::connect(address).ok().map(drop));
        Some(nginx)
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join("files").join(name)).expect("the file")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It is this test's own child; if it ended already, there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn curl(arguments: &[&str]) -> Option<(Option<i32>, String, String)> {
    Some(run(Command::new(program("curl")?).args(["-sS", "--max-time", "20"]).args(arguments)))
}

#[test]
fn curl_reads_from_nginx() {
    let Some(nginx) = Nginx::start() else { return };
    let gateway = Gateway::to(&[nginx.address]);
    let url = format!("http://{}/hello.txt", gateway.address);
    let Some((status, out, error)) = curl(&[&url, &url]) else { return };
    assert_eq!(status, Some(0), "{error}");
    assert_eq!(out, "hello from nginx\n".repeat(2));
    let (_, out, _) = curl(&["--compressed", "-I", &url]).expect("curl is there");
    assert!(out.starts_with("HTTP/1.1 200"), "{out}");
    let ranged = curl(&["-r", "0-4", &url]).expect("curl is there");
    assert_eq!(ranged.1, "hello");
}

#[test]
fn curl_gets_the_same_large_file() {
    let Some(nginx) = Nginx::start() else { return };
    let gateway = Gateway::to(&[nginx.address]);
    let out = gateway.file("large");
    let url = format!("http://{}/large", gateway.address);
    let place = out.display().to_string();
    let Some((status, _, error)) = curl(&["-o", &place, &url]) else { return };
    assert_eq!(status, Some(0), "{error}");
    assert!(fs::read(&out).expect("the file") == nginx.file("large"));
}

#[test]
fn curl_uploads_a_file_in_both_framings() {
    let upstream = Upstream::saying("taken");
    let gateway = Gateway::to(&[upstream.address]);
    let file = gateway.file("upload");
    let body: Vec<u8> = (0..400_000_u32).map(|n| (n % 253) as u8).collect();
    fs::write(&file, &body).expect("a file");
    let (place, url) = (file.display().to_string(), format!("http://{}/", gateway.address));
    let Some((_, out, error)) = curl(&["-T", &place, &url]) else { return };
    assert_eq!(out, "taken", "{error}");
    let chunked = ["-T", &place, "-H", "Transfer-Encoding: chunked", &url];
    let (_, out, error) = curl(&chunked).expect("curl is there");
    assert_eq!(out, "taken", "{error}");
    for request in upstream.received() {
        assert!(request.body == body);
    }
}

#[test]
fn pythons_client_keeps_its_connection() {
    let Some(python) = program("python3") else { return };
    let upstream = Upstream::saying("ok");
    let gateway = Gateway::to(&[upstream.address]);
    let script = "import http.client, sys\n\
        c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=10)\n\
        for n in range(5):\n\
        \x20   c.request('POST', '/%d' % n, body=iter([b'a', b'bc']), encode_chunked=True,\n\
        \x20             headers={'Transfer-Encoding': 'chunked'})\n\
        \x20   r = c.getresponse()\n\
        \x20   assert (r.status, r.read()) == (200, b'ok'), r.status\n\
        c.request('HEAD', '/')\n\
        assert c.getresponse().read() == b''\n";
    let port = gateway.address.port().to_string();
    let (status, out, error) = run(Command::new(python).args(["-c", script, &port]));
    assert_eq!(status, Some(0), "{out}{error}");
    let received = upstream.received();
    assert_eq!(received.len(), 6);
    assert!(received[..5].iter().all(|request| request.body == b"abc"));
}

#[test]
fn wrk_and_hey_see_no_error() {
    let Some(nginx) = Nginx::start() else { return };
    let gateway =
        Gateway::with_top("workers = 2", &crate::support::gateway::route_to(&[nginx.address]));
    let url = format!("http://{}/hello.txt", gateway.address);
    if let Some(wrk) = program("wrk") {
        let (status, out, error) = run(Command::new(wrk).args(["-t1", "-c32", "-d2s"]).arg(&url));
        assert_eq!(status, Some(0), "{error}");
        assert!(!out.contains("Non-2xx") && !out.contains("Socket errors"), "{out}");
    }
    if let Some(hey) = program("hey") {
        let (status, out, error) =
            run(Command::new(hey).args(["-n", "2000", "-c", "20"]).arg(&url));
        assert_eq!(status, Some(0), "{error}");
        assert!(out.contains("[200]\t2000 responses"), "{out}");
    }
}
