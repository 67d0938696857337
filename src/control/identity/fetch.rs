//! One fetch of a key set.

use std::time::Duration;

use hyper::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{StatusCode, Uri};
use serde::Deserialize;
use tokio::time::timeout;

use crate::control::client::{Bounds, Client, Clients, Told};
use crate::jwt::{KeySet, KeySource, Origin, Symmetric};
use crate::limits::KEY_SET_BYTES_MAX;

/// What of a discovery document is looked at (OpenID Connect Discovery 1.0 section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// The keys of a place, and for how long its answer says that they may be kept.
///
/// # Errors
/// Why there are none, for the log.
pub(super) async fn fetch(
    clients: &Clients,
    source: &KeySource,
    limit: Duration,
) -> Result<(KeySet, Option<Duration>), String> {
    let fetched = timeout(limit, async {
        let client = clients.of(source.ca.as_ref()).await.map_err(|error| error.to_string())?;
        let bounds = Bounds { timeout: limit, body_bytes_max: KEY_SET_BYTES_MAX };
        let url = match &source.origin {
            Origin::Url(url) => address(url)?,
            Origin::Issuer(issuer) => discover(&client, issuer, bounds).await?,
        };
        let told = get(&client, &url, bounds).await?;
        let set = KeySet::parse(&told.body.unwrap_or_default(), Symmetric::Ignored);
        let set = set.map_err(|error| format!("{url}: {error}"))?;
        Ok((set, max_age(&told.fields)))
    });
    fetched.await.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")))
}

/// Where an issuer says that its keys are.
async fn discover(client: &Client, issuer: &str, bounds: Bounds) -> Result<Uri, String> {
    // Section 4.1: a slash at the issuer's end is left out.
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let told = get(client, &address(&url)?, bounds).await?;
    let found: Discovery = serde_json::from_slice(&told.body.unwrap_or_default())
        .map_err(|error| format!("{url}: no discovery document: {error}"))?;
    // Section 4.3: otherwise somebody could tell us the keys of another issuer.
    if found.issuer != issuer {
        let other = found.issuer.escape_debug();
        return Err(format!("{url}: it is of the issuer `{other}`"));
    }
    let keys = address(&found.jwks_uri)?;
    if issuer.starts_with("https:") && keys.scheme_str() != Some("https") {
        return Err(format!("{url}: `jwks_uri` is not https"));
    }
    Ok(keys)
}

async fn get(client: &Client, url: &Uri, bounds: Bounds) -> Result<Told, String> {
    let mut fields = HeaderMap::new();
    fields.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.1"));
    fields.insert(USER_AGENT, HeaderValue::from_static("frys-gateway"));
    let told = client.get(url, &fields, bounds).await;
    let told = told.map_err(|error| format!("{url}: {error}"))?;
    if told.status != StatusCode::OK {
        return Err(format!("{url}: status {}", told.status.as_u16()));
    }
    if told.body.is_none() {
        return Err(format!("{url}: more than {KEY_SET_BYTES_MAX} bytes"));
    }
    Ok(told)
}

fn address(text: &str) -> Result<Uri, String> {
    let url = text.parse::<Uri>().ok();
    let is_web = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https"));
    url.filter(is_web).ok_or_else(|| format!("`{}` is no URL", text.escape_debug()))
}

/// `max-age` of `Cache-Control` (RFC 9111 section 5.2.2.1); none at all where nothing may be kept.
fn max_age(fields: &HeaderMap) -> Option<Duration> {
    let lines = fields.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut found = None;
    for directive in lines.flat_map(|line| line.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                let seconds = value.trim().trim_matches('"').parse().ok();
                found = found.or(seconds.map(Duration::from_secs));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_it_may_be_kept() {
        let of = |lines: &[&'static str]| {
            let mut fields = HeaderMap::new();
            for line in lines {
                fields.append(CACHE_CONTROL, HeaderValue::from_static(line));
            }
            max_age(&fields).map(|age| age.as_secs())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["public, max-age=600, must-revalidate"]), Some(600));
        assert_eq!(of(&["public", "Max-Age=\"30\""]), Some(30));
        assert_eq!(of(&["max-age=600, no-store"]), Some(0));
        assert_eq!(of(&["max-age=never"]), None);
    }

    #[test]
    fn keys_are_fetched_over_http_alone() {
        assert!(address("https://a.test/keys").is_ok());
        assert!(address("file:///etc/passwd").is_err());
        assert!(address("/keys").is_err());
    }
}
