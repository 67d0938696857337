//! All that a request pays to find its route: canonical path, host, path, method.

use super::routes::{self, COUNTS, REQUESTS_COUNT};
use super::{Case, Round};

use frys_gateway::http::method::Method;
use frys_gateway::router::{Found, NoGuards, Parameters, Request, Scratch, path};

use std::hint::black_box;

pub fn cases() -> Vec<Case> {
    let case = |count: &u32| {
        let count = *count;
        Case::new(&format!("route/{count}"), REQUESTS_COUNT as u64, move || find(count))
    };
    COUNTS.iter().map(case).collect()
}

fn find(count: u32) -> Round {
    let wanted = routes::wanted(count, true);
    let (router, requests) = (routes::router(&wanted), routes::requests(&wanted));
    let (mut decoded, mut parameters) = (Vec::new(), Parameters::new());
    let mut scratch = Scratch::new();
    Box::new(move || {
        let mut right_count = 0;
        for request in &requests {
            let host = Some(request.asked_host.as_bytes());
            let path = path::canonical(black_box(request.path.as_bytes()), &mut decoded);
            let Ok(path) = path else { continue };
            let asked = Request { host, path: path.path, method: Method::GET };
            let found = router.find(&asked, &mut parameters, &mut scratch, &mut NoGuards);
            right_count += u64::from(matches!(found, Found::Route(id) if id == request.id));
        }
        right_count
    })
}
