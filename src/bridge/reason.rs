//! Why an exchange ended as it did: the one word that the answer, the log and the metrics share.

use crate::snapshot::{Ambiguity, PathFault, Refusal};

/// Whose doing an outcome was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// Nobody's: the exchange went well.
    Nobody,
    /// The client sent something wrong, was too slow or went away.
    Client,
    /// The gateway refused by its configuration or its limits.
    Gateway,
    /// The upstream failed, lied or was too slow.
    Upstream,
}

impl Blame {
    /// The word for logs and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Blame::Nobody => "nobody",
            Blame::Client => "client",
            Blame::Gateway => "gateway",
            Blame::Upstream => "upstream",
        }
    }
}

/// What a reason says about itself, in one row of the table below.
struct Row {
    label: &'static str,
    status: u16,
    blame: Blame,
    token: &'static str,
    meaning: &'static str,
}

macro_rules! reasons {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $label:literal $status:literal $blame:ident $token:literal;
    )*) => {
        /// Why an exchange, or a connection, ended as it did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)* }

        impl Reason {
            /// Every reason, in the order of its number.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            const fn row(self) -> Row {
                match self {
                    $(Reason::$name => Row {
                        label: $label, status: $status, blame: Blame::$blame, token: $token,
                        meaning: concat!($($doc),+),
                    },)*
                }
            }
        }
    };
}

// The tokens are those of RFC 9209 section 2.3 (Proxy-Status); an empty one has none to say.
reasons! {
    /// The upstream's response, whatever its status, reached the client whole.
    Ok: "ok" 0 Nobody "";
    /// The route sent the client elsewhere.
    Redirected: "redirected" 0 Nobody "";
    /// The route answered with its fixed text.
    Responded: "responded" 0 Nobody "";
    /// A file, a part of it, or the word that the client has it already.
    FileServed: "file_served" 0 Nobody "";
    /// The request head breaks RFC 9112 or RFC 9110.
    RequestMalformed: "request_malformed" 400 Client "http_request_error";
    /// The request's body length is ambiguous or malformed (RFC 9112 section 6.3).
    FramingInvalid: "framing_invalid" 400 Client "http_request_error";
    /// `Host` is missing, repeated or malformed (RFC 9112 section 3.2); or what a redirect or
    /// `host_rewrite` comes to is no host.
    HostInvalid: "host_invalid" 400 Client "http_request_error";
    /// An absolute target of another scheme than `http` (RFC 9110 section 7.4).
    SchemeUnsupported: "scheme_unsupported" 421 Client "http_request_error";
    /// The request line is over its limit.
    RequestLineTooLong: "request_line_too_long" 414 Client "http_request_error";
    /// The fields are too many or too large.
    FieldsTooLarge: "fields_too_large" 431 Client "http_request_error";
    /// The request body is over the route's limit.
    BodyTooLarge: "body_too_large" 413 Client "http_request_denied";
    /// A chunk of the request body is malformed or over a limit.
    ChunkInvalid: "chunk_invalid" 400 Client "http_request_error";
    /// The HTTP version is not one that is served.
    VersionUnsupported: "version_unsupported" 505 Client "http_request_error";
    /// The method is not served at all.
    MethodUnsupported: "method_unsupported" 501 Client "http_request_denied";
    /// The transfer coding is not known.
    CodingUnsupported: "coding_unsupported" 501 Client "http_request_error";
    /// `Expect` asks for something other than `100-continue`.
    ExpectationFailed: "expectation_failed" 417 Client "http_request_denied";
    /// The request head did not arrive in time.
    ClientHeaderTimeout: "client_header_timeout" 408 Client "http_request_error";
    /// The request body stalled for longer than the idle limit.
    ClientBodyTimeout: "client_body_timeout" 408 Client "http_request_error";
    /// The client went away before the answer was complete.
    ClientClosed: "client_closed" 499 Client "";
    /// The client took none of its answer for longer than the idle limit.
    ClientWriteTimeout: "client_write_timeout" 499 Client "";
    /// The idle connection was closed; there was no request to answer.
    KeepAliveTimeout: "keep_alive_timeout" 0 Nobody "";
    /// The path has `%` without two digits, or leads above its root.
    PathMalformed: "path_malformed" 400 Client "http_request_error";
    /// The path has `%2F`, and the route's policy does not take it.
    PathEncodedSlash: "path_encoded_slash" 400 Client "http_request_error";
    /// The path has a backslash, raw or encoded, and the route's policy does not take it.
    PathBackslash: "path_backslash" 400 Client "http_request_error";
    /// The path has `%00`, and the route's policy does not take it.
    PathNul: "path_nul" 400 Client "http_request_error";
    /// The path has `%25` before two hexadecimal digits, and the route's policy does not take it.
    PathDoubleEncoded: "path_double_encoded" 400 Client "http_request_error";
    /// The path has dot segments, and the route's policy does not take them; or it hides some
    /// between encoded slashes, or the route's rewrite came to some.
    PathDotSegments: "path_dot_segments" 400 Client "http_request_error";
    /// The path has `//`, and the route's policy does not take it.
    PathRepeatedSlashes: "path_repeated_slashes" 400 Client "http_request_error";
    /// The path, as it was received or rewritten, has `.;` or `..;` in front of a segment, and the
    /// route's policy does not take it.
    PathDotParameter: "path_dot_parameter" 400 Client "http_request_error";
    /// No route matches host and path.
    RouteNotFound: "route_not_found" 404 Gateway "destination_not_found";
    /// Routes match host and path, and none of them the method.
    MethodNotAllowed: "method_not_allowed" 405 Gateway "http_request_denied";
    /// There is no file where the path leads.
    FileNotFound: "file_not_found" 404 Client "";
    /// The path leads to a hidden name, out of the folder, to what is no regular file, or to one
    /// that the gateway may not read.
    FileForbidden: "file_forbidden" 403 Gateway "";
    /// The request was to hold for another state of the file (RFC 9110 section 13).
    PreconditionFailed: "precondition_failed" 412 Client "";
    /// The part that was asked for lies behind the file's end (RFC 9110 section 14).
    RangeNotSatisfiable: "range_not_satisfiable" 416 Client "";
    /// The file could not be opened or read, or became shorter meanwhile.
    FileFailed: "file_failed" 500 Gateway "proxy_internal_error";
    /// Routes match all but `Accept`, which takes nothing that they produce.
    NotAcceptable: "not_acceptable" 406 Gateway "http_request_denied";
    /// The version's sunset is past, and the route's group says that it is gone then.
    VersionGone: "version_gone" 410 Gateway "http_request_denied";
    /// The client's address is not one that the route's `ip_filter` lets pass.
    IpDenied: "ip_denied" 403 Gateway "http_request_denied";
    /// The route is in `maintenance`.
    Maintenance: "maintenance" 503 Gateway "http_request_denied";
    /// The client asks more often than a `rate_limit` of the route lets it.
    RateLimited: "rate_limited" 429 Client "http_request_denied";
    /// As many requests of the same key are under way as a `concurrency_limit` of the route lets
    /// be.
    ConcurrencyLimited: "concurrency_limited" 429 Client "http_request_denied";
    /// The route wants a token, a key or a password, and the request has none.
    CredentialsMissing: "credentials_missing" 401 Client "http_request_denied";
    /// The key is not known, or the password is wrong.
    CredentialsInvalid: "credentials_invalid" 401 Client "http_request_denied";
    /// The password could not be checked in time: too many wait to be.
    CredentialsUnchecked: "credentials_unchecked" 503 Gateway "proxy_internal_error";
    /// The token is no signed JSON Web Token, or is too long.
    TokenMalformed: "token_malformed" 401 Client "http_request_denied";
    /// The request has more than one token, or a place of tokens twice.
    TokenRepeated: "token_repeated" 401 Client "http_request_denied";
    /// The token names an algorithm that its key is not for, `none` among them.
    TokenAlgorithm: "token_algorithm" 401 Client "http_request_denied";
    /// The token names a key (`kid`) that the issuer's key set does not have.
    TokenKeyUnknown: "token_key_unknown" 401 Client "http_request_denied";
    /// The token's signature is not the one of its key.
    TokenSignature: "token_signature" 401 Client "http_request_denied";
    /// The token's `exp` is past.
    TokenExpired: "token_expired" 401 Client "http_request_denied";
    /// The token has no `exp`, and the route requires one.
    TokenExpiryMissing: "token_expiry_missing" 401 Client "http_request_denied";
    /// The token's `nbf` or `iat` is still to come.
    TokenEarly: "token_early" 401 Client "http_request_denied";
    /// The token's `iss` is not the route's issuer.
    TokenIssuer: "token_issuer" 401 Client "http_request_denied";
    /// The token's `aud` is none of the route's.
    TokenAudience: "token_audience" 401 Client "http_request_denied";
    /// The token lacks a claim that the route requires, or has another value of it.
    TokenClaimMissing: "token_claim_missing" 403 Client "http_request_denied";
    /// The token lacks a scope that the route requires.
    ScopeMissing: "scope_missing" 403 Client "http_request_denied";
    /// The issuer's key set has not been fetched yet.
    KeysUnavailable: "keys_unavailable" 503 Gateway "destination_unavailable";
    /// The server that `forward_auth` asks refuses the request; its status is passed on.
    ForwardDenied: "forward_denied" 403 Client "http_request_denied";
    /// The server that `forward_auth` asks did not answer: not in time, not in HTTP, or it has as
    /// many questions as it may have.
    ForwardFailed: "forward_failed" 503 Gateway "destination_unavailable";
    /// The server that `forward_auth` asks answered with a status that is no decision, as 500.
    ForwardUndecided: "forward_undecided" 503 Gateway "destination_unavailable";
    /// No rule of the route's `rbac` allows the request, or one denies it.
    RbacDenied: "rbac_denied" 403 Client "http_request_denied";
    /// A page of another origin asks, and the route's `cors` does not allow it.
    CorsDenied: "cors_denied" 403 Client "http_request_denied";
    /// The browser's question whether a page may send its request was answered.
    PreflightAnswered: "preflight_answered" 0 Nobody "";
    /// A filter of the embedding program answered.
    FilterReplied: "filter_replied" 0 Nobody "";
    /// A filter of the embedding program refused the request.
    FilterRefused: "filter_refused" 403 Gateway "http_request_denied";
    /// A filter did not come to a decision: what it asked for was not answered.
    FilterFailed: "filter_failed" 500 Gateway "proxy_internal_error";
    /// A filter needs the whole request body, which is longer than it takes.
    BodyNotBuffered: "body_not_buffered" 413 Client "http_request_denied";
    /// A filter needs the whole answer, which is longer than it takes.
    AnswerNotBuffered: "answer_not_buffered" 502 Gateway "proxy_internal_error";
    /// A filter has to change the request body and cannot: it is coded, or no JSON.
    BodyUnreadable: "body_unreadable" 400 Client "http_request_error";
    /// A filter has to change the answer and cannot: it is coded, a part only, or no JSON.
    AnswerUnreadable: "answer_unreadable" 502 Gateway "proxy_internal_error";
    /// The bodies that filters hold whole take all the memory that they may.
    HeldBodiesFull: "held_bodies_full" 503 Gateway "proxy_internal_error";
    /// The cluster has no endpoint left to try.
    NoEndpoint: "no_endpoint" 503 Gateway "destination_unavailable";
    /// The upstream's name has no address yet.
    UpstreamUnresolved: "upstream_unresolved" 503 Gateway "dns_error";
    /// Every connection that the upstream may have is in use.
    UpstreamConnectionsFull: "upstream_connections_full" 503 Gateway "connection_limit_reached";
    /// The gateway holds as many client connections as it may.
    ConnectionsFull: "connections_full" 503 Gateway "connection_limit_reached";
    /// The gateway is draining and takes no further request.
    Draining: "draining" 503 Gateway "proxy_internal_response";
    /// The configuration that the exchange began with is older than `max_generation_age`.
    GenerationExpired: "generation_expired" 503 Gateway "proxy_internal_response";
    /// The upstream refused the connection.
    ConnectRefused: "connect_refused" 502 Upstream "connection_refused";
    /// The connection to the upstream failed otherwise.
    ConnectFailed: "connect_failed" 502 Upstream "destination_ip_unroutable";
    /// The connection to the upstream took too long.
    ConnectTimeout: "connect_timeout" 504 Upstream "connection_timeout";
    /// The upstream reset the connection in the middle of an exchange.
    UpstreamReset: "upstream_reset" 502 Upstream "connection_terminated";
    /// The upstream closed the connection before its response was complete.
    UpstreamClosed: "upstream_closed" 502 Upstream "http_response_incomplete";
    /// The response head breaks RFC 9112 or RFC 9110.
    UpstreamMalformed: "upstream_malformed" 502 Upstream "http_protocol_error";
    /// The response's body length is ambiguous or malformed.
    UpstreamFramingInvalid: "upstream_framing_invalid" 502 Upstream "http_protocol_error";
    /// The response head is over its limit.
    UpstreamHeadTooLarge:
        "upstream_head_too_large" 502 Upstream "http_response_header_section_size";
    /// The response head did not begin in time.
    FirstByteTimeout: "first_byte_timeout" 504 Upstream "http_response_timeout";
    /// The response body stalled for longer than the idle limit.
    UpstreamIdleTimeout: "upstream_idle_timeout" 504 Upstream "connection_read_timeout";
    /// The exchange as a whole took longer than its limit.
    TotalTimeout: "total_timeout" 504 Upstream "http_response_timeout";
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Reason {
        match refusal {
            Refusal::Path(PathFault::PercentMalformed | PathFault::AboveRoot) => {
                Reason::PathMalformed
            }
            Refusal::Path(PathFault::NoLeadingSlash) => Reason::RequestMalformed,
            Refusal::Undecided => Reason::PathMalformed,
            Refusal::Method(_) => Reason::MethodNotAllowed,
            Refusal::NotAcceptable => Reason::NotAcceptable,
            Refusal::NotFound => Reason::RouteNotFound,
            Refusal::Ambiguous(ambiguity) => match ambiguity {
                Ambiguity::Nul => Reason::PathNul,
                Ambiguity::Backslash => Reason::PathBackslash,
                Ambiguity::EncodedSlash => Reason::PathEncodedSlash,
                Ambiguity::DoubleEncoding => Reason::PathDoubleEncoded,
                Ambiguity::DotParameter => Reason::PathDotParameter,
                Ambiguity::DotSegments | Ambiguity::HiddenDots => Reason::PathDotSegments,
                Ambiguity::RepeatedSlashes => Reason::PathRepeatedSlashes,
            },
        }
    }
}

impl Reason {
    /// How many reasons there are; the length of a table indexed by [`Reason::index`].
    pub const COUNT: usize = Reason::ALL.len();

    /// The reason's number, below [`Reason::COUNT`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The reason of a number, or none if there is no such number.
    pub fn from_index(index: usize) -> Option<Reason> {
        Reason::ALL.get(index).copied()
    }

    /// The word for logs, metrics and `Proxy-Status` details.
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// The status of the gateway's own answer; none where there is nothing to answer.
    ///
    /// 499 of `client_closed` is nginx's and stands in the log only: nobody is left to read it.
    pub const fn status(self) -> Option<u16> {
        match self.row().status {
            0 => None,
            status => Some(status),
        }
    }

    /// Whose doing it was.
    pub const fn blame(self) -> Blame {
        self.row().blame
    }

    /// The `error` of `Proxy-Status` (RFC 9209 section 2.3); none where it has no word for it.
    pub const fn error_token(self) -> Option<&'static str> {
        let token = self.row().token;
        if token.is_empty() { None } else { Some(token) }
    }

    /// What it means, in Markdown: sentences, the first of which stands for itself.
    pub const fn meaning(self) -> &'static str {
        self.row().meaning.trim_ascii()
    }

    /// Whether one of the limits of the configuration was hit.
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Reason::RequestLineTooLong
                | Reason::FieldsTooLarge
                | Reason::BodyTooLarge
                | Reason::UpstreamConnectionsFull
                | Reason::ConnectionsFull
                | Reason::UpstreamHeadTooLarge
                | Reason::BodyNotBuffered
                | Reason::AnswerNotBuffered
                | Reason::HeldBodiesFull
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_reasons_are_one_to_one() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert_eq!(Reason::from_index(index), Some(*reason));
        }
        assert_eq!(Reason::from_index(Reason::COUNT), None);
    }

    #[test]
    fn labels_are_distinct_and_plain() {
        let mut labels: Vec<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        assert!(
            labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Reason::COUNT);
    }

    #[test]
    fn status_class_follows_blame() {
        for reason in Reason::ALL.iter().filter(|reason| reason.blame() == Blame::Upstream) {
            assert!(matches!(reason.status(), Some(502 | 504)), "{}", reason.label());
        }
    }
}
