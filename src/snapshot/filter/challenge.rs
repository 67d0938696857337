//! What a client that nobody knows is asked for.

use super::Filter;
use crate::config::{CredentialSource, Middleware};

impl Filter {
    /// Writes the line that asks for the credentials that the filter takes (RFC 9110 section
    /// 11.6.1); whether it takes any that can be asked for so.
    pub fn write_challenge(&self, out: &mut Vec<u8>) -> bool {
        let (scheme, realm, rest) = if let Middleware::Auth(tokens) = &self.source {
            ("Bearer", &*tokens.realm, "")
        } else if let Middleware::ApiKey(keys) = &self.source {
            let is_bearer = keys.from.contains(&CredentialSource::Bearer);
            (if is_bearer { "Bearer" } else { "ApiKey" }, &*keys.realm, "")
        } else if let Middleware::BasicAuth(users) = &self.source {
            ("Basic", &*users.realm, ", charset=\"UTF-8\"")
        } else {
            // What another server, or the program, would ask for, only they know.
            return false;
        };
        // The check holds realms to what needs no escape.
        for part in ["WWW-Authenticate: ", scheme, " realm=\"", realm, "\"", rest, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        true
    }
}

#[cfg(all(test, feature = "authentication"))]
mod tests {
    use crate::config::{AuthConfig, GatewayConfig, Middleware, Route, StaticResponse};
    use crate::snapshot::{Resolved, compile};

    #[test]
    fn a_token_is_asked_for_with_the_filters_own_realm() {
        let jwt_secret = "0123456789abcdef0123456789abcdef".to_owned();
        let auth = AuthConfig { jwt_secret, realm: "staff".into(), ..AuthConfig::default() };
        let route = Route {
            path: "/".into(),
            respond: Some(StaticResponse::default()),
            middlewares: vec![Middleware::Auth(auth)],
            ..Route::default()
        };
        let config = GatewayConfig { routes: vec![route], ..GatewayConfig::default() };
        let snapshot = compile(&config, &Resolved::new(), 1).expect("no fault");
        let mut line = Vec::new();
        assert!(snapshot.filters[0].write_challenge(&mut line));
        assert_eq!(line, b"WWW-Authenticate: Bearer realm=\"staff\"\r\n");
    }
}
