//! Routes of one place that only guards tell apart.

use super::*;

/// Guards that each need a value of one field, and a request's values of it.
struct OneField<'a>(&'a [u64]);

impl Guards for OneField<'_> {
    fn conditions_count(&self, _: GuardId) -> u32 {
        1
    }

    fn are_disjoint(&self, a: GuardId, b: GuardId) -> bool {
        a != b
    }

    fn order(&self, a: GuardId, b: GuardId) -> std::cmp::Ordering {
        a.cmp(&b)
    }

    fn needs(&self, guard: GuardId, mut take: impl FnMut(Need)) {
        take(Need { subject: 5, value: u64::from(guard.0) });
    }
}

impl Judge for OneField<'_> {
    fn judge(&mut self, guard: GuardId, _: &Parameters) -> Verdict {
        if self.0.contains(&u64::from(guard.0)) { Verdict::Holds } else { Verdict::Fails }
    }

    fn values(&mut self, _: u32, take: impl FnMut(u64)) {
        self.0.iter().copied().for_each(take);
    }
}

fn of_one_field(count: u32, methods: &[Method]) -> Result<Router, Vec<BuildFault>> {
    let mut builder = Builder::new();
    for id in 0..count {
        let guard = Some(GuardId(id));
        let pattern = Pattern { guard, methods, ..Pattern::segments("/a") };
        builder.add(RouteId(id), &pattern).expect("a pattern");
    }
    builder.build(&OneField(&[]))
}

#[test]
fn routes_that_need_different_values_are_looked_up() {
    let router = of_one_field(20_000, &[Method::GET]).expect("pairs are not compared");
    let ask = |values: &[u64], method| {
        let request = Request { host: None, path: b"/a", method };
        let (mut parameters, mut scratch) = (Parameters::new(), Scratch::new());
        router.find(&request, &mut parameters, &mut scratch, &mut OneField(values))
    };
    assert_eq!(ask(&[19_999], Method::GET), Found::Route(RouteId(19_999)));
    assert_eq!(ask(&[7, 3], Method::GET), Found::Route(RouteId(3)));
    assert_eq!(ask(&[20_000], Method::GET), Found::NotFound);
    assert_eq!(ask(&[], Method::GET), Found::NotFound);
    assert!(matches!(ask(&[3], Method::PUT), Found::MethodNotAllowed(_)));
    assert_eq!(ask(&[20_000], Method::PUT), Found::NotFound);
}

#[test]
fn refuses_more_routes_of_one_place_than_can_be_compared() {
    // Each priority is a place of its own, so the pairs within one are what counts.
    let build = |count: i32| {
        let mut builder = Builder::new();
        for id in 0..count {
            let guard = Some(GuardId(u32::try_from(id).expect("not negative")));
            let pattern = Pattern { guard, ..Pattern::segments("/a") };
            let id = RouteId(u32::try_from(id).expect("not negative"));
            builder.add(id, &pattern).expect("a pattern");
        }
        builder.build(&Opaque)
    };
    // 2 x TIE_COMPARISONS_MAX pairs are n x (n - 1).
    assert!(build(2_828).is_ok());
    let faults = build(2_830).expect_err("too many");
    assert!(matches!(*faults, [BuildFault::TooManyAlike { .. }]), "{faults:?}");
}

/// Guards of which nothing is known but that they are disjoint.
struct Opaque;

impl Guards for Opaque {
    fn conditions_count(&self, _: GuardId) -> u32 {
        1
    }

    fn are_disjoint(&self, _: GuardId, _: GuardId) -> bool {
        true
    }

    fn order(&self, a: GuardId, b: GuardId) -> std::cmp::Ordering {
        a.cmp(&b)
    }

    fn needs(&self, _: GuardId, _: impl FnMut(Need)) {}
}
