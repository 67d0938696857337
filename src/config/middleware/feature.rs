//! Which filters this build has: some need one of the package's Cargo features.

use super::MiddlewareKind;

const RATE_LIMITING: (&str, bool) = ("rate_limiting", cfg!(feature = "rate_limiting"));
const AUTHENTICATION: (&str, bool) = ("authentication", cfg!(feature = "authentication"));
const AUTHORIZATION: (&str, bool) = ("authorization", cfg!(feature = "authorization"));

impl MiddlewareKind {
    /// The Cargo feature without which there is no such filter; `None` of those that every build
    /// has.
    pub const fn feature(self) -> Option<&'static str> {
        match self.gate() {
            Some((name, _)) => Some(name),
            None => None,
        }
    }

    /// Whether this build has such a filter. Its keys and types are there all the same, and its use
    /// is a fault of the check.
    pub const fn is_built(self) -> bool {
        match self.gate() {
            Some((_, is_on)) => is_on,
            None => true,
        }
    }

    const fn gate(self) -> Option<(&'static str, bool)> {
        match self {
            MiddlewareKind::RateLimit | MiddlewareKind::ConcurrencyLimit => Some(RATE_LIMITING),
            MiddlewareKind::Auth
            | MiddlewareKind::ApiKey
            | MiddlewareKind::BasicAuth
            | MiddlewareKind::ForwardAuth => Some(AUTHENTICATION),
            MiddlewareKind::Rbac => Some(AUTHORIZATION),
            MiddlewareKind::IpFilter
            | MiddlewareKind::Maintenance
            | MiddlewareKind::RequestLimits
            | MiddlewareKind::Cors
            | MiddlewareKind::Headers
            | MiddlewareKind::SecurityHeaders
            | MiddlewareKind::Transform
            | MiddlewareKind::Custom => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_built_with_its_feature() {
        let gated =
            MiddlewareKind::ALL.into_iter().filter_map(|kind| Some((kind.feature()?, kind)));
        let gated: Vec<_> = gated.map(|(feature, kind)| (feature, kind.name())).collect();
        let want = [
            ("rate_limiting", "rate_limit"),
            ("authentication", "auth"),
            ("authentication", "api_key"),
            ("authentication", "basic_auth"),
            ("authentication", "forward_auth"),
            ("authorization", "rbac"),
            ("rate_limiting", "concurrency_limit"),
        ];
        assert_eq!(gated, want);
        assert!(MiddlewareKind::Cors.is_built());
        assert_eq!(MiddlewareKind::Auth.is_built(), cfg!(feature = "authentication"));
    }
}
