//! A gateway inside another program: started and ended from an ordinary thread, on a port that the
//! system chooses, in front of an upstream of the program's own.

use frys_gateway::{AdminConfig, Gateway, GatewayConfig, ListenAddress, Route, Upstream, Workers};

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let upstream = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", upstream.local_addr()?).parse()?;
    std::thread::spawn(move || answer(&upstream));

    let gateway = Gateway::checked(GatewayConfig {
        listen_addr: "127.0.0.1:0".parse()?,
        workers: Workers::Count(1),
        admin: AdminConfig { enabled: false, ..Default::default() },
        routes: vec![Route {
            id: "all".into(),
            path: "/*".into(),
            upstreams: vec![Upstream { url, weight: 1 }],
            ..Default::default()
        }],
        ..Default::default()
    })?;
    let mut running = gateway.launch()?;
    running.wait_ready()?;
    let ListenAddress::Tcp(address) = running.addresses()[0].clone() else {
        return Err("no TCP listener".into());
    };

    let mut client = TcpStream::connect(address)?;
    client.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    println!("{text}");
    assert!(text.ends_with("hello from inside\n"));

    running.handle().drain();
    running.wait()?;
    Ok(())
}

/// Answers every request with the same text.
fn answer(upstream: &TcpListener) {
    for stream in upstream.incoming() {
        let Ok(mut stream) = stream else { continue };
        let mut head = [0; 4096];
        let Ok(_) = stream.read(&mut head) else { continue };
        let body = "hello from inside\n";
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        // A gateway that left needs no answer.
        let _ = stream.write_all(text.as_bytes());
    }
}
