//! What those who are known may do: rules of access, ready to be asked.

use super::Place;
use crate::config::{ClaimValue, Fault, RbacConfig, RbacEffect, RbacRule};
use crate::extension::Principal;
use crate::http::method::Method;
use crate::router::condition::{Judging, Scratch, Subject, Table};
use crate::router::{GuardId, Judge, Parameters, Paths, Verdict};
use crate::snapshot::compile::of_conditions;
use hashbrown::HashMap;
use serde_json::Value;

/// What those who are known may do.
#[derive(Debug)]
pub struct Rbac {
    rules: Box<[Rule]>,
    /// What the rules' conditions ask.
    guards: Table,
    roles_claim: Box<str>,
    /// The roles that rules name, each with its bit.
    roles: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
}

/// A rule by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleId(pub u16);

/// What rules say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It passes, by this rule.
    Allowed(RuleId),
    /// It is refused: by this rule, or because none allows it.
    Denied(Option<RuleId>),
    /// Nobody knows whose it is, and a rule may allow it once somebody does.
    Unknown,
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The client, if it is known.
    pub principal: Option<&'a Principal>,
    /// What it wants to do.
    pub method: Method,
    /// The request, for conditions. Its path is the canonical one.
    pub subject: Subject<'a>,
    /// Where the path's parameters lie.
    pub parameters: &'a Parameters,
}

/// What a decision works with; it keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct Memory {
    conditions: Scratch,
    /// A bit for each role of [`Rbac::roles`] that the client has.
    roles: Vec<u64>,
}

#[derive(Debug)]
struct Rule {
    name: Box<str>,
    effect: RbacEffect,
    /// Whether it matches only clients that are known.
    asks_who: bool,
    /// The bits of its roles; none where it names none.
    roles: Box<[u64]>,
    scopes: Box<[Box<str>]>,
    claims: Box<[Claim]>,
    subjects: Box<[Box<str>]>,
    methods: Box<[Method]>,
    paths: Paths,
    guard: Option<GuardId>,
}

/// A claim, and the values of which it must have one.
#[derive(Debug)]
struct Claim {
    name: Box<str>,
    values: Box<[ClaimValue]>,
}

impl Rbac {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &RbacConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Rbac> {
        let before = faults.len();
        let path = |index: usize| format!("{}.rules[{index}]", place.path);
        let lists = config.rules.iter().enumerate();
        let lists = lists.map(|(index, rule)| (format!("{}.when", path(index)), &*rule.conditions));
        let (guards, of_rules) = of_conditions(place.config, lists, faults);
        let mut roles: HashMap<Box<str>, usize, _> = HashMap::default();
        for role in config.rules.iter().flat_map(|rule| &rule.roles) {
            let bit = roles.len();
            roles.entry(role.as_str().into()).or_insert(bit);
        }
        let mut rules = Vec::with_capacity(config.rules.len());
        for ((index, rule), guard) in config.rules.iter().enumerate().zip(of_rules) {
            let paths = match Paths::new(&rule.paths) {
                Ok(paths) => paths,
                Err((at, error)) => {
                    let place = format!("{}.paths[{at}]", path(index));
                    faults.push(Fault::new(place, error.to_string()));
                    continue;
                }
            };
            rules.push(Rule::new(rule, paths, guard, &roles));
        }
        let roles_claim = config.roles_claim.as_str().into();
        let rbac = Rbac { rules: rules.into(), guards, roles_claim, roles };
        (faults.len() == before).then_some(rbac)
    }

    /// The name of a rule.
    pub fn rule(&self, id: RuleId) -> Option<&str> {
        self.rules.get(usize::from(id.0)).map(|rule| &*rule.name)
    }

    /// How many rules there are.
    pub fn rules_count(&self) -> usize {
        self.rules.len()
    }

    /// What the rules say: the first that denies, then the first that allows.
    pub fn decide(&self, wish: &Wish<'_>, memory: &mut Memory) -> Decision {
        let Memory { conditions, roles } = memory;
        self.note_roles(wish.principal, roles);
        let mut judging = Judging::new(&self.guards, wish.subject, conditions);
        let mut could_be_allowed = false;
        for effect in [RbacEffect::Deny, RbacEffect::Allow] {
            for (rule, number) in self.rules.iter().zip(0..) {
                if rule.effect != effect || !rule.has_what(wish, &mut judging) {
                    continue;
                }
                match (rule.asks_who, wish.principal) {
                    (true, None) => could_be_allowed |= effect == RbacEffect::Allow,
                    (true, Some(principal)) if !rule.has_who(principal, roles) => {}
                    (true, Some(_)) | (false, _) => {
                        return match effect {
                            RbacEffect::Deny => Decision::Denied(Some(RuleId(number))),
                            RbacEffect::Allow => Decision::Allowed(RuleId(number)),
                        };
                    }
                }
            }
        }
        if could_be_allowed { Decision::Unknown } else { Decision::Denied(None) }
    }

    /// Sets the bit of each role that the client has and a rule names.
    fn note_roles(&self, principal: Option<&Principal>, bits: &mut Vec<u64>) {
        bits.clear();
        bits.resize(self.roles.len().div_ceil(64), 0);
        if bits.is_empty() {
            return;
        }
        let claim = principal.and_then(|principal| principal.claim(&self.roles_claim));
        let mut note = |role: &str| {
            if let Some(bit) = self.roles.get(role) {
                bits[bit / 64] |= 1 << (bit % 64);
            }
        };
        match claim {
            Some(Value::String(text)) => {
                note(text);
                text.split_ascii_whitespace().for_each(note);
            }
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).for_each(note),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
        }
    }
}

impl Rule {
    fn new(
        rule: &RbacRule,
        paths: Paths,
        guard: Option<GuardId>,
        roles: &HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    ) -> Rule {
        let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect();
        let mut bits = Vec::new();
        for bit in rule.roles.iter().filter_map(|role| roles.get(role.as_str())) {
            bits.resize(roles.len().div_ceil(64), 0);
            bits[bit / 64] |= 1 << (bit % 64);
        }
        let claim = |(name, values): (&String, &Vec<ClaimValue>)| Claim {
            name: name.as_str().into(),
            values: values.as_slice().into(),
        };
        Rule {
            name: rule.name.as_str().into(),
            effect: rule.effect,
            asks_who: rule.asks_who(),
            roles: bits.into(),
            scopes: texts(&rule.scopes),
            claims: rule.claims.iter().map(claim).collect(),
            subjects: texts(&rule.subjects),
            methods: rule.methods.as_slice().into(),
            paths,
            guard,
        }
    }

    /// Whether the request is one that the rule is about, whoever sends it.
    fn has_what(&self, wish: &Wish<'_>, judging: &mut Judging<'_>) -> bool {
        let is_named = |method: &Method| {
            *method == wish.method || (*method == Method::GET && wish.method == Method::HEAD)
        };
        if !self.methods.is_empty() && !self.methods.iter().any(is_named) {
            return false;
        }
        if !self.paths.is_empty() && !self.paths.any(wish.subject.path) {
            return false;
        }
        let Some(guard) = self.guard else { return true };
        match judging.judge(guard, wish.parameters) {
            Verdict::Holds | Verdict::HoldsWithQuality(_) => true,
            Verdict::Fails | Verdict::FailsProduces => false,
        }
    }

    /// Whether the client is one that the rule is about. `roles` are the bits of its roles.
    fn has_who(&self, principal: &Principal, roles: &[u64]) -> bool {
        if !self.roles.is_empty() && !self.roles.iter().zip(roles).any(|(own, has)| own & has != 0)
        {
            return false;
        }
        if !self.subjects.is_empty() && !self.subjects.contains(&principal.subject) {
            return false;
        }
        let scope = if principal.claim("scope").is_some() { "scope" } else { "scp" };
        self.scopes.iter().all(|wanted| principal.has(scope, wanted))
            && self.claims.iter().all(|wanted| match principal.claim(&wanted.name) {
                Some(Value::Array(list)) => {
                    list.iter().any(|entry| is_one_of(entry, &wanted.values))
                }
                Some(entry) => is_one_of(entry, &wanted.values),
                None => false,
            })
    }
}

/// Whether a claim is one of these values. Text is compared whole: a name of several words must
/// not stand for one of them.
fn is_one_of(entry: &Value, values: &[ClaimValue]) -> bool {
    values.iter().any(|value| match value {
        ClaimValue::Text(text) => entry.as_str() == Some(text),
        ClaimValue::Number(number) => entry.as_i64() == Some(*number),
        ClaimValue::Flag(flag) => entry.as_bool() == Some(*flag),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GatewayConfig, RouteCondition};
    use crate::extension::Extensions;
    use crate::http::networks::Networks;
    use serde_json::json;

    fn rule(name: &str) -> RbacRule {
        RbacRule { name: name.into(), ..RbacRule::default() }
    }

    fn deny(name: &str) -> RbacRule {
        RbacRule { effect: RbacEffect::Deny, ..rule(name) }
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    fn compiled(rules: Vec<RbacRule>) -> Rbac {
        let config = RbacConfig { rules, ..RbacConfig::default() };
        let mut faults = Vec::new();
        let whole = GatewayConfig::default();
        let extensions = &Extensions::new();
        let place = Place { path: "routes[0].rbac", config: &whole, extensions };
        let found = Rbac::compile(&config, &place, &mut faults);
        assert_eq!(faults, []);
        found.expect("there is no fault")
    }

    fn principal(claims: Value) -> Principal {
        Principal { subject: "ann".into(), method: "jwt", claims }
    }

    /// What the rules say, with the name of the rule.
    fn said<'a>(
        rbac: &'a Rbac,
        claims: Option<Value>,
        method: Method,
        path: &str,
    ) -> (&'static str, Option<&'a str>) {
        let principal = claims.map(principal);
        let subject = Subject {
            head: None,
            peer: Some([10, 0, 0, 1].into()),
            trusted: &Networks::default(),
            is_tls: false,
            path: path.as_bytes(),
        };
        let parameters = &Parameters::new();
        let wish = Wish { principal: principal.as_ref(), method, subject, parameters };
        match rbac.decide(&wish, &mut Memory::default()) {
            Decision::Allowed(id) => ("allowed", rbac.rule(id)),
            Decision::Denied(id) => ("denied", id.and_then(|id| rbac.rule(id))),
            Decision::Unknown => ("unknown", None),
        }
    }

    fn roles(list: &[&str]) -> Option<Value> {
        Some(json!({ "roles": list }))
    }

    #[test]
    fn what_no_rule_allows_is_denied() {
        let rbac = compiled(vec![RbacRule { roles: texts(&["admin"]), ..rule("admins") }]);
        let get = |claims| said(&rbac, claims, Method::GET, "/");
        assert_eq!(get(roles(&["user", "admin"])), ("allowed", Some("admins")));
        assert_eq!(get(roles(&["user"])), ("denied", None));
        assert_eq!(get(Some(json!({}))), ("denied", None));
        assert_eq!(get(None), ("unknown", None));
    }

    #[test]
    fn a_denial_wins_wherever_it_stands() {
        let rbac = compiled(vec![
            RbacRule { roles: texts(&["staff"]), ..rule("staff") },
            RbacRule { subjects: texts(&["ann"]), paths: texts(&["/pay/*"]), ..deny("not-ann") },
        ]);
        let get = |path| said(&rbac, roles(&["staff"]), Method::GET, path);
        assert_eq!(get("/x"), ("allowed", Some("staff")));
        assert_eq!(get("/pay/out"), ("denied", Some("not-ann")));
    }

    #[test]
    fn a_rule_that_asks_nobody_is_for_everybody() {
        let rbac = compiled(vec![
            RbacRule { methods: vec![Method::GET], paths: texts(&["/open/*"]), ..rule("open") },
            RbacRule { roles: texts(&["w"]), methods: vec![Method::POST], ..rule("writers") },
        ]);
        assert_eq!(said(&rbac, None, Method::GET, "/open"), ("allowed", Some("open")));
        assert_eq!(said(&rbac, None, Method::HEAD, "/open/a"), ("allowed", Some("open")));
        // Whoever comes may not: to be known would not help.
        assert_eq!(said(&rbac, None, Method::DELETE, "/open"), ("denied", None));
        assert_eq!(said(&rbac, None, Method::POST, "/open"), ("unknown", None));
        assert_eq!(said(&rbac, roles(&["w"]), Method::POST, "/"), ("allowed", Some("writers")));
    }

    #[test]
    fn roles_are_a_list_or_words_and_scopes_are_all_wanted() {
        let rbac = compiled(vec![RbacRule {
            roles: texts(&["a", "b"]),
            scopes: texts(&["read", "write"]),
            ..rule("both")
        }]);
        let is_allowed = |claims| said(&rbac, Some(claims), Method::GET, "/").0 == "allowed";
        assert!(is_allowed(json!({ "roles": "x b", "scope": "write read" })));
        assert!(is_allowed(json!({ "roles": ["a"], "scp": ["read", "write"] })));
        assert!(!is_allowed(json!({ "roles": ["a"], "scope": "read" })));
        assert!(!is_allowed(json!({ "roles": ["ab"], "scope": "read write" })));
        assert!(!is_allowed(json!({ "roles": { "a": true }, "scope": "read write" })));
        // What is there counts, so nothing can be added beside it.
        assert!(!is_allowed(json!({ "roles": ["a"], "scope": "", "scp": ["read", "write"] })));
    }

    #[test]
    fn claims_are_compared_whole() {
        let wanted = [
            ("org.tenant".to_owned(), vec!["acme".into(), "b".into()]),
            ("level".to_owned(), vec![3.into()]),
            ("email_verified".to_owned(), vec![true.into()]),
        ];
        let rbac = compiled(vec![RbacRule { claims: wanted.into(), ..rule("tenant") }]);
        let is_allowed = |org: Value, level: Value, verified: Value| {
            let claims = json!({ "org": org, "level": level, "email_verified": verified });
            said(&rbac, Some(claims), Method::GET, "/").0 == "allowed"
        };
        let acme = || json!({ "tenant": "acme" });
        assert!(is_allowed(acme(), json!(3), json!(true)));
        assert!(is_allowed(json!({ "tenant": ["x", "b"] }), json!([1, 3]), json!(true)));
        assert!(!is_allowed(json!({ "tenant": "acme b" }), json!(3), json!(true)));
        assert!(!is_allowed(acme(), json!("3"), json!(true)));
        assert!(!is_allowed(acme(), json!(3), json!("true")));
        assert!(!is_allowed(json!({}), json!(3), json!(true)));
    }

    #[test]
    fn a_hundred_roles_each_have_their_bit() {
        let one = |number: usize| RbacRule {
            roles: vec![format!("r{number}"), "all".into()],
            paths: vec![format!("/{number}")],
            ..rule(&format!("rule-{number}"))
        };
        let rbac = compiled((0..100).map(one).collect());
        assert_eq!(rbac.rules_count(), 100);
        for number in [0, 63, 64, 99] {
            let (path, name) = (format!("/{number}"), format!("rule-{number}"));
            let own = roles(&[&format!("r{number}")]);
            assert_eq!(said(&rbac, own, Method::GET, &path), ("allowed", Some(&*name)));
            assert_eq!(said(&rbac, roles(&["all"]), Method::GET, &path).0, "allowed");
            assert_eq!(said(&rbac, roles(&["r98"]), Method::GET, &path).0, "denied");
        }
    }

    #[test]
    fn conditions_are_those_of_routes() {
        let inside = RouteCondition::ClientIp(vec!["10.0.0.0/8".parse().expect("a network")]);
        let outside = RouteCondition::Not(Box::new(inside.clone()));
        let with = |condition, rule| RbacRule { conditions: vec![condition], ..rule };
        let rbac = compiled(vec![with(outside, deny("outside")), with(inside, rule("inside"))]);
        assert_eq!(said(&rbac, None, Method::GET, "/"), ("allowed", Some("inside")));
    }

    #[test]
    fn faults_name_rule_and_key() {
        let regex = RouteCondition::Header {
            name: "X-A".into(),
            value: "(".into(),
            operator: crate::config::ConditionOperator::Regex,
        };
        let config = RbacConfig {
            rules: vec![
                rule("a"),
                RbacRule { paths: texts(&["/a", "b"]), conditions: vec![regex], ..rule("b") },
            ],
            ..RbacConfig::default()
        };
        let mut faults = Vec::new();
        let whole = GatewayConfig::default();
        let extensions = &Extensions::new();
        let place = Place { path: "middlewares.rbac.x", config: &whole, extensions };
        assert!(Rbac::compile(&config, &place, &mut faults).is_none());
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let base = "middlewares.rbac.x.rules[1]";
        assert_eq!(paths, [format!("{base}.when.regex"), format!("{base}.paths[1]")]);
    }
}
