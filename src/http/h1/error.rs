//! Why a head was refused.

use crate::http::status::Status;

/// The rule that a head broke. After one, the connection cannot be used any further: where the
/// next message begins is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The method is empty or not a token: RFC 9112 section 3.1.
    MethodInvalid,
    /// The method is longer than `limits::METHOD_BYTES_MAX`: RFC 9112 section 3.
    MethodTooLong,
    /// `CONNECT` or another method that the gateway does not do: RFC 9110 section 9.1.
    MethodUnsupported,
    /// The target is empty, has bytes that do not belong there, or a form that does not go with
    /// the method: RFC 9112 section 3.2.
    TargetInvalid,
    /// An absolute target of another scheme than `http`: RFC 9110 section 7.4.
    SchemeUnsupported,
    /// The authority of an absolute target is not host and port: RFC 9110 section 4.2.
    AuthorityInvalid,
    /// The first line does not end with `HTTP/` and a version, or has spaces too many: RFC 9112
    /// sections 2.3 and 3.
    VersionInvalid,
    /// A version other than 1.0 and 1.1: RFC 9110 section 15.6.6.
    VersionUnsupported,
    /// The first line is longer than the limit: RFC 9112 section 3.
    StartLineTooLong,
    /// The first line of a response is not version, status and reason: RFC 9112 section 4.
    StatusLineInvalid,
    /// A line feed without its carriage return: RFC 9112 section 2.2.
    BareLf,
    /// A carriage return without its line feed: RFC 9112 section 2.2.
    BareCr,
    /// A line that begins with a space or tab: RFC 9112 sections 2.2 and 5.2.
    Folded,
    /// A space or tab before the colon: RFC 9112 section 5.1.
    SpaceBeforeColon,
    /// The name is empty, is not a token, or no colon follows: RFC 9110 section 5.1.
    NameInvalid,
    /// NUL or another control byte in a value: RFC 9110 section 5.5.
    ValueInvalid,
    /// More fields than the limit: RFC 6585 section 5.
    FieldsTooMany,
    /// More bytes of fields than the limit: RFC 6585 section 5.
    FieldsTooLarge,
    /// HTTP/1.1 without `Host`: RFC 9112 section 3.2.
    HostMissing,
    /// More than one `Host`: RFC 9112 section 3.2.
    HostRepeated,
    /// `Host` is not host and port: RFC 9112 section 3.2.
    HostInvalid,
    /// A member of `Connection` is not a token, or there are more than
    /// `limits::CONNECTION_OPTIONS_COUNT_MAX`: RFC 9110 section 7.6.1.
    ConnectionInvalid,
}

impl ParseError {
    /// What a client that sent it is answered. An upstream that sent it is answered for with 502.
    pub const fn status(self) -> Status {
        match self {
            ParseError::MethodInvalid
            | ParseError::TargetInvalid
            | ParseError::AuthorityInvalid
            | ParseError::VersionInvalid
            | ParseError::StatusLineInvalid
            | ParseError::BareLf
            | ParseError::BareCr
            | ParseError::Folded
            | ParseError::SpaceBeforeColon
            | ParseError::NameInvalid
            | ParseError::ValueInvalid
            | ParseError::HostMissing
            | ParseError::HostRepeated
            | ParseError::HostInvalid
            | ParseError::ConnectionInvalid => Status::BAD_REQUEST,
            ParseError::StartLineTooLong => Status::URI_TOO_LONG,
            ParseError::SchemeUnsupported => Status::MISDIRECTED_REQUEST,
            ParseError::FieldsTooMany | ParseError::FieldsTooLarge => {
                Status::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            ParseError::MethodTooLong | ParseError::MethodUnsupported => Status::NOT_IMPLEMENTED,
            ParseError::VersionUnsupported => Status::HTTP_VERSION_NOT_SUPPORTED,
        }
    }
}
