//! `frys demo`: two upstreams on loopback and the gateway in front of them, until Ctrl-C.

use crate::bench::upstream::{self, Defaults, Options, Running};
use crate::cli::run;
use crate::config::Format;
use crate::gateway::Gateway;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;

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
    let (blue_port, green_port) = (blue.address().port(), green.address().port());
    let text = configuration(listen_port, admin_port, blue_port, green_port);
    println!("# The configuration of this demo; save it as frys.toml to go on from here.\n{text}");
    println!("# Try:");
    println!("#   curl -i http://127.0.0.1:{listen_port}/hello          # three of four say blue");
    println!("#   curl -i http://127.0.0.1:{listen_port}/green/hello    # always green");
    println!("#   curl -i http://127.0.0.1:{listen_port}/users/7/posts  # a path parameter");
    println!("#   curl -i -d 'some text' http://127.0.0.1:{listen_port}/echo");
    println!("#   curl -i http://127.0.0.1:{listen_port}/missing/route -X DELETE  # 405, and why");
    println!("#   curl -i http://127.0.0.1:{listen_port}/delay/500      # a slow upstream, 500 ms");
    println!("# The admin is at http://127.0.0.1:{admin_port}: /health /ready /stats /metrics");
    println!("# Ctrl-C ends it.");
    match Gateway::from_text(&text, Format::Toml, "demo.toml") {
        Ok(gateway) => Ok(run::serve(gateway)),
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

/// Starts an upstream that says its name and what it was asked.
fn upstream(name: &str) -> io::Result<Running> {
    let defaults = Defaults { name: Some(name.to_owned()), ..Defaults::default() };
    upstream::start(&Options { defaults, ..Options::default() }).map_err(io::Error::other)
}
