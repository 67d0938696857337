//! Rules of access: what files may say, and what is refused.

use super::{accept, refuse};
use frys_gateway::Gateway;
use frys_gateway::config::{ClaimValue, Fault, Format, Method, Middleware, RouteCondition};
use frys_gateway::config::{RbacConfig, RbacEffect};

const ROUTE: &str = "listen_addr = \"0.0.0.0:8080\"\n[[routes]]\npath = \"/*\"\n\
                     upstreams = [{ url = \"http://a:1\" }]\n";

/// A route with rules, behind a filter that may know who asks.
fn with_rules(rules: &str) -> String {
    let known = "api_key = { keys = [{ name = \"a\", key = \"0123456789abcdef\" }] }";
    format!("{ROUTE}{known}\n[routes.rbac]\n{rules}")
}

fn rbac(text: &str) -> RbacConfig {
    let config = accept(text);
    let found = config.routes[0].middlewares.iter().find_map(|one| match one {
        Middleware::Rbac(rbac) => Some(rbac.clone()),
        _ => None,
    });
    found.expect("the route has rules")
}

/// What is wrong with a file, also where that shows only as it is compiled.
fn faults_of(text: &str) -> Vec<Fault> {
    Gateway::from_text(text, Format::Toml, "frys.toml").expect_err("it is wrong").faults
}

#[test]
fn a_rule_is_read_with_everything_in_it() {
    let found = rbac(&with_rules(
        "roles_claim = \"realm_access.roles\"\n\
         [[routes.rbac.rules]]\n\
         name = \"writers\"\n\
         roles = [\"editor\", \"admin\"]\n\
         scopes = [\"items:write\"]\n\
         claims = { tenant = [\"acme\", 7], email_verified = true }\n\
         subjects = [\"ann\"]\n\
         methods = [\"POST\", \"PUT\"]\n\
         paths = [\"/items/*\"]\n\
         when = { client_ip = \"10.0.0.0/8\" }\n\
         [[routes.rbac.rules]]\n\
         name = \"never\"\n\
         effect = \"deny\"\n\
         paths = [\"/items/{id}/history\"]\n",
    ));
    assert_eq!(found.roles_claim, "realm_access.roles");
    let [writers, never] = &found.rules[..] else { panic!("two rules: {found:?}") };
    assert_eq!((writers.effect, never.effect), (RbacEffect::Allow, RbacEffect::Deny));
    assert_eq!(writers.roles, ["editor", "admin"]);
    assert_eq!(writers.scopes, ["items:write"]);
    let tenant: [ClaimValue; 2] = ["acme".into(), 7.into()];
    assert_eq!(writers.claims["tenant"], tenant);
    assert_eq!(writers.claims["email_verified"], [ClaimValue::Flag(true)]);
    assert_eq!(writers.subjects, ["ann"]);
    assert_eq!(writers.methods, [Method::POST, Method::PUT]);
    assert!(matches!(&writers.conditions[..], [RouteCondition::ClientIp(_)]));
    assert!(writers.asks_who() && !never.asks_who());
}

#[test]
fn rules_can_be_shared_and_stand_behind_who_finds_out() {
    let text = format!(
        "{ROUTE}middlewares = [\"api_key.known\", \"rbac.staff\"]\n[middlewares.api_key.known]\n\
         keys = [{{ name = \"a\", key = \"0123456789abcdef\" }}]\n\
         [[middlewares.rbac.staff.rules]]\nname = \"staff\"\nroles = [\"staff\"]\n"
    );
    accept(&text);
    let turned =
        text.replace("[\"api_key.known\", \"rbac.staff\"]", "[\"rbac.staff\", \"api_key.known\"]");
    let faults = refuse(&turned);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].path, "routes[0].middlewares[0]");
    assert!(faults[0].message.contains("`staff` asks who"), "{}", faults[0]);
}

#[test]
fn a_rule_that_asks_who_needs_a_filter_that_knows() {
    let rules = "[[routes.rbac.rules]]\nname = \"staff\"\nroles = [\"staff\"]\n";
    accept(&with_rules(rules));
    let faults = refuse(&format!("{ROUTE}{rules}"));
    assert_eq!(faults.iter().map(|fault| &*fault.path).collect::<Vec<_>>(), ["routes[0].rbac"]);
    // Who comes from where is known without a filter.
    accept(&format!("{ROUTE}{}", rules.replace("roles = [\"staff\"]", "methods = [\"GET\"]")));
}

#[test]
fn wrong_rules_are_refused_at_their_place() {
    let rule = |more: &str| format!("[[routes.rbac.rules]]\nname = \"a\"\n{more}\n");
    for (rules, path, words) in [
        ("rules = []".to_owned(), "rules", "no rule"),
        ("[[routes.rbac.rules]]\nroles = [\"a\"]".to_owned(), "rules[0].name", "missing"),
        (rule("roles = [\"\"]"), "rules[0].roles[0]", "empty"),
        (rule("roles = [\"a\", \"a\"]"), "rules[0].roles[1]", "already"),
        (rule("scopes = [\"a b\"]"), "rules[0].scopes[0]", "one word"),
        (rule("claims = { a = [] }"), "rules[0].claims.a", "empty"),
        (rule("claims = { a = 1.5 }"), "rules[0].claims.a", "whole number"),
        (rule("methods = [\"get\"]"), "rules[0].methods[0]", "capitals"),
        (rule("paths = [\"a\"]"), "rules[0].paths[0]", "begins with `/`"),
        (rule("effect = \"refuse\""), "rules[0].effect", "`allow` or `deny`"),
        (rule("when = { header = \"X\", regex = \"(\" }"), "rules[0].when.regex", ""),
        (rule("when = { header = \"X\" }"), "rules[0].when", "operator"),
        (rule("") + &rule(""), "rules[1].name", "another rule"),
        (rule("").replace("\"a\"", "\"a b\""), "rules[0].name", "letters"),
        (format!("roles_claim = \"\"\n{}", rule("")), "roles_claim", "empty"),
        (rule("role = [\"a\"]"), "rules[0].role", "unknown key"),
    ] {
        let faults = faults_of(&with_rules(&rules));
        let found = faults.iter().find(|fault| fault.path == format!("routes[0].rbac.{path}"));
        let found = found.unwrap_or_else(|| panic!("{rules}: {faults:?}"));
        assert!(found.message.contains(words), "{rules}: {found}");
    }
}

#[test]
fn rules_are_bounded() {
    use frys_gateway::limits::{RBAC_LIST_COUNT_MAX, RBAC_RULES_COUNT_MAX};
    let rules = |count: usize| -> String {
        (0..count).map(|n| format!("[[routes.rbac.rules]]\nname = \"r{n}\"\n")).collect()
    };
    accept(&with_rules(&rules(RBAC_RULES_COUNT_MAX)));
    let faults = refuse(&with_rules(&rules(RBAC_RULES_COUNT_MAX + 1)));
    assert_eq!(faults[0].path, "routes[0].rbac.rules");
    let roles = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"r{n}\"")).collect();
        format!("{}roles = [{}]\n", rules(1), names.join(", "))
    };
    accept(&with_rules(&roles(RBAC_LIST_COUNT_MAX)));
    let faults = refuse(&with_rules(&roles(RBAC_LIST_COUNT_MAX + 1)));
    assert_eq!(faults[0].path, "routes[0].rbac.rules[0].roles");
}
