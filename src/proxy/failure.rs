//! From what went wrong in a stage to its reason, to what the client reads, and to whether another
//! attempt is safe. Status, blame and RFC 9209's word stand beside each reason in `bridge`.

use crate::bridge::reason::Reason;
use crate::http::framing::FramingError;
use crate::http::h1::chunked::ChunkError;
use crate::http::h1::parse::ParseError;

/// Why an exchange ended other than by its upstream's whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The cause, as the log, the metrics and the client's `Proxy-Status` name it.
    pub reason: Reason,
    /// Whether the request may be tried elsewhere.
    pub retry: Retry,
}

/// Whether and where a request that failed may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The upstream may have acted on the request.
    Never,
    /// A reused connection died before any byte of the answer: its peer had closed it.
    /// RFC 9112 section 9.3.1: a proxy may retry an idempotent request then.
    NewConnection,
    /// No byte of the request left the gateway, so any endpoint may have it.
    NextEndpoint,
}

impl Failure {
    /// A failure after which the request is not tried again.
    pub fn new(reason: Reason) -> Self {
        Self { reason, retry: Retry::Never }
    }

    /// A failure before any byte of the request left.
    pub fn unsent(reason: Reason) -> Self {
        Self { reason, retry: Retry::NextEndpoint }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<FramingError> for Failure {
    fn from(error: FramingError) -> Self {
        let reason = match error {
            FramingError::CodingUnsupported => Reason::CodingUnsupported,
            FramingError::BothLengths
            | FramingError::LengthRepeated
            | FramingError::LengthInvalid
            | FramingError::CodingInvalid
            | FramingError::CodingInHttp10 => Reason::FramingInvalid,
        };
        Self::new(reason)
    }
}

impl From<ChunkError> for Failure {
    fn from(error: ChunkError) -> Self {
        let reason = match error {
            ChunkError::SizeTooLarge => Reason::BodyTooLarge,
            ChunkError::TrailersTooLarge => Reason::FieldsTooLarge,
            ChunkError::SizeInvalid
            | ChunkError::ExtensionInvalid
            | ChunkError::ExtensionTooLarge
            | ChunkError::DataEndInvalid
            | ChunkError::TrailerInvalid(_)
            | ChunkError::TrailerForbidden => Reason::ChunkInvalid,
        };
        Self::new(reason)
    }
}

/// The reason for which a request's head was refused.
pub fn of_head(error: ParseError) -> Failure {
    let reason = match error {
        ParseError::MethodTooLong | ParseError::MethodUnsupported => Reason::MethodUnsupported,
        ParseError::VersionUnsupported => Reason::VersionUnsupported,
        ParseError::SchemeUnsupported => Reason::SchemeUnsupported,
        ParseError::StartLineTooLong => Reason::RequestLineTooLong,
        ParseError::FieldsTooMany | ParseError::FieldsTooLarge => Reason::FieldsTooLarge,
        ParseError::HostMissing
        | ParseError::HostRepeated
        | ParseError::HostInvalid
        | ParseError::AuthorityInvalid => Reason::HostInvalid,
        ParseError::MethodInvalid
        | ParseError::TargetInvalid
        | ParseError::VersionInvalid
        | ParseError::StatusLineInvalid
        | ParseError::BareLf
        | ParseError::BareCr
        | ParseError::Folded
        | ParseError::SpaceBeforeColon
        | ParseError::NameInvalid
        | ParseError::ValueInvalid
        | ParseError::ConnectionInvalid => Reason::RequestMalformed,
    };
    Failure::new(reason)
}

/// Whether the client's connection can carry another request after the gateway's own answer.
///
/// Not where the request's end is unknown, or its sender is too slow or too many.
pub fn keeps_connection(reason: Reason) -> bool {
    matches!(reason.status(), Some(401 | 403..=406 | 410 | 412 | 416 | 429 | 500 | 502..=504))
        && !matches!(reason, Reason::ConnectionsFull | Reason::Draining | Reason::GenerationExpired)
}

macro_rules! texts {
    ($($reason:pat => $text:literal,)*) => {
        /// One line for a person; what the log says is its label.
        pub fn text(reason: Reason) -> &'static str {
            match reason { $($reason => $text,)* }
        }
    };
}

texts! {
    Reason::Ok | Reason::Redirected | Reason::Responded | Reason::FileServed
    | Reason::PreflightAnswered | Reason::FilterReplied
    | Reason::ClientClosed | Reason::ClientWriteTimeout
    | Reason::KeepAliveTimeout => "",
    Reason::RequestMalformed => "the request is malformed",
    Reason::FramingInvalid => "the length of the request body is ambiguous",
    Reason::ChunkInvalid => "the chunked request body is malformed",
    Reason::SchemeUnsupported => "the scheme is not served here",
    Reason::HostInvalid => "the host is missing, repeated or malformed",
    Reason::RequestLineTooLong => "the request line is too long",
    Reason::FieldsTooLarge => "the request fields are too many or too large",
    Reason::BodyTooLarge => "the request body is too large",
    Reason::VersionUnsupported => "the HTTP version is not supported",
    Reason::MethodUnsupported => "the method is not supported",
    Reason::CodingUnsupported => "the transfer coding is not supported",
    Reason::ExpectationFailed => "the expectation is not supported",
    Reason::ClientHeaderTimeout => "the request head took too long",
    Reason::ClientBodyTimeout => "the request body took too long",
    Reason::PathMalformed => "the path is malformed",
    Reason::PathEncodedSlash => "the path has an encoded slash",
    Reason::PathBackslash => "the path has a backslash",
    Reason::PathNul => "the path has a NUL byte",
    Reason::PathDoubleEncoded => "the path is encoded twice",
    Reason::PathDotSegments => "the path has dot segments",
    Reason::PathRepeatedSlashes => "the path has repeated slashes",
    Reason::PathDotParameter => "the path has dots with a parameter",
    Reason::RouteNotFound => "no route matches",
    Reason::MethodNotAllowed => "the route does not allow the method",
    Reason::FileNotFound => "there is no such file",
    Reason::FileForbidden => "the file is not served",
    Reason::PreconditionFailed => "the file is not as the request wants it",
    Reason::RangeNotSatisfiable => "the file has no such part",
    Reason::FileFailed => "the file could not be read",
    Reason::NotAcceptable => "no answer of an accepted media type",
    Reason::VersionGone => "this version of the interface is gone",
    Reason::IpDenied => "the address is not allowed",
    Reason::Maintenance => "under maintenance",
    Reason::RateLimited => "too many requests",
    Reason::ConcurrencyLimited => "too many requests at once",
    Reason::CredentialsMissing => "credentials are needed",
    Reason::CredentialsInvalid => "the credentials are not valid",
    Reason::CredentialsUnchecked => "the credentials could not be checked in time",
    Reason::TokenMalformed => "the token is malformed",
    Reason::TokenRepeated => "there is more than one token",
    Reason::TokenAlgorithm => "the algorithm of the token is not accepted",
    Reason::TokenKeyUnknown => "the key of the token is not known",
    Reason::TokenSignature => "the signature of the token is not valid",
    Reason::TokenExpired => "the token has expired",
    Reason::TokenExpiryMissing => "the token has no expiry",
    Reason::TokenEarly => "the token is not valid yet",
    Reason::TokenIssuer => "the issuer of the token is not accepted",
    Reason::TokenAudience => "the token is for another audience",
    Reason::TokenClaimMissing => "the token lacks a claim",
    Reason::ScopeMissing => "the token lacks a scope",
    Reason::KeysUnavailable => "the keys of the issuer are not known yet",
    Reason::ForwardDenied => "the request is not authorized",
    Reason::ForwardFailed => "the authorization server did not answer",
    Reason::ForwardUndecided => "the authorization server did not decide",
    Reason::RbacDenied => "the request is not allowed",
    Reason::CorsDenied => "the origin is not allowed",
    Reason::FilterRefused => "the request is refused",
    Reason::FilterFailed => "the request could not be judged",
    Reason::BodyNotBuffered => "the request body is too large to be read as a whole",
    Reason::AnswerNotBuffered => "the answer is too large to be read as a whole",
    Reason::BodyUnreadable => "the request body is not as it has to be",
    Reason::AnswerUnreadable => "the answer is not as it has to be",
    Reason::HeldBodiesFull => "too many bodies are read as a whole",
    Reason::NoEndpoint => "no upstream is available",
    Reason::UpstreamUnresolved => "the name of the upstream has no address",
    Reason::UpstreamConnectionsFull => "all connections to the upstream are in use",
    Reason::ConnectionsFull => "the gateway has too many connections",
    Reason::Draining => "the gateway is shutting down",
    Reason::GenerationExpired => "the configuration of this request is no longer in use",
    Reason::ConnectRefused => "the upstream refused to connect",
    Reason::ConnectFailed => "the upstream could not be reached",
    Reason::ConnectTimeout => "connecting to the upstream took too long",
    Reason::UpstreamReset => "the upstream reset the connection",
    Reason::UpstreamClosed => "the upstream closed the connection",
    Reason::UpstreamMalformed => "the answer of the upstream is malformed",
    Reason::UpstreamFramingInvalid => "the length of the upstream's answer is ambiguous",
    Reason::UpstreamHeadTooLarge => "the head of the upstream's answer is too large",
    Reason::FirstByteTimeout => "the answer of the upstream took too long to begin",
    Reason::UpstreamIdleTimeout => "the upstream stopped sending",
    Reason::TotalTimeout => "the exchange took too long",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_with_a_status_has_a_text() {
        for &reason in Reason::ALL {
            let silent = matches!(reason.status(), None | Some(499));
            assert_eq!(text(reason).is_empty(), silent, "{}", reason.label());
        }
    }

    #[test]
    fn a_request_of_unknown_end_closes_its_connection() {
        assert!(!keeps_connection(Reason::FramingInvalid));
        assert!(!keeps_connection(Reason::ClientBodyTimeout));
        assert!(keeps_connection(Reason::RouteNotFound));
    }
}
