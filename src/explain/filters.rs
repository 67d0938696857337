//! What a filter does, in a line.

use crate::config::{
    AddressOf, ApiKeyConfig, AuthConfig, BasicAuthConfig, ConcurrencyLimitConfig, CorsConfig,
    CustomConfig, ForwardAuthConfig, ForwardAuthError, HeaderEdits, HeadersConfig, IpFilterConfig,
    LimitScope, MaintenanceConfig, Middleware, RateLimitConfig, RateLimitKey, RbacConfig,
    RbacEffect, RequestLimitsConfig, SecurityHeadersConfig, TextFile, TransformConfig,
};

/// What a filter does.
pub fn describe(filter: &Middleware) -> String {
    match filter {
        Middleware::IpFilter(config) => ip_filter(config),
        Middleware::Maintenance(config) => maintenance(config),
        Middleware::RequestLimits(config) => request_limits(config),
        Middleware::Cors(config) => cors(config),
        Middleware::RateLimit(config) => rate_limit(config),
        Middleware::Auth(config) => auth(config),
        Middleware::ApiKey(config) => api_key(config),
        Middleware::BasicAuth(config) => basic_auth(config),
        Middleware::ForwardAuth(config) => forward_auth(config),
        Middleware::Rbac(config) => rbac(config),
        Middleware::ConcurrencyLimit(config) => concurrency_limit(config),
        Middleware::Headers(config) => headers(config),
        Middleware::SecurityHeaders(config) => security_headers(config),
        Middleware::Transform(config) => transform(config),
        Middleware::Custom(config) => custom(config),
        Middleware::Named(name) => name.clone(),
    }
}

fn ip_filter(config: &IpFilterConfig) -> String {
    let whose = match config.of {
        AddressOf::Client => "client",
        AddressOf::Peer => "connection",
    };
    let file = |file: &Option<std::path::PathBuf>| {
        file.as_ref().map_or_else(String::new, |file| format!(" and those of {}", file.display()))
    };
    let networks = |count: usize, from: &Option<std::path::PathBuf>| {
        format!("{}{}", counted(count, "network"), file(from))
    };
    let mut parts = Vec::new();
    if !config.allow.is_empty() || config.allow_file.is_some() {
        parts.push(format!("allows {}", networks(config.allow.len(), &config.allow_file)));
    }
    if !config.deny.is_empty() || config.deny_file.is_some() {
        parts.push(format!("denies {}", networks(config.deny.len(), &config.deny_file)));
    }
    format!("by the {whose}'s address {}", parts.join(", "))
}

fn maintenance(config: &MaintenanceConfig) -> String {
    let but = match config.allow.len() {
        0 => String::new(),
        count => format!(", but for {}", counted(count, "network")),
    };
    format!("answers with {}{but}", config.status)
}

fn request_limits(config: &RequestLimitsConfig) -> String {
    let bound = |name: &str, bound: Option<u64>, unit: &str| {
        bound.map(|bound| format!("{name} {bound}{unit}"))
    };
    let count = |number: Option<usize>| number.map(|number| number as u64);
    let bounds = [
        bound("fields", count(config.fields), ""),
        bound("fields_size", count(config.fields_size), " bytes"),
        bound("url_size", count(config.url_size), " bytes"),
        bound("query_size", count(config.query_size), " bytes"),
        bound("body", config.body, " bytes"),
    ];
    format!("at most {}", bounds.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn cors(config: &CorsConfig) -> String {
    let mut origins = listed(&config.origins);
    if !config.origin_regexes.is_empty() {
        let regexes = counted(config.origin_regexes.len(), "expression");
        origins = match origins.is_empty() {
            true => regexes,
            false => format!("{origins} and {regexes}"),
        };
    }
    let credentials = if config.credentials { ", with credentials" } else { "" };
    let others = if config.reject { "; refuses other origins" } else { "" };
    format!("answers preflights; pages of {origins} may read{credentials}{others}")
}

fn rate_limit(config: &RateLimitConfig) -> String {
    let period = match config.period.as_secs() {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let (requests, burst) = (config.requests_per_second, config.burst());
    let scope = scope(config.scope);
    let by = key(&config.key_strategy);
    let shadow = if config.shadow { "; only counts" } else { "" };
    format!("{requests} requests a {period} and {burst} at once, by {by}{scope}{shadow}")
}

fn auth(config: &AuthConfig) -> String {
    let issuer = config.oidc_config.as_ref().map(|provider| &provider.issuer);
    let of = issuer.or(config.issuer.as_ref()).map(|issuer| format!(" of {issuer}"));
    let audience = match config.audience.as_slice() {
        [] => String::new(),
        audience => format!(" for {}", listed(audience)),
    };
    let from: Vec<String> = config.token_from.iter().map(ToString::to_string).collect();
    let (of, from) = (of.unwrap_or_default(), listed(&from));
    format!("tokens{of}{audience}, from {from}{}", optional(config.optional))
}

fn api_key(config: &ApiKeyConfig) -> String {
    let from: Vec<String> = config.from.iter().map(ToString::to_string).collect();
    let keys = among(counted(config.keys.len(), "key"), &config.keys_file);
    format!("{keys}, from {}{}", listed(&from), optional(config.optional))
}

fn basic_auth(config: &BasicAuthConfig) -> String {
    let users = among(counted(config.users.len(), "user"), &config.users_file);
    format!("{users} with a password{}", optional(config.optional))
}

fn forward_auth(config: &ForwardAuthConfig) -> String {
    let failed = match config.on_error {
        ForwardAuthError::Deny => "refuses",
        ForwardAuthError::Pass => "lets pass",
    };
    format!("asks {}; {failed} where that fails", config.url)
}

fn among(own: String, file: &Option<TextFile>) -> String {
    match file {
        Some(file) => format!("{own} and those of {}", file.path().display()),
        None => own,
    }
}

fn optional(is_optional: bool) -> &'static str {
    if is_optional { "; also without any" } else { "" }
}

fn rbac(config: &RbacConfig) -> String {
    let names = |effect: RbacEffect| {
        let rules = config.rules.iter().filter(|rule| rule.effect == effect);
        rules.map(|rule| rule.name.clone()).collect::<Vec<_>>()
    };
    let (deny, allow) = (names(RbacEffect::Deny), names(RbacEffect::Allow));
    let parts = [("denies by", deny), ("allows by", allow)];
    let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> =
        parts.map(|(verb, names)| format!("{verb} {}", listed(&names))).collect();
    format!("{}; denies the rest", parts.join(", "))
}

fn concurrency_limit(config: &ConcurrencyLimitConfig) -> String {
    let scope = scope(config.scope);
    let by = key(&config.key_strategy);
    let shadow = if config.shadow { "; only counts" } else { "" };
    format!("{} at once, by {by}{scope}{shadow}", counted_of(config.max_requests, "request"))
}

fn scope(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Gateway => "",
        LimitScope::Worker => ", in each worker",
    }
}

/// As the file has it.
fn key(key_strategy: &RateLimitKey) -> String {
    match key_strategy {
        RateLimitKey::IP => "ip".to_owned(),
        RateLimitKey::Header(name) => format!("header:{name}"),
        RateLimitKey::Cookie(name) => format!("cookie:{name}"),
        RateLimitKey::PathParameter(name) => format!("path:{name}"),
        RateLimitKey::Claim(name) => format!("claim:{name}"),
        RateLimitKey::Route => "route".to_owned(),
        RateLimitKey::Global => "global".to_owned(),
        RateLimitKey::All(keys) => keys.iter().map(key).collect::<Vec<_>>().join(" and "),
    }
}

fn headers(config: &HeadersConfig) -> String {
    let side = |side: &str, edits: &HeaderEdits| {
        let count = edits.set.len() + edits.append.len() + edits.remove.len();
        (count > 0).then(|| format!("{} of the {side}", counted(count, "change")))
    };
    let sides = [side("request", &config.request), side("answer", &config.response)];
    sides.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn security_headers(config: &SecurityHeadersConfig) -> String {
    let fields = config.fields().into_iter();
    let names: Vec<String> = fields
        .filter(|(_, _, value)| value.is_some())
        .map(|(_, name, _)| name.to_owned())
        .collect();
    format!("sends {}", listed(&names))
}

fn transform(config: &TransformConfig) -> String {
    let of = |bodies: &str, steps: usize| {
        (steps > 0).then(|| format!("{} of {bodies}", counted(steps, "change")))
    };
    let both = [of("requests", config.request.len()), of("answers", config.response.len())];
    let both: Vec<String> = both.into_iter().flatten().collect();
    format!("{}, held up to {} bytes", both.join(", "), config.buffer)
}

fn custom(config: &CustomConfig) -> String {
    format!("the program's own filter {}", config.filter)
}

/// `a, b and 3 more`.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES_SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn counted_of(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn counted(count: usize, what: &str) -> String {
    counted_of(count as u64, what)
}

/// More would push what stands behind them off the line.
const NAMES_SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RbacRule;
    use std::time::Duration;

    fn networks() -> Vec<ipnet::IpNet> {
        vec!["10.0.0.0/8".parse().expect("a network")]
    }

    #[test]
    fn says_what_those_do_that_judge_addresses_and_requests() {
        let allow = networks;
        let deny_file = Some("/etc/deny".into());
        let addresses = IpFilterConfig { allow: allow(), deny_file, ..IpFilterConfig::default() };
        let mending = MaintenanceConfig { allow: allow(), ..MaintenanceConfig::default() };
        let bounds = RequestLimitsConfig { fields: Some(9), body: Some(100), ..Default::default() };
        let pages = CorsConfig {
            origins: ["a", "b", "c", "d", "e"].map(str::to_owned).into(),
            origin_regexes: vec!["x".into()],
            credentials: true,
            ..CorsConfig::default()
        };
        for (filter, words) in [
            (
                Middleware::IpFilter(addresses),
                "by the client's address allows 1 network, denies 0 networks and those of \
                 /etc/deny",
            ),
            (Middleware::Maintenance(mending), "answers with 503, but for 1 network"),
            (Middleware::RequestLimits(bounds), "at most fields 9, body 100 bytes"),
            (
                Middleware::Cors(pages),
                "answers preflights; pages of a, b, c, d and 1 more and 1 expression may read, \
                 with credentials",
            ),
            (Middleware::Custom(CustomConfig::new("audit")), "the program's own filter audit"),
            (Middleware::Named("cors.web".into()), "cors.web"),
        ] {
            assert_eq!(describe(&filter), words);
        }
    }

    #[test]
    fn says_what_those_do_that_count_and_know() {
        let rule =
            |name: &str, effect| RbacRule { name: name.into(), effect, ..RbacRule::default() };
        let rules = vec![
            rule("staff", RbacEffect::Allow),
            rule("never", RbacEffect::Deny),
            rule("guests", RbacEffect::Allow),
        ];
        let keys = vec![RateLimitKey::Route, RateLimitKey::Header("X-Team".into())];
        let rate = RateLimitConfig {
            requests_per_second: 5,
            period: Duration::from_mins(1),
            key_strategy: RateLimitKey::All(keys),
            shadow: true,
            ..RateLimitConfig::default()
        };
        let (max_requests, scope) = (1, LimitScope::Worker);
        let at_once = ConcurrencyLimitConfig { max_requests, scope, ..Default::default() };
        let url = "http://auth/".to_owned();
        for (filter, words) in [
            (
                Middleware::Rbac(RbacConfig { rules, ..RbacConfig::default() }),
                "denies by never, allows by staff, guests; denies the rest",
            ),
            (
                Middleware::RateLimit(rate),
                "5 requests a minute and 5 at once, by route and header:X-Team; only counts",
            ),
            (Middleware::ConcurrencyLimit(at_once), "1 request at once, by ip, in each worker"),
            (
                Middleware::ApiKey(ApiKeyConfig { optional: true, ..ApiKeyConfig::default() }),
                "0 keys, from header:X-Api-Key; also without any",
            ),
            (
                Middleware::ForwardAuth(ForwardAuthConfig { url, ..Default::default() }),
                "asks http://auth/; refuses where that fails",
            ),
        ] {
            assert_eq!(describe(&filter), words);
        }
    }
}
