//! Where clients put credentials by the configuration's own word, beside the fields that are secret
//! by their names: what stands there is neither kept nor shown.

use crate::config::{CredentialSource, GatewayConfig, Middleware};
use crate::http::field::{self, Field, FieldId, MASK};
use crate::http::head::RequestHead;
use crate::router::condition::decoded;

/// Places of credentials, of all routes together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Numbers of fields, with their names where they have none.
    fields: Box<[(FieldId, Box<[u8]>)]>,
    /// Names of parameters of the query.
    parameters: Box<[Box<[u8]>]>,
}

impl Credentials {
    /// Those of a configuration.
    pub(super) fn of(config: &GatewayConfig) -> Credentials {
        let own = config.routes.iter().flat_map(|route| &route.middlewares);
        let (mut fields, mut parameters) = (Vec::new(), Vec::new());
        for source in own.chain(config.middlewares.values()).flat_map(sources) {
            match source {
                CredentialSource::Header(name) => {
                    let name = name.to_ascii_lowercase().into_bytes();
                    fields.push((FieldId::of(&name), name.into_boxed_slice()));
                }
                CredentialSource::Query(name) => parameters.push(name.as_bytes().into()),
                // `Authorization` and `Cookie` are secret as they are.
                CredentialSource::Bearer | CredentialSource::Cookie(_) => {}
            }
        }
        fields.retain(|(id, _)| !field::SECRET.contains(id));
        fields.sort_unstable();
        fields.dedup();
        parameters.sort_unstable();
        parameters.dedup();
        Credentials { fields: fields.into(), parameters: parameters.into() }
    }

    /// Whether one may stand in this field.
    pub fn has_field(&self, field: &Field<'_>) -> bool {
        self.fields.iter().any(|(id, name)| match id {
            FieldId::Other => field.name.eq_ignore_ascii_case(name),
            id => field.id == *id,
        })
    }

    /// Whether one may stand in a field of the request.
    pub fn are_in_fields(&self, request: RequestHead<'_>) -> bool {
        !self.fields.is_empty() && request.fields().any(|field| self.has_field(&field))
    }

    /// Whether one may stand in the query of a request line, or of its beginning. It is asked for
    /// only where the configuration names parameters.
    pub fn are_in_line<'l>(&self, line: impl FnOnce() -> &'l [u8]) -> bool {
        !self.parameters.is_empty() && query(line()).1.split(is_and).any(|pair| self.has(pair))
    }

    /// Appends a request line, or its beginning, with a mask in the place of each.
    pub fn write_line(&self, line: &[u8], out: &mut Vec<u8>) {
        let (before, query, after) = query(line);
        out.extend_from_slice(before);
        for (index, pair) in query.split(is_and).enumerate() {
            if index > 0 {
                out.push(b'&');
            }
            if self.has(pair) {
                out.extend_from_slice(name_of(pair));
                out.push(b'=');
                out.extend_from_slice(MASK.as_bytes());
            } else {
                out.extend_from_slice(pair);
            }
        }
        out.extend_from_slice(after);
    }

    fn has(&self, pair: &[u8]) -> bool {
        let name = name_of(pair);
        name.len() < pair.len()
            && self.parameters.iter().any(|known| decoded(name).eq(known.iter().copied()))
    }
}

fn sources(filter: &Middleware) -> &[CredentialSource] {
    if let Middleware::Auth(config) = filter {
        return &config.token_from;
    }
    let Middleware::ApiKey(config) = filter else { return &[] };
    &config.from
}

/// A request line up to its query, the query, and what stands behind that.
fn query(line: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let start = memchr::memchr(b'?', line).map_or(line.len(), |mark| mark + 1);
    let (before, rest) = line.split_at(start);
    let (query, after) = rest.split_at(memchr::memchr(b' ', rest).unwrap_or(rest.len()));
    (before, query, after)
}

fn is_and(byte: &u8) -> bool {
    *byte == b'&'
}

/// A parameter up to its `=`.
fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ApiKeyConfig, AuthConfig, Route};

    fn credentials() -> Credentials {
        let token_from = ["header:X-T", "query:t", "bearer", "cookie:c"];
        let token_from = token_from.map(|from| from.parse().expect("a place")).into();
        let from = ["header:Origin", "header:authorization", "query:t", "query:a b"];
        let from = from.map(|from| from.parse().expect("a place")).into();
        let mut config = GatewayConfig::default();
        let auth = Middleware::Auth(AuthConfig { token_from, ..AuthConfig::default() });
        let key = Middleware::ApiKey(ApiKeyConfig { from, ..ApiKeyConfig::default() });
        config.routes.push(Route { middlewares: vec![auth], ..Route::default() });
        config.middlewares.insert("api_key.all".into(), key);
        Credentials::of(&config)
    }

    #[test]
    fn fields_are_those_that_are_named_and_not_known_already() {
        let found = credentials();
        let has = |name: &str| {
            let name = name.as_bytes();
            found.has_field(&Field { id: FieldId::of(name), name, value: b"x" })
        };
        assert!(has("x-T") && has("origin"));
        assert!(!has("X-T2") && !has("Host") && !has("Authorization") && !has("Cookie"));
        assert_eq!(found.fields.len(), 2);
    }

    #[test]
    fn parameters_are_masked_in_a_line() {
        let found = credentials();
        for (line, want) in [
            ("GET /x?t=1&b=2 HTTP/1.1", "GET /x?t=***&b=2 HTTP/1.1"),
            ("GET /x?b=2&%74=1?t=2", "GET /x?b=2&%74=***"),
            ("GET /x?a+b=&a%20b=1 HTTP/1.1", "GET /x?a+b=***&a%20b=*** HTTP/1.1"),
            ("GET /x?t HTTP/1.1", "GET /x?t HTTP/1.1"),
            ("GET /t=1 HTTP/1.1", "GET /t=1 HTTP/1.1"),
            ("GET /x?tt=1&&T=1 HTTP/1.1", "GET /x?tt=1&&T=1 HTTP/1.1"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            found.write_line(line.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).expect("ASCII"), want);
            assert_eq!(found.are_in_line(|| line.as_bytes()), line != want, "{line}");
        }
        assert!(!Credentials::default().are_in_line(|| b"GET /x?t=1 HTTP/1.1"));
    }
}
