//! All that a request pays to find its route: canonical path, host, path, method, conditions.

use super::routes::{self, COUNTS, REQUESTS_COUNT, Wanted};
use super::{Case, Round};

use frys_gateway::http::method::Method;
use frys_gateway::router::{Builder, Found, GuardId, Guards, Judge, Need, NoGuards, Parameters};
use frys_gateway::router::{Pattern, Request, RouteId, Router, Scratch, Verdict, path};

use std::cmp::Ordering;
use std::hint::black_box;

/// Routes of one path that only conditions tell apart.
const GUARDS_COUNTS: [u32; 2] = [4, 1000];

pub fn cases() -> Vec<Case> {
    let operations_count = REQUESTS_COUNT as u64;
    let case = |name: String, prepare: Box<dyn Fn() -> Round>| {
        Case::new(&format!("route/{name}"), operations_count, prepare)
    };
    let plain = COUNTS.iter().map(|count| {
        case(count.to_string(), Box::new(|| find(&routes::wanted(*count, true), |_| true)))
    });
    let last = COUNTS[COUNTS.len() - 1];
    let mixed = case(
        format!("{last}, regexes among them"),
        Box::new(move || find(&routes::with_regexes(last), |_| true)),
    );
    let regexes = case(
        format!("{last}, only regexes asked"),
        Box::new(move || find(&routes::with_regexes(last), |route| route.is_regex)),
    );
    let guards = GUARDS_COUNTS
        .map(|count| case(format!("conditions/{count}"), Box::new(move || find_guarded(count))));
    plain.chain([mixed, regexes]).chain(guards).collect()
}

fn find(wanted: &[Wanted], is_asked: fn(&Wanted) -> bool) -> Round {
    let router = routes::router(wanted);
    let asked: Vec<Wanted> = wanted.iter().filter(|route| is_asked(route)).cloned().collect();
    let requests = routes::requests(&asked);
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

/// Guards that each need another value of one field: what the router itself pays for conditions.
struct OneField;

/// A request with one value of that field.
struct Asked(u32);

impl Guards for OneField {
    fn conditions_count(&self, _: GuardId) -> u32 {
        1
    }

    fn are_disjoint(&self, a: GuardId, b: GuardId) -> bool {
        a != b
    }

    fn order(&self, a: GuardId, b: GuardId) -> Ordering {
        a.cmp(&b)
    }

    fn needs(&self, guard: GuardId, mut take: impl FnMut(Need)) {
        take(Need { subject: 0, value: u64::from(guard.0) });
    }
}

impl Judge for Asked {
    fn judge(&mut self, guard: GuardId, _: &Parameters) -> Verdict {
        if guard.0 == self.0 { Verdict::Holds } else { Verdict::Fails }
    }

    fn values(&mut self, _: u32, mut take: impl FnMut(u64)) {
        take(u64::from(self.0));
    }
}

fn find_guarded(count: u32) -> Round {
    let router = guarded(count);
    let (mut parameters, mut scratch) = (Parameters::new(), Scratch::new());
    let request = Request { host: None, path: b"/api/orders/42", method: Method::GET };
    Box::new(move || {
        let mut right_count = 0;
        for index in 0..REQUESTS_COUNT as u32 {
            // Coprime to the counts, so that all are met, in no order.
            let value = index * 389 % count;
            let mut judge = Asked(black_box(value));
            let found = router.find(&request, &mut parameters, &mut scratch, &mut judge);
            right_count += u64::from(found == Found::Route(RouteId(value)));
        }
        right_count
    })
}

fn guarded(count: u32) -> Router {
    let mut builder = Builder::new();
    for index in 0..count {
        let guard = Some(GuardId(index));
        let pattern = Pattern { guard, ..Pattern::segments("/api/orders/{id}") };
        builder.add(RouteId(index), &pattern).expect("a pattern");
    }
    builder.build(&OneField).expect("no tie")
}
