//! What a filter sees of answers, and what it makes of them.

use super::support::*;
use frys_gateway::*;
use serde_json::json;
use std::net::TcpListener;

/// Says what it sees, and marks it.
fn marking(told: &Told, response: &mut Response<'_>, _: &mut FilterContext<'_>) -> Flow {
    let from = response.field("x-from").map(|from| String::from_utf8_lossy(from).into_owned());
    told.tell(format!(
        "{} {} {} {}",
        response.status().code(),
        response.reason(),
        response.is_of_upstream(),
        from.as_deref().unwrap_or("-"),
    ));
    response.append("X-Marked", told.settings["mark"].as_str().unwrap_or("yes")).expect("a field");
    response.remove("X-From").expect("a field");
    Flow::Continue
}

#[test]
fn every_answer_is_shown_once_and_marked() {
    let (mut script, heard_of) = Script::new(pass);
    script.response = Some(marking);
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let see = || vec![custom("see", json!({}))];
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("below")).expect("a folder");
    std::fs::write(folder.path().join("small"), "small file").expect("a file");
    std::fs::write(folder.path().join("large"), vec![b'x'; 1 << 20]).expect("a file");
    let answering =
        |path: &str| Route { path: path.into(), middlewares: see(), ..Route::default() };
    let fixed = StaticResponse { body: Some("fixed".into()), ..StaticResponse::default() };
    let redirect = Redirect { to: "/there".into(), status: 308 };
    let files = FileServing { root: folder.path().to_owned(), ..FileServing::default() };
    let routes = vec![
        route("/*", upstream("up"), see()),
        route("/closed/*", closed, see()),
        Route { respond: Some(fixed), ..answering("/fixed") },
        Route { redirect: Some(redirect), ..answering("/redirect") },
        Route { files: Some(files), ..answering("/files/*") },
    ];
    let routes = routes.into_iter().map(|route| match route.path.as_str() {
        "/files/*" => Route {
            rewrite: Some(Rewrite::Prefix { strip: "/files".into(), add: "".into() }),
            ..route
        },
        _ => route,
    });
    let serving = Serving::start(config(routes.collect()), Extensions::new().filter("see", script));
    for (target, status, seen) in [
        ("/", 200, "200 ok true up"),
        ("/closed/x", 502, "502 connect_refused false -"),
        ("/fixed", 200, "200 responded false -"),
        ("/redirect", 308, "308 redirected false -"),
        ("/files/small", 200, "200 file_served false -"),
        ("/files/large", 200, "200 file_served false -"),
        ("/files/none", 404, "404 file_not_found false -"),
        ("/files/below", 308, "308 redirected false -"),
    ] {
        let answer = serving.get(target);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.all("X-Marked"), ["yes"], "{target}");
        assert_eq!(answer.all("X-From").len(), 0, "{target}");
        assert_eq!(heard(&heard_of), seen, "{target}");
    }
    assert!(heard_of.try_recv().is_err());
}

#[test]
fn those_that_let_the_request_pass_see_the_answer_in_reverse() {
    let named = |name: &str| custom("see", json!({ "mark": name }));
    let (mut script, _) = Script::new(|told, request, _| {
        let is_me = request
            .field("X-Stop")
            .map(|stop| told.settings["mark"] == *String::from_utf8_lossy(stop));
        match is_me {
            Some(true) => Flow::Respond(Reply::new(Status::FORBIDDEN)),
            Some(false) | None => Flow::Continue,
        }
    });
    script.response = Some(marking);
    let routes = vec![route("/*", upstream("up"), vec![named("a"), named("b"), named("c")])];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    assert_eq!(serving.get("/").all("X-Marked"), ["c", "b", "a"]);
    let stopped = |at: &str| {
        let answer =
            serving.client().ask(&format!("GET / HTTP/1.1\r\nHost: t\r\nX-Stop: {at}\r\n\r\n"));
        assert_eq!(answer.status, 403);
        answer.all("X-Marked").join(" ")
    };
    assert_eq!(stopped("c"), "b a");
    assert_eq!(stopped("b"), "a");
    assert_eq!(stopped("a"), "");
}

/// Puts another answer in the place of what its settings say.
fn replacing(told: &Told, response: &mut Response<'_>, context: &mut FilterContext<'_>) -> Flow {
    let status = response.status().code();
    let settings = &told.settings;
    if settings["ask"] == status {
        return Flow::Ask(Question::task(|| ()));
    }
    if settings["replace"] == status {
        let reply = Reply::new(Status::SERVICE_UNAVAILABLE).text("replaced\n");
        return Flow::Respond(reply.field("X-Replaced", "yes").expect("a field"));
    }
    marking(told, response, context)
}

#[test]
fn an_answer_is_replaced_before_its_head_is_sent() {
    let (mut script, heard_of) = Script::new(pass);
    script.response = Some(replacing);
    let settings = |replace: u16| json!({ "replace": replace, "mark": replace.to_string() });
    let outer = || custom("see", settings(1));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("x"), "a file").expect("a file");
    let files = FileServing { root: folder.path().to_owned(), ..FileServing::default() };
    let fixed = StaticResponse { body: Some("fixed".into()), ..StaticResponse::default() };
    let route_of = |path: &str, replace: u16| Route {
        middlewares: vec![outer(), custom("see", settings(replace))],
        upstreams: Vec::new(),
        ..route(path, ([127, 0, 0, 1], 1).into(), Vec::new())
    };
    let routes = vec![
        Route {
            upstreams: route("/", upstream("up"), Vec::new()).upstreams,
            ..route_of("/*", 200)
        },
        Route { respond: Some(fixed), ..route_of("/fixed", 200) },
        Route { files: Some(files.clone()), ..route_of("/x", 200) },
        Route { files: Some(files), ..route_of("/none", 404) },
    ];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    let mut client = serving.client();
    for target in ["/", "/fixed", "/x", "/none", "/"] {
        let answer = client.ask(&format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!((answer.status, answer.body.as_str()), (503, "replaced\n"), "{target}");
        assert_eq!(answer.field("X-Replaced"), "yes", "{target}");
        assert_eq!(answer.field("X-Marked"), "1", "{target}");
        assert!(heard(&heard_of).starts_with("503 filter_replied false"), "{target}");
    }
    // What was still to come of the body is not taken for the next request.
    let answer = client.ask("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nabc");
    assert_eq!((answer.status, answer.field("Connection")), (503, "close"));
    assert!(client.is_closed());
}

#[test]
fn an_answer_that_would_have_to_wait_is_a_failure() {
    let (mut script, _) = Script::new(pass);
    script.response = Some(replacing);
    let routes = vec![route("/*", upstream("up"), vec![custom("see", json!({ "ask": 200 }))])];
    let serving = Serving::start(config(routes), Extensions::new().filter("see", script));
    let answer = serving.get("/");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (500, "500 the answer could not be judged\n")
    );
}
