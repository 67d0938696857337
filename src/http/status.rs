//! Response status codes and their reason phrases.

use std::fmt;

/// A response status: three digits, 100 to 999.
///
/// RFC 9110 section 15 defines 100 to 599 and asks a client to take others as 5xx; upstreams do
/// send them, they do not touch framing, so 600 to 999 pass through and count as server errors.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(u16);

/// Statuses with a constant and the reason phrase of the registry.
macro_rules! statuses {
    ($($code:literal, $name:ident, $reason:literal;)*) => {
        impl Status {
            $(#[doc = concat!($code, " ", $reason)] pub const $name: Status = Status($code);)*

            /// The registered reason phrase, empty for a code without one.
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    _ => "",
                }
            }
        }
    };
}

statuses! {
    100, CONTINUE, "Continue";
    101, SWITCHING_PROTOCOLS, "Switching Protocols";
    102, PROCESSING, "Processing";
    103, EARLY_HINTS, "Early Hints";
    200, OK, "OK";
    201, CREATED, "Created";
    202, ACCEPTED, "Accepted";
    203, NON_AUTHORITATIVE_INFORMATION, "Non-Authoritative Information";
    204, NO_CONTENT, "No Content";
    205, RESET_CONTENT, "Reset Content";
    206, PARTIAL_CONTENT, "Partial Content";
    207, MULTI_STATUS, "Multi-Status";
    208, ALREADY_REPORTED, "Already Reported";
    226, IM_USED, "IM Used";
    300, MULTIPLE_CHOICES, "Multiple Choices";
    301, MOVED_PERMANENTLY, "Moved Permanently";
    302, FOUND, "Found";
    303, SEE_OTHER, "See Other";
    304, NOT_MODIFIED, "Not Modified";
    305, USE_PROXY, "Use Proxy";
    307, TEMPORARY_REDIRECT, "Temporary Redirect";
    308, PERMANENT_REDIRECT, "Permanent Redirect";
    400, BAD_REQUEST, "Bad Request";
    401, UNAUTHORIZED, "Unauthorized";
    402, PAYMENT_REQUIRED, "Payment Required";
    403, FORBIDDEN, "Forbidden";
    404, NOT_FOUND, "Not Found";
    405, METHOD_NOT_ALLOWED, "Method Not Allowed";
    406, NOT_ACCEPTABLE, "Not Acceptable";
    407, PROXY_AUTHENTICATION_REQUIRED, "Proxy Authentication Required";
    408, REQUEST_TIMEOUT, "Request Timeout";
    409, CONFLICT, "Conflict";
    410, GONE, "Gone";
    411, LENGTH_REQUIRED, "Length Required";
    412, PRECONDITION_FAILED, "Precondition Failed";
    413, CONTENT_TOO_LARGE, "Content Too Large";
    414, URI_TOO_LONG, "URI Too Long";
    415, UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type";
    416, RANGE_NOT_SATISFIABLE, "Range Not Satisfiable";
    417, EXPECTATION_FAILED, "Expectation Failed";
    421, MISDIRECTED_REQUEST, "Misdirected Request";
    422, UNPROCESSABLE_CONTENT, "Unprocessable Content";
    423, LOCKED, "Locked";
    424, FAILED_DEPENDENCY, "Failed Dependency";
    425, TOO_EARLY, "Too Early";
    426, UPGRADE_REQUIRED, "Upgrade Required";
    428, PRECONDITION_REQUIRED, "Precondition Required";
    429, TOO_MANY_REQUESTS, "Too Many Requests";
    431, REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large";
    451, UNAVAILABLE_FOR_LEGAL_REASONS, "Unavailable For Legal Reasons";
    500, INTERNAL_SERVER_ERROR, "Internal Server Error";
    501, NOT_IMPLEMENTED, "Not Implemented";
    502, BAD_GATEWAY, "Bad Gateway";
    503, SERVICE_UNAVAILABLE, "Service Unavailable";
    504, GATEWAY_TIMEOUT, "Gateway Timeout";
    505, HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported";
    506, VARIANT_ALSO_NEGOTIATES, "Variant Also Negotiates";
    507, INSUFFICIENT_STORAGE, "Insufficient Storage";
    508, LOOP_DETECTED, "Loop Detected";
    510, NOT_EXTENDED, "Not Extended";
    511, NETWORK_AUTHENTICATION_REQUIRED, "Network Authentication Required";
}

impl Status {
    /// The status of a number, `None` outside of 100 to 999.
    pub const fn new(code: u16) -> Option<Status> {
        if code >= 100 && code <= 999 { Some(Status(code)) } else { None }
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Whether it is interim, that is: another response follows (RFC 9110 section 15.2).
    pub const fn is_informational(self) -> bool {
        self.0 < 200
    }

    /// Whether a response with it never has a body, whatever its fields say (RFC 9112 section 6.3,
    /// item 1).
    pub const fn is_bodyless(self) -> bool {
        self.is_informational() || self.0 == 204 || self.0 == 304
    }

    /// The hundreds digit, with 6 to 9 taken as 5: 1 to 5.
    pub const fn class(self) -> u8 {
        match self.0 / 100 {
            0 | 1 => 1,
            2 => 2,
            3 => 3,
            4 => 4,
            _ => 5,
        }
    }

    /// The three digits as they stand on the wire.
    pub const fn digits(self) -> [u8; 3] {
        // Each is below 10 because the code is below 1000, so the casts keep the value.
        let hundreds = (self.0 / 100) as u8;
        let tens = (self.0 / 10 % 10) as u8;
        let ones = (self.0 % 10) as u8;
        [b'0' + hundreds, b'0' + tens, b'0' + ones]
    }

    /// The status of three digits on the wire; `None` when one is no digit or the first is 0.
    #[inline]
    pub const fn from_digits(digits: [u8; 3]) -> Option<Status> {
        let [hundreds, tens, ones] = digits;
        if !(hundreds.is_ascii_digit() && tens.is_ascii_digit() && ones.is_ascii_digit()) {
            return None;
        }
        let high = (hundreds - b'0') as u16 * 100 + (tens - b'0') as u16 * 10;
        Status::new(high + (ones - b'0') as u16)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.0, self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_read_back_as_the_status() {
        for code in 100..=999 {
            let status = Status::new(code).unwrap();
            assert_eq!(status.digits(), code.to_string().as_bytes());
            assert_eq!(Status::from_digits(status.digits()), Some(status));
        }
    }

    #[test]
    fn refuses_codes_outside_of_three_digits() {
        assert_eq!(Status::new(99), None);
        assert_eq!(Status::new(1000), None);
        assert_eq!(Status::from_digits(*b"099"), None);
        assert_eq!(Status::from_digits(*b"2x0"), None);
        assert_eq!(Status::from_digits(*b"20 "), None);
    }

    #[test]
    fn codes_above_599_count_as_server_errors() {
        assert_eq!(Status::new(999).unwrap().class(), 5);
        assert_eq!(Status::NOT_FOUND.class(), 4);
    }

    #[test]
    fn reasons_are_those_of_the_registry() {
        assert_eq!(Status::CONTENT_TOO_LARGE.reason(), "Content Too Large");
        assert_eq!(Status::new(299).unwrap().reason(), "");
    }

    #[test]
    fn bodyless_are_interim_204_and_304() {
        let bodyless: Vec<u16> =
            (100..=999).filter(|&code| Status(code).is_bodyless() && code >= 200).collect();
        assert_eq!(bodyless, [204, 304]);
        assert!(Status::CONTINUE.is_bodyless());
    }
}
