//! Conditions once more, written from their documentation without any care for cost: random
//! conditions and requests must be answered alike by both.

use super::fixture::Request;
use super::{Compiler, Node, Place, Scratch, Test, Verdict};
use crate::router::Parameters;
use proptest::prelude::*;

/// A condition in the model's own terms.
#[derive(Clone, Debug)]
enum Wanted {
    Value(Place, &'static str, &'static str, &'static str, bool),
    Tls(bool),
    All(Vec<Wanted>),
    Any(Vec<Wanted>),
    Not(Box<Wanted>),
}

/// A request in the model's own terms: names and values of each kind.
#[derive(Clone, Debug)]
struct Asked {
    headers: Vec<(&'static str, &'static str)>,
    query: Vec<(&'static str, &'static str)>,
    cookies: Vec<(&'static str, &'static str)>,
}

fn holds(wanted: &Wanted, asked: &Asked) -> bool {
    match wanted {
        Wanted::Value(place, name, operator, bound, is_negated) => {
            let pairs = match place {
                Place::Header => &asked.headers,
                Place::Query => &asked.query,
                Place::Cookie => &asked.cookies,
                Place::AcceptParameter => unreachable!("not generated"),
            };
            let is_named = |own: &str| match place {
                Place::Header => own.to_lowercase() == name.to_lowercase(),
                Place::Query | Place::Cookie | Place::AcceptParameter => own == *name,
            };
            let mut own = pairs.iter().filter(|(own, _)| is_named(own));
            own.any(|(_, value)| passes(operator, value, bound)) != *is_negated
        }
        Wanted::Tls(is_tls) => !*is_tls,
        Wanted::All(members) => members.iter().all(|member| holds(member, asked)),
        Wanted::Any(members) => members.iter().any(|member| holds(member, asked)),
        Wanted::Not(inner) => !holds(inner, asked),
    }
}

fn passes(operator: &str, value: &str, bound: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    match operator {
        "exists" => true,
        "equals" => value == bound,
        "in" => value == bound || value == "b c",
        "contains" => value.contains(bound),
        "prefix" => value.starts_with(bound),
        "suffix" => value.ends_with(bound),
        "regex" => value.contains(bound) || value.ends_with('7'),
        "less_than" => number(value).is_some_and(|value| value < 7.0),
        "at_least" => number(value).is_some_and(|value| value >= 7.0),
        operator => unreachable!("{operator} is not generated"),
    }
}

fn node(wanted: &Wanted, compiler: &mut Compiler) -> Node {
    let mut nodes = |members: &[Wanted]| -> Box<[Node]> {
        members.iter().map(|member| node(member, compiler)).collect()
    };
    match wanted {
        Wanted::All(members) => Node::All(nodes(members)),
        Wanted::Any(members) => Node::Any(nodes(members)),
        Wanted::Not(inner) => Node::Not(Box::new(node(inner, compiler))),
        Wanted::Tls(is_tls) => Node::Tls(*is_tls),
        Wanted::Value(place, name, operator, bound, is_negated) => {
            let text: Box<[u8]> = bound.as_bytes().into();
            let test = match *operator {
                "exists" => Test::Exists,
                "equals" => Test::Equals(text),
                "in" => Test::is_in([text, b"b c".as_slice().into()]),
                "contains" => Test::Contains(text),
                "prefix" => Test::Prefix(text),
                "suffix" => Test::Suffix(text),
                "regex" => {
                    let regex = format!("(?:{bound})|7$");
                    compiler.matches(&regex).expect("an expression")
                }
                "less_than" => Test::Number(super::Comparison::Less, 7.0),
                "at_least" => Test::Number(super::Comparison::AtLeast, 7.0),
                operator => unreachable!("{operator} is not generated"),
            };
            compiler.value(*place, name, test, *is_negated)
        }
    }
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    let place = prop::sample::select(vec![Place::Header, Place::Query, Place::Cookie]);
    let name = prop::sample::select(vec!["X-A", "x-a", "Accept", "k", "K"]);
    let operator = prop::sample::select(vec![
        "exists",
        "equals",
        "in",
        "contains",
        "prefix",
        "suffix",
        "regex",
        "less_than",
        "at_least",
    ]);
    let bound = prop::sample::select(vec!["a", "ab", "b c", "7"]);
    let value = (place, name, operator, bound, any::<bool>()).prop_map(
        |(place, name, operator, bound, is_negated)| {
            Wanted::Value(place, name, operator, bound, is_negated)
        },
    );
    let leaf = prop_oneof![8 => value, 1 => any::<bool>().prop_map(Wanted::Tls)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let members = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            members.clone().prop_map(Wanted::All),
            members.prop_map(Wanted::Any),
            inner.prop_map(|inner| Wanted::Not(Box::new(inner))),
        ]
    })
}

fn any_pairs(names: Vec<&'static str>) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let value = prop::sample::select(vec!["a", "ab", "xaby", "b c", "7", "6.5", "-1", "1e1", ""]);
    prop::collection::vec((prop::sample::select(names), value), 0..4)
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let headers = any_pairs(vec!["X-A", "x-A", "accept", "X-B"]);
    let (query, cookies) = (any_pairs(vec!["k", "K", "X-A"]), any_pairs(vec!["k", "K", "X-A"]));
    (headers, query, cookies).prop_map(|(headers, query, cookies)| {
        // The operands of the model have no exponent, and so no number has one.
        let without = |pairs: Vec<(&'static str, &'static str)>| {
            pairs.into_iter().filter(|(_, value)| *value != "1e1").collect()
        };
        Asked { headers: without(headers), query: without(query), cookies: without(cookies) }
    })
}

/// Spaces are written as `+` or `%20`, letters now and then as `%` and digits.
fn request(asked: &Asked) -> Request {
    let mut target = "/?".to_owned();
    for (index, (name, value)) in asked.query.iter().enumerate() {
        let value = match index % 2 {
            0 => value.replace(' ', "+"),
            _ => value.replace(' ', "%20").replace('a', "%61"),
        };
        target.push_str(&format!("{name}={value}&"));
    }
    let mut fields: Vec<(&str, &str)> = asked.headers.clone();
    let cookies: Vec<String> =
        asked.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    if !cookies.is_empty() {
        fields.push(("Cookie", &cookies));
    }
    Request::get(&target, &fields)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn holds_what_the_model_holds(
        wanted in prop::collection::vec(any_wanted(), 1..4),
        asked in prop::collection::vec(any_asked(), 1..4),
    ) {
        let mut compiler = Compiler::new();
        let guards: Vec<_> = wanted
            .iter()
            .map(|wanted| {
                let node = node(wanted, &mut compiler);
                compiler.guard(vec![node], None, &[]).expect("it asks something")
            })
            .collect();
        let mut scratch = Scratch::default();
        for asked in &asked {
            let request = request(asked);
            scratch.begin();
            for (guard, wanted) in guards.iter().zip(&wanted) {
                let verdict = guard.judge(&request.subject(), &Parameters::new(), &mut scratch);
                prop_assert_eq!(verdict == Verdict::Holds, holds(wanted, asked), "{}", guard);
            }
        }
    }

    #[test]
    fn guards_that_are_disjoint_never_hold_for_one_request(
        (a, b) in (any_wanted(), any_wanted()),
        asked in prop::collection::vec(any_asked(), 1..16),
    ) {
        let mut compiler = Compiler::new();
        let [a, b] = [a, b].map(|wanted| {
            let node = node(&wanted, &mut compiler);
            compiler.guard(vec![node], None, &[]).expect("it asks something")
        });
        prop_assert_eq!(a.is_disjoint(&b), b.is_disjoint(&a));
        if !a.is_disjoint(&b) {
            return Ok(());
        }
        let mut scratch = Scratch::default();
        for asked in asked.iter().filter(|asked| has_one_value_of_each(asked)) {
            let request = request(asked);
            scratch.begin();
            let parameters = Parameters::new();
            let mut judge =
                |guard: &super::Guard| guard.judge(&request.subject(), &parameters, &mut scratch);
            let both = judge(&a) == Verdict::Holds && judge(&b) == Verdict::Holds;
            prop_assert!(!both, "{} and {}: {:?}", a, b, asked);
        }
    }
}

fn has_one_value_of_each(asked: &Asked) -> bool {
    let lower = |pairs: &[(&str, &str)]| -> Vec<String> {
        pairs.iter().map(|(name, _)| name.to_lowercase()).collect()
    };
    [&asked.headers, &asked.query, &asked.cookies].iter().all(|pairs| {
        let mut names = lower(pairs);
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        names.len() == count
    })
}
