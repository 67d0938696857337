//! What becomes of paths that upstreams are known to read in more than one way.

/// What to do with each ambiguity; what is `None` is left to the gateway's, and there to the
/// default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathPolicy {
    /// `%2F`. Default [`Ambiguous::Reject`].
    pub encoded_slash: Option<Ambiguous>,
    /// `\` and `%5C`. Default [`Ambiguous::Reject`].
    pub backslash: Option<Ambiguous>,
    /// `%00`: `Reject` or `Keep`. Default [`Ambiguous::Reject`].
    pub nul: Option<Ambiguous>,
    /// `%25` followed by two hexadecimal digits: `Reject` or `Keep`. Default
    /// [`Ambiguous::Reject`].
    pub double_encoding: Option<Ambiguous>,
    /// A segment that begins with `.;` or `..;`: `Reject` or `Keep`. Default
    /// [`Ambiguous::Reject`].
    pub dot_parameter: Option<Ambiguous>,
    /// `.` and `..` segments: `Resolve` or `Reject`. Default [`Ambiguous::Resolve`].
    pub dot_segments: Option<Ambiguous>,
    /// `//`: `Resolve` (merged), `Keep` (matched as merged, forwarded as it is) or `Reject`.
    /// Default [`Ambiguous::Resolve`].
    pub repeated_slashes: Option<Ambiguous>,
}

/// What becomes of an ambiguous path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguous {
    /// It is answered 400.
    Reject,
    /// It is matched with the encoded bytes as data, and forwarded as it came.
    Keep,
    /// It is matched, and forwarded, with a slash in their place.
    Decode,
    /// It is matched and forwarded in its canonical form.
    Resolve,
}
