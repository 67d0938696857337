//! A parsed request for the tests of this module.

use super::Subject;
use crate::http::h1::parse::{self, HeadLimits};
use crate::http::head::{HeadIndex, RequestHead};
use crate::http::networks::Networks;

/// Bytes and their index.
pub(crate) struct Request {
    bytes: Vec<u8>,
    index: HeadIndex,
    nobody: Networks,
}

impl Request {
    /// A GET of a target with these fields.
    pub(crate) fn get(target: &str, fields: &[(&str, &str)]) -> Request {
        let lines: String =
            fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n").into_bytes();
        let mut index = HeadIndex::new();
        let limits = HeadLimits::default();
        parse::request(&bytes, &limits, &mut index).expect("a valid head");
        assert!(index.is_complete());
        Request { bytes, index, nobody: Networks::default() }
    }

    pub(crate) fn head(&self) -> RequestHead<'_> {
        RequestHead::new(&self.bytes, &self.index)
    }

    /// What guards see of it, over an unencrypted connection of a test network.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            head: Some(self.head()),
            peer: Some([192, 0, 2, 7].into()),
            trusted: &self.nobody,
            is_tls: false,
            path: b"/",
        }
    }
}
