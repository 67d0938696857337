//! What a filter sees of requests, and what it makes of them.

use super::support::*;
use frys_gateway::*;
use serde_json::json;
use std::net::TcpListener;
use std::rc::Rc;

#[test]
fn a_filter_sees_the_request_and_writes_for_the_upstream() {
    let (script, _) = Script::new(|told, request, context| {
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"-")).into_owned();
        let seen = [
            request.method().as_str().to_owned(),
            text(Some(request.path())),
            text(request.query()),
            text(request.host()),
            text(request.parameter("id")),
            text(request.parameter("none")),
            text(request.field("x-one")),
            request.fields_named("X-Two").count().to_string(),
            context.route().to_owned(),
            context.client().map_or("-".into(), |client| client.to_string()),
            context.worker().to_string(),
        ];
        request.set("X-Seen", seen.join(" ")).expect("a field");
        request.set("X-One", "set").expect("a field");
        request.append("X-Three", told.settings["three"].as_str().expect("set")).expect("a field");
        request.remove("X_Two").expect("a field");
        request.answer().set("X-Answer", "early").expect("a field");
        Flow::Continue
    });
    let routes = vec![route("/a/{id}", upstream("up"), vec![custom("see", json!({"three": "3"}))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    let answer = serving
        .client()
        .ask("PUT /a/x%2Dy?q=1 HTTP/1.1\r\nHost: test\r\nX-One: 1\r\nX-Two: a\r\nx-two: b\r\n\r\n");
    let sent = &answer.upstream()["fields"];
    assert_eq!(sent["x-seen"], "PUT /a/x-y q=1 test x-y - 1 2 a/{id}-route 127.0.0.1 0");
    assert_eq!(sent["x-one"], "set");
    assert_eq!(sent["x-three"], "3");
    assert_eq!(sent.get("x-two"), None);
    assert_eq!(answer.field("X-Answer"), "early");
}

#[test]
fn a_filter_cannot_write_what_would_make_another_message() {
    let (script, heard_of) = Script::new(|told, request, _| {
        let faults = [
            request.set("X-A", "a\r\nX-B: b"),
            request.set("X A", "a"),
            request.set("", "a"),
            request.append("Content-Length", "7"),
            request.set("Transfer_Encoding", "chunked"),
            request.remove("Host"),
            request.set("Connection", "close"),
            request.answer().set("Content-Length", "7"),
            request.answer().append("X-C", "\0"),
        ];
        told.tell(format!("{faults:?}"));
        Flow::Continue
    });
    let routes = vec![route("/*", upstream("up"), vec![custom("see", json!(null))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    let answer = serving.get("/");
    assert_eq!(answer.status, 200);
    let (value, name, reserved) = ("Err(Value)", "Err(Name)", "Err(Reserved)");
    let want = [value, name, name, reserved, reserved, reserved, reserved, reserved, value];
    assert_eq!(heard(&heard_of), format!("[{}]", want.join(", ")));
    assert_eq!(answer.upstream()["fields"].get("x-b"), None);
}

#[test]
fn a_filter_answers_itself_and_the_connection_goes_on() {
    let (script, _) = Script::new(|_, request, _| {
        if request.path() == b"/empty" {
            return Flow::Respond(Reply::new(Status::NO_CONTENT));
        }
        let reply = Reply::new(Status::PAYMENT_REQUIRED).text("pay\n").field("X-Price", "1");
        Flow::Respond(reply.expect("a field"))
    });
    let routes = vec![route("/*", upstream("up"), vec![custom("see", json!({}))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    let mut client = serving.client();
    let answer = client.ask("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!((answer.status, answer.body.as_str()), (402, "pay\n"));
    assert_eq!(answer.field("X-Price"), "1");
    assert_eq!(answer.field("Content-Type"), "text/plain; charset=utf-8");
    let answer = client.ask("GET /empty HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!((answer.status, answer.all("Content-Type").len()), (204, 0));
    let answer = client.ask("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(answer.status, 402);
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut head = [0; 12];
    std::io::Read::read_exact(&mut client.stream, &mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 402");
}

#[test]
fn an_informational_reply_is_a_failure() {
    let (script, _) =
        Script::new(|_, _, _| Flow::Respond(Reply::new(Status::new(103).expect("a status"))));
    let routes = vec![route("/*", upstream("up"), vec![custom("see", json!({}))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    assert_eq!(serving.get("/").status, 500);
}

#[test]
fn what_is_slow_is_done_elsewhere() {
    let (mut script, _) = Script::new(|_, request, context| {
        context.set(Box::new(std::thread::current().id()));
        let path = request.path().to_vec();
        Flow::Ask(Question::task(move || {
            assert_ne!(path, b"/panics", "this one fails");
            (std::thread::current().id(), path.len())
        }))
    });
    script.answer = |_, answer, request, context| {
        let worker = *context.get::<std::thread::ThreadId>().expect("it was kept");
        assert_eq!(worker, std::thread::current().id(), "the worker goes on");
        match answer.take::<(std::thread::ThreadId, usize)>() {
            Some((thread, bytes)) => {
                assert_ne!(thread, worker, "the task ran elsewhere");
                request.set("X-Bytes", bytes.to_string()).expect("a field");
                Flow::Continue
            }
            None => Flow::Respond(Reply::new(Status::SERVICE_UNAVAILABLE).text("later\n")),
        }
    };
    let routes = vec![route("/*", upstream("up"), vec![custom("ask", json!({}))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("ask", script));
    assert_eq!(serving.get("/12345").upstream()["fields"]["x-bytes"], "6");
    let answer = serving.get("/panics");
    assert_eq!((answer.status, answer.body.as_str()), (503, "later\n"));
    assert_eq!(serving.get("/123").upstream()["fields"]["x-bytes"], "4");
}

#[test]
fn one_that_asks_for_ever_fails() {
    let (mut script, _) = Script::new(|_, _, _| Flow::Ask(Question::task(|| ())));
    script.answer = |_, _, _, _| Flow::Ask(Question::task(|| ()));
    let routes = vec![route("/*", upstream("up"), vec![custom("ask", json!({}))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("ask", script));
    assert_eq!(serving.get("/").status, 500);
}

#[test]
fn who_asks_is_found_out_by_one_filter_and_read_by_the_next() {
    let (who, _) = Script::new(|_, request, context| {
        let name = request.field("X-Key").map(|key| String::from_utf8_lossy(key).into_owned());
        if let Some(name) = name {
            let claims = json!({ "roles": ["reader"] });
            let subject = name.into_boxed_str();
            context.identify(Rc::new(Principal { subject, method: "custom", claims }));
        }
        Flow::Continue
    });
    let (read, _) = Script::new(|_, request, context| match context.principal() {
        Some(principal) if principal.has("roles", "reader") => {
            let subject = principal.subject.to_string();
            request.set("X-Subject", subject).expect("a field");
            Flow::Continue
        }
        Some(_) | None => Flow::Respond(Reply::new(Status::UNAUTHORIZED)),
    });
    let middlewares = vec![custom("who", json!({})), custom("read", json!({}))];
    let routes = vec![route("/*", upstream("up"), middlewares)];
    let extensions = Extensions::new().filter("who", who).filter("read", read);
    let serving = Serving::start(config(routes), extensions);
    assert_eq!(serving.get("/").status, 401);
    let answer = serving.client().ask("GET / HTTP/1.1\r\nHost: test\r\nX-Key: ann\r\n\r\n");
    assert_eq!(answer.upstream()["fields"]["x-subject"], "ann");
}

#[test]
fn the_end_is_told_however_it_comes() {
    let (mut script, heard_of) = Script::new(|_, request, context| {
        context.set(Box::new(String::from_utf8_lossy(request.path()).into_owned()));
        match request.path() {
            b"/own" => Flow::Respond(Reply::new(Status::FORBIDDEN)),
            _ => Flow::Continue,
        }
    });
    script.end = Some(|told, outcome, context| {
        let kept = context.take().expect("it was kept").downcast::<String>().expect("a text");
        let upstream = outcome.upstream.is_some();
        let Outcome { status, reason, upstream_status, attempts_count, .. } = outcome;
        let Outcome { body_bytes_in, body_bytes_out, .. } = outcome;
        told.tell(format!(
            "{kept} {status} {reason} {upstream_status} {attempts_count} {upstream} \
             {body_bytes_in} {}",
            *body_bytes_out > 0
        ));
    });
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let see = || vec![custom("see", json!({}))];
    let routes = vec![route("/*", upstream("up"), see()), route("/closed/*", closed, see())];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    serving.client().ask("POST /up HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(heard(&heard_of), "/up 200 ok 200 1 true 0 true");
    serving.get("/own");
    assert_eq!(heard(&heard_of), "/own 403 filter_replied 0 0 false 0 false");
    serving.get("/closed/x");
    assert_eq!(heard(&heard_of), "/closed/x 502 connect_refused 0 1 true 0 true");
    // The next request is no other's: nothing of the last one is left.
    serving.get("/up");
    assert_eq!(heard(&heard_of), "/up 200 ok 200 1 true 0 true");
}

#[test]
fn several_gateways_with_the_same_extensions_are_apart() {
    let (script, _) = Script::new(|told, request, _| {
        let name = told.settings["name"].as_str().expect("set");
        request.set("X-Gateway", name).expect("a field");
        Flow::Continue
    });
    let extensions = Extensions::new().filter("name", script);
    let address = upstream("up");
    let start = |name: &str| {
        let routes = vec![route("/*", address, vec![custom("name", json!({ "name": name }))])];
        Serving::start(config(routes), extensions.clone())
    };
    let (one, two) = (start("one"), start("two"));
    assert_eq!(two.get("/").upstream()["fields"]["x-gateway"], "two");
    assert_eq!(one.get("/").upstream()["fields"]["x-gateway"], "one");
}
