//! Several gateways in one process have nothing in common.

use super::{address_of, config, get, saying, started, until_refused};
use frys_gateway::{Phase, RouteBuilder, Workers};

use std::io::{Read, Write};
use std::net::TcpStream;

#[tokio::test]
async fn one_reloads_one_drains_and_the_third_goes_on() {
    let first = started(config(vec![saying("first")]));
    let second = started(config(vec![saying("second")]));
    let mut of_third = config(vec![saying("third")]);
    of_third.workers = Workers::Count(2);
    of_third.routes.push(RouteBuilder::new("gone").path("/gone").redirect("/", 302).build());
    let third = started(of_third);
    let (one, two, three) = (address_of(&first), address_of(&second), address_of(&third));
    let mut kept = TcpStream::connect(three).expect("it listens");
    assert_eq!(ask(&mut kept), "third");

    let reloaded = first.handle().replace(config(vec![saying("first again")])).await;
    let reloaded = reloaded.expect("no fault");
    assert_eq!(reloaded.changes.routes.changed.names, ["all"]);
    second.handle().drain();
    second.ended().await.expect("an orderly end");
    until_refused(two);

    assert_eq!(get(one, "/", "").body, "first again");
    assert_eq!(ask(&mut kept), "third");
    assert_eq!(get(three, "/gone", "").status, 302);
    let (of_first, of_third) = (first.stats(), third.stats());
    assert_eq!((of_first.generation, of_third.generation), (2, 1));
    assert_eq!((of_first.phase, of_third.phase), (Phase::Ready, Phase::Ready));
    assert_eq!((of_first.workers.len(), of_third.workers.len()), (1, 2));
    assert_eq!(of_third.total.requests, 3);
    assert_eq!(of_third.routes["gone"].classes.redirection, 1);
    assert_eq!(of_first.total.requests, 1);

    for running in [first, third] {
        running.handle().drain();
        running.ended().await.expect("an orderly end");
    }
}

/// Asks on a connection that stays.
fn ask(client: &mut TcpStream) -> String {
    client.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").expect("it reads");
    let mut text = String::new();
    while !text.contains("\r\n\r\n") {
        let mut bytes = [0; 1024];
        let count = client.read(&mut bytes).expect("it answers");
        assert!(count > 0, "the connection was closed");
        text += &String::from_utf8_lossy(&bytes[..count]);
    }
    text.split_once("\r\n\r\n").expect("a head").1.to_owned()
}
