//! What a client that nobody knows is asked for.

use super::Filter;
use crate::config::{CredentialSource, Middleware};

impl Filter {
    /// Writes the line that asks for the credentials that the filter takes (RFC 9110 section
    /// 11.6.1); whether it takes any that can be asked for so.
    pub fn write_challenge(&self, out: &mut Vec<u8>) -> bool {
        let (scheme, realm, rest) = match &self.source {
            Middleware::Auth(_) => ("Bearer", "frys", ""),
            Middleware::ApiKey(keys) => {
                let is_bearer = keys.from.contains(&CredentialSource::Bearer);
                (if is_bearer { "Bearer" } else { "ApiKey" }, &*keys.realm, "")
            }
            Middleware::BasicAuth(users) => ("Basic", &*users.realm, ", charset=\"UTF-8\""),
            // What another server, or the program, would ask for, only they know.
            Middleware::ForwardAuth(_) | Middleware::Custom(_) => return false,
            Middleware::IpFilter(_)
            | Middleware::Maintenance(_)
            | Middleware::RequestLimits(_)
            | Middleware::Cors(_)
            | Middleware::RateLimit(_)
            | Middleware::Rbac(_)
            | Middleware::ConcurrencyLimit(_)
            | Middleware::Headers(_)
            | Middleware::SecurityHeaders(_)
            | Middleware::Transform(_)
            | Middleware::Named(_) => return false,
        };
        // The check holds realms to what needs no escape.
        for part in ["WWW-Authenticate: ", scheme, " realm=\"", realm, "\"", rest, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        true
    }
}
