//! Request methods.

use crate::limits;

/// A request method: one of RFC 9110's or an extension token held inline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    bytes: [u8; limits::METHOD_BYTES_MAX],
    bytes_count: u8,
}

impl Method {
    /// GET
    pub const GET: Method = Method::new("GET");
    /// HEAD
    pub const HEAD: Method = Method::new("HEAD");
    /// POST
    pub const POST: Method = Method::new("POST");
    /// PUT
    pub const PUT: Method = Method::new("PUT");
    /// DELETE
    pub const DELETE: Method = Method::new("DELETE");
    /// CONNECT
    pub const CONNECT: Method = Method::new("CONNECT");
    /// OPTIONS
    pub const OPTIONS: Method = Method::new("OPTIONS");
    /// TRACE
    pub const TRACE: Method = Method::new("TRACE");
    /// PATCH
    pub const PATCH: Method = Method::new("PATCH");

    const fn new(text: &str) -> Method {
        let text = text.as_bytes();
        let mut bytes = [0; limits::METHOD_BYTES_MAX];
        let mut index = 0;
        while index < text.len() {
            bytes[index] = text[index];
            index += 1;
        }
        Method { bytes, bytes_count: text.len() as u8 }
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.bytes_count)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::str::FromStr for Method {
    type Err = ();
    fn from_str(text: &str) -> Result<Method, ()> {
        if text.is_empty() || text.len() > limits::METHOD_BYTES_MAX {
            return Err(());
        }
        Ok(Method::new(text))
    }
}
