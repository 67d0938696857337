//! `frys demo`: two upstreams on loopback and the gateway in front of them, until Ctrl-C.

use crate::cli::run;
use crate::config::Format;
use crate::gateway::Gateway;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;

/// Bytes of a request's body that a demo upstream reads before it answers.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Starts the demo; ends with Ctrl-C.
///
/// The ports are those given, or free ones where they are taken.
pub fn run(listen_port: u16, admin_port: u16) -> ExitCode {
    match start(listen_port, admin_port) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("frys: the demo could not start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(listen_port: u16, admin_port: u16) -> io::Result<ExitCode> {
    let blue = upstream("blue")?;
    let green = upstream("green")?;
    let listen_port = free(listen_port)?;
    let admin_port = free(admin_port)?;
    let text = configuration(listen_port, admin_port, blue, green);
    println!("# The configuration of this demo; save it as frys.toml to go on from here.\n{text}");
    println!("# Try:");
    println!("#   curl -i http://127.0.0.1:{listen_port}/hello          # three of four say blue");
    println!("#   curl -i http://127.0.0.1:{listen_port}/green/hello    # always green");
    println!("#   curl -i http://127.0.0.1:{listen_port}/users/7/posts  # a path parameter");
    println!("#   curl -i -d 'some text' http://127.0.0.1:{listen_port}/echo");
    println!("#   curl -i http://127.0.0.1:{listen_port}/missing/route -X DELETE  # 405, and why");
    println!("# The admin is at http://127.0.0.1:{admin_port}: /health /ready /stats /metrics");
    println!("# Ctrl-C ends it.");
    match Gateway::from_text(&text, Format::Toml, "demo.toml") {
        Ok(gateway) => Ok(run::serve(&gateway)),
        Err(error) => {
            eprintln!("{error}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn configuration(listen_port: u16, admin_port: u16, blue: u16, green: u16) -> String {
    format!(
        r#"
listen_addr = "127.0.0.1:{listen_port}"
workers     = "auto"                       # one for each core

[admin]
address = "127.0.0.1:{admin_port}"

[[routes]]                                 # everything, three to one
path      = "/*"
methods   = ["GET", "POST"]
upstreams = [
    {{ url = "http://127.0.0.1:{blue}", weight = 75 }},
    {{ url = "http://127.0.0.1:{green}", weight = 25 }},
]

[[routes]]                                 # the longer prefix wins
path      = "/green/*"
upstreams = [{{ url = "http://127.0.0.1:{green}" }}]

[[routes]]                                 # a parameter
path      = "/users/{{id}}/posts"
upstreams = [{{ url = "http://127.0.0.1:{blue}" }}]
"#
    )
}

/// The port itself if it is free on loopback, else one that the system chooses.
fn free(port: u16) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.port())
}

/// Starts an upstream that says its name and what it was asked; its port.
fn upstream(name: &'static str) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name(format!("demo-{name}"))
        .spawn(move || runtime.block_on(serve(listener, name)))?;
    Ok(port)
}

async fn serve(listener: TcpListener, name: &'static str) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("inside the runtime");
    loop {
        // An accept that fails (no descriptor left) is tried again when the next client comes.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(request, name));
            let connection = hyper::server::conn::http1::Builder::new();
            // A client that breaks off is nothing to report.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    name: &'static str,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut text = format!("{name} was asked: {} {}\n", request.method(), request.uri());
    for (field, value) in request.headers() {
        text.push_str(&format!("  {field}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    let body = http_body_util::Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let bytes_count = body.map_or(0, |body| body.to_bytes().len());
    text.push_str(&format!("  and sent {bytes_count} bytes\n"));
    let response = Response::builder().header("Content-Type", "text/plain").header("Server", name);
    let response = response.body(Full::new(Bytes::from(text)));
    Ok(response.expect("name and value are valid"))
}
