//! Request methods: the registered nine have names, others are kept as short tokens.

use crate::limits::METHOD_BYTES_MAX;
use crate::simd::class;
use std::fmt;
use std::str::FromStr;

/// A request method. Case-sensitive (RFC 9110 section 9.1); `Copy`, 25 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(Token);

/// A string is no method: empty, longer than `limits::METHOD_BYTES_MAX`, or not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInvalid;

impl Method {
    /// `GET`
    pub const GET: Method = Method(Token::Get);
    /// `HEAD`
    pub const HEAD: Method = Method(Token::Head);
    /// `POST`
    pub const POST: Method = Method(Token::Post);
    /// `PUT`
    pub const PUT: Method = Method(Token::Put);
    /// `DELETE`
    pub const DELETE: Method = Method(Token::Delete);
    /// `CONNECT`
    pub const CONNECT: Method = Method(Token::Connect);
    /// `OPTIONS`
    pub const OPTIONS: Method = Method(Token::Options);
    /// `TRACE`
    pub const TRACE: Method = Method(Token::Trace);
    /// `PATCH` (RFC 5789)
    pub const PATCH: Method = Method(Token::Patch);

    /// Every method that has a name of its own.
    pub const NAMED: [Method; 9] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::CONNECT,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];

    /// Reads a method as it stands in a request line.
    ///
    /// # Errors
    /// [`MethodInvalid`] when the bytes are empty, too many, or not token characters.
    pub fn from_bytes(bytes: &[u8]) -> Result<Method, MethodInvalid> {
        if bytes.iter().copied().all(class::is_token) {
            Method::from_token(bytes).ok_or(MethodInvalid)
        } else {
            Err(MethodInvalid)
        }
    }

    /// The method of bytes that are known to be token characters; `None` when empty or too long.
    #[inline]
    pub(crate) fn from_token(token: &[u8]) -> Option<Method> {
        let named = match token {
            b"GET" => Token::Get,
            b"HEAD" => Token::Head,
            b"POST" => Token::Post,
            b"PUT" => Token::Put,
            b"DELETE" => Token::Delete,
            b"CONNECT" => Token::Connect,
            b"OPTIONS" => Token::Options,
            b"TRACE" => Token::Trace,
            b"PATCH" => Token::Patch,
            b"" => return None,
            extension => {
                let mut bytes = [0; METHOD_BYTES_MAX];
                bytes.get_mut(..extension.len())?.copy_from_slice(extension);
                Token::Extension(bytes)
            }
        };
        Some(Method(named))
    }

    /// The method's token.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Token::Get => "GET",
            Token::Head => "HEAD",
            Token::Post => "POST",
            Token::Put => "PUT",
            Token::Delete => "DELETE",
            Token::Connect => "CONNECT",
            Token::Options => "OPTIONS",
            Token::Trace => "TRACE",
            Token::Patch => "PATCH",
            Token::Extension(bytes) => {
                let end = memchr::memchr(0, bytes).unwrap_or(METHOD_BYTES_MAX);
                // Token characters are ASCII, so the fallback is never taken.
                std::str::from_utf8(&bytes[..end]).unwrap_or_default()
            }
        }
    }

    /// Whether the method only reads (RFC 9110 section 9.2.1).
    pub fn is_safe(self) -> bool {
        match self.0 {
            Token::Get | Token::Head | Token::Options | Token::Trace => true,
            Token::Post | Token::Put | Token::Delete | Token::Connect | Token::Patch => false,
            Token::Extension(_) => false,
        }
    }

    /// Whether doing it twice is doing it once (RFC 9110 section 9.2.2). Extensions are taken as
    /// not idempotent, since a retry of an unknown method could repeat its effect.
    pub fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self.0, Token::Put | Token::Delete)
    }
}

/// Invariant: an extension is never spelled like a named method, and is padded with NULs, which
/// are no token characters; so equal methods have equal bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Extension([u8; METHOD_BYTES_MAX]),
}

impl FromStr for Method {
    type Err = MethodInvalid;

    fn from_str(text: &str) -> Result<Method, MethodInvalid> {
        Method::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for MethodInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a method is 1 to {METHOD_BYTES_MAX} token characters, such as `GET`")
    }
}

impl std::error::Error for MethodInvalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_methods_read_back_as_themselves() {
        for method in Method::NAMED {
            assert_eq!(method.as_str().parse(), Ok(method));
        }
    }

    #[test]
    fn an_extension_keeps_its_spelling() {
        let method: Method = "get".parse().unwrap();
        assert_eq!(method.as_str(), "get");
        assert_ne!(method, Method::GET);
        assert!(!method.is_idempotent());
    }

    #[test]
    fn the_longest_token_is_a_method_and_one_more_byte_is_not() {
        let longest = "M".repeat(METHOD_BYTES_MAX);
        assert_eq!(longest.parse::<Method>().unwrap().as_str(), longest);
        assert_eq!(format!("{longest}M").parse::<Method>(), Err(MethodInvalid));
    }

    #[test]
    fn refuses_what_is_no_token() {
        for text in ["", "G T", "GET\0", "G\u{e9}T", "GE(T"] {
            assert_eq!(text.parse::<Method>(), Err(MethodInvalid), "{text:?}");
        }
    }

    #[test]
    fn idempotent_methods_are_those_of_the_standard() {
        let idempotent: Vec<_> =
            Method::NAMED.into_iter().filter(|method| method.is_idempotent()).collect();
        let expected = [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ];
        assert_eq!(idempotent, expected);
    }
}
