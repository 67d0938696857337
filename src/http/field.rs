//! Field names: the well-known ones have a number, so that sets of them are bits.

/// Names that are known, in lower case, with their variants.
macro_rules! fields {
    ($($variant:ident = $name:literal,)*) => {
        /// The number of a well-known field name; `Other` is every name that is not in the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum FieldId {
            /// A name without a number.
            Other = 0,
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl FieldId {
            /// Every known field, in the order of their numbers.
            pub const KNOWN: &[FieldId] = &[$(FieldId::$variant,)*];

            const NAMES: &[&str] = &["", $($name,)*];
        }
    };
}

fields! {
    Host = "host",
    Connection = "connection",
    ContentLength = "content-length",
    TransferEncoding = "transfer-encoding",
    Te = "te",
    Trailer = "trailer",
    Upgrade = "upgrade",
    KeepAlive = "keep-alive",
    ProxyConnection = "proxy-connection",
    ProxyAuthenticate = "proxy-authenticate",
    ProxyAuthorization = "proxy-authorization",
    Http2Settings = "http2-settings",
    Expect = "expect",
    Via = "via",
    Forwarded = "forwarded",
    XForwardedFor = "x-forwarded-for",
    XForwardedProto = "x-forwarded-proto",
    XForwardedHost = "x-forwarded-host",
    XForwardedPort = "x-forwarded-port",
    XForwardedServer = "x-forwarded-server",
    XForwardedScheme = "x-forwarded-scheme",
    XRealIp = "x-real-ip",
    XRequestId = "x-request-id",
    Traceparent = "traceparent",
    Tracestate = "tracestate",
    MaxForwards = "max-forwards",
    Accept = "accept",
    AcceptCharset = "accept-charset",
    AcceptEncoding = "accept-encoding",
    AcceptLanguage = "accept-language",
    AcceptRanges = "accept-ranges",
    Age = "age",
    Allow = "allow",
    AltSvc = "alt-svc",
    Authorization = "authorization",
    AuthenticationInfo = "authentication-info",
    CacheControl = "cache-control",
    ContentDisposition = "content-disposition",
    ContentEncoding = "content-encoding",
    ContentLanguage = "content-language",
    ContentLocation = "content-location",
    ContentRange = "content-range",
    ContentSecurityPolicy = "content-security-policy",
    ContentType = "content-type",
    Cookie = "cookie",
    Date = "date",
    Dnt = "dnt",
    ETag = "etag",
    Expires = "expires",
    From = "from",
    IfMatch = "if-match",
    IfModifiedSince = "if-modified-since",
    IfNoneMatch = "if-none-match",
    IfRange = "if-range",
    IfUnmodifiedSince = "if-unmodified-since",
    LastModified = "last-modified",
    Link = "link",
    Location = "location",
    Origin = "origin",
    Pragma = "pragma",
    Priority = "priority",
    ProxyAuthenticationInfo = "proxy-authentication-info",
    ProxyStatus = "proxy-status",
    Range = "range",
    RateLimitLimit = "ratelimit-limit",
    RateLimitRemaining = "ratelimit-remaining",
    RateLimitReset = "ratelimit-reset",
    Referer = "referer",
    RetryAfter = "retry-after",
    SecChUa = "sec-ch-ua",
    SecChUaMobile = "sec-ch-ua-mobile",
    SecChUaPlatform = "sec-ch-ua-platform",
    SecFetchDest = "sec-fetch-dest",
    SecFetchMode = "sec-fetch-mode",
    SecFetchSite = "sec-fetch-site",
    SecFetchUser = "sec-fetch-user",
    SecWebsocketAccept = "sec-websocket-accept",
    SecWebsocketExtensions = "sec-websocket-extensions",
    SecWebsocketKey = "sec-websocket-key",
    SecWebsocketProtocol = "sec-websocket-protocol",
    SecWebsocketVersion = "sec-websocket-version",
    Server = "server",
    ServerTiming = "server-timing",
    SetCookie = "set-cookie",
    StrictTransportSecurity = "strict-transport-security",
    UpgradeInsecureRequests = "upgrade-insecure-requests",
    UserAgent = "user-agent",
    Vary = "vary",
    Warning = "warning",
    WwwAuthenticate = "www-authenticate",
    XApiKey = "x-api-key",
    XContentTypeOptions = "x-content-type-options",
    XFrameOptions = "x-frame-options",
    XPoweredBy = "x-powered-by",
    AccessControlAllowCredentials = "access-control-allow-credentials",
    AccessControlAllowHeaders = "access-control-allow-headers",
    AccessControlAllowMethods = "access-control-allow-methods",
    AccessControlAllowOrigin = "access-control-allow-origin",
    AccessControlExposeHeaders = "access-control-expose-headers",
    AccessControlMaxAge = "access-control-max-age",
    AccessControlRequestHeaders = "access-control-request-headers",
    AccessControlRequestMethod = "access-control-request-method",
    FrysExplain = "frys-explain",
}

/// One line of a head: offsets are resolved, surrounding whitespace is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number, `FieldId::Other` for a name that is not in the table.
    pub id: FieldId,
    /// The name as received; compare without case.
    pub name: &'a [u8],
    /// The value without surrounding spaces and tabs; may be empty; may hold bytes above 0x7f.
    pub value: &'a [u8],
}

impl FieldId {
    /// The name in lower case; empty for `Other`.
    pub const fn name(self) -> &'static str {
        FieldId::NAMES[self as usize]
    }

    /// The number of a name in any case. `name` must consist of token characters, or the answer
    /// may be wrong: folding by one bit is exact only within them.
    #[inline(always)]
    pub fn of(name: &[u8]) -> FieldId {
        let count = name.len();
        if !(NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&count) {
            return FieldId::Other;
        }
        let [first, middle] = [name[0], name[count / 2]];
        let [before, last] = [name[count - 2], name[count - 1]];
        let slot = slot_of([first, middle, before, last], count);
        let id = TABLE[slot];
        let known = FieldId::NAMES[id as usize].as_bytes();
        if known.len() == count && folds_to(name, known) { id } else { FieldId::Other }
    }

    /// The number of the name that `name` becomes where `_` stands for `-`: RFC 3875 section 4.1.18
    /// and its heirs (FastCGI, WSGI, PHP) cannot tell the two. `Other` for a name without `_`.
    pub fn of_twin(name: &[u8]) -> FieldId {
        if !name.contains(&b'_') {
            return FieldId::Other;
        }
        let mut hyphened = [0; NAME_BYTES_MAX];
        let Some(hyphened) = hyphened.get_mut(..name.len()) else { return FieldId::Other };
        for (to, &from) in hyphened.iter_mut().zip(name) {
            *to = if from == b'_' { b'-' } else { from };
        }
        FieldId::of(hyphened)
    }
}

/// A set of known fields. `FieldId::Other` is never a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u128);

impl FieldSet {
    /// The set without members.
    pub const EMPTY: FieldSet = FieldSet(0);

    /// The set of the given fields.
    pub const fn of(ids: &[FieldId]) -> FieldSet {
        let mut set = FieldSet(0);
        let mut at = 0;
        while at < ids.len() {
            set = set.with(ids[at]);
            at += 1;
        }
        set
    }

    /// This set and one field more.
    #[must_use]
    pub const fn with(self, id: FieldId) -> FieldSet {
        // The bit of `Other` is masked, so that no unknown name is ever a member.
        FieldSet((self.0 | 1 << id as u32) & !1)
    }

    /// Members of either set.
    #[must_use]
    pub const fn union(self, other: FieldSet) -> FieldSet {
        FieldSet(self.0 | other.0)
    }

    /// Whether the field is a member.
    #[inline]
    pub const fn contains(self, id: FieldId) -> bool {
        self.0 >> id as u32 & 1 == 1
    }

    /// Whether a field is a member of both.
    #[inline]
    pub const fn meets(self, other: FieldSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Adds a field.
    #[inline]
    pub fn insert(&mut self, id: FieldId) {
        *self = self.with(id);
    }
}

/// Names of fields, well-known ones and others. `_` counts as `-`, as in [`FieldId::of_twin`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames {
    known: FieldSet,
    /// In lower case, with `-` for `_`.
    others: Vec<Box<[u8]>>,
}

impl FieldNames {
    /// Adds a name, which must consist of token characters.
    pub fn insert(&mut self, name: &str) {
        let name = name.to_ascii_lowercase().replace('_', "-").into_bytes();
        match FieldId::of(&name) {
            FieldId::Other if self.others.iter().any(|other| **other == *name) => {}
            FieldId::Other => self.others.push(name.into()),
            known => self.known.insert(known),
        }
    }

    /// Those that are well known.
    pub fn known(&self) -> FieldSet {
        self.known
    }

    /// The others.
    pub fn others(&self) -> &[Box<[u8]>] {
        &self.others
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known == FieldSet::EMPTY && self.others.is_empty()
    }

    /// Whether a name, in any case, is one of them.
    pub fn contains(&self, name: &[u8]) -> bool {
        match FieldId::of(name) {
            FieldId::Other => {
                self.known.contains(FieldId::of_twin(name)) || is_one_of(name, &self.others)
            }
            known => self.known.contains(known),
        }
    }
}

/// Whether a name is one of [`FieldNames::others`].
pub(crate) fn is_one_of(name: &[u8], others: &[Box<[u8]>]) -> bool {
    let folded = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    others.iter().any(|other| {
        other.len() == name.len()
            && other.iter().zip(name).all(|(known, byte)| *known == folded(*byte))
    })
}

/// Whether a name is one of those that stand in `lines`, in lower case with `-` for `_`, each with
/// a line end.
pub(crate) fn is_among(name: &[u8], lines: &[u8]) -> bool {
    let folded = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    lines.split(|byte| *byte == b'\n').any(|other| {
        !other.is_empty()
            && other.len() == name.len()
            && other.iter().zip(name).all(|(known, byte)| *known == folded(*byte))
    })
}

/// Fields that speak to the next neighbour only and never pass the gateway.
///
/// RFC 9110 section 7.6.1 names the first five; `Http2-Settings` belongs to an upgrade (RFC 7540
/// section 3.2.1); the two `Proxy-` fields are for a forward proxy (RFC 9110 section 11.7), which
/// this gateway is not, and an origin has no business with credentials that were meant for one.
pub const HOP_BY_HOP: FieldSet = FieldSet::of(&[
    FieldId::Connection,
    FieldId::KeepAlive,
    FieldId::ProxyConnection,
    FieldId::Te,
    FieldId::TransferEncoding,
    FieldId::Upgrade,
    FieldId::Http2Settings,
    FieldId::ProxyAuthenticate,
    FieldId::ProxyAuthorization,
]);

/// Fields that decide where a message ends or where it goes: the encoder writes them itself from
/// what was understood.
pub const FRAMING: FieldSet = FieldSet::of(&[FieldId::ContentLength, FieldId::TransferEncoding]);

/// Fields of a request that let their reader act in the sender's name: nothing keeps or shows their
/// values.
pub const SECRET: [FieldId; 4] =
    [FieldId::Authorization, FieldId::ProxyAuthorization, FieldId::Cookie, FieldId::XApiKey];

/// Whether a field's value lets its reader act in the sender's name: one of [`SECRET`], or one
/// whose name says so.
pub fn is_secret(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let holds = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    SECRET.contains(&FieldId::of(name)) || SECRET_WORDS.iter().any(holds)
}

/// Words that names of secret fields have: `X-Auth-Token`, `X-Amz-Security-Token`, `Api-Key`.
const SECRET_WORDS: [&str; 8] =
    ["token", "secret", "password", "passwd", "apikey", "api-key", "signature", "x-auth"];

const NAME_BYTES_MIN: usize = 2;
const NAME_BYTES_MAX: usize = 32;
const TABLE_BITS: u32 = 9;

/// Found by trying random odd numbers until no two known names shared a slot; the assertion in
/// `table` holds it when a name is added.
const MULTIPLIER: u32 = 0x8048_55c3;

static TABLE: [FieldId; 1 << TABLE_BITS] = table();

const _: () = assert!(FieldId::KNOWN.len() < 128, "a FieldSet has 128 bits, one for `Other`");

const fn slot_of(picked: [u8; 4], count: usize) -> usize {
    let folded = u32::from_le_bytes(picked) | 0x2020_2020;
    // At most 32, see NAME_BYTES_MAX.
    let salted = folded.wrapping_add((count as u32).wrapping_mul(0x9e37_79b1));
    (salted.wrapping_mul(MULTIPLIER) >> (32 - TABLE_BITS)) as usize
}

const fn table() -> [FieldId; 1 << TABLE_BITS] {
    let mut table = [FieldId::Other; 1 << TABLE_BITS];
    let mut at = 0;
    while at < FieldId::KNOWN.len() {
        let id = FieldId::KNOWN[at];
        let name = id.name().as_bytes();
        let count = name.len();
        assert!(count >= NAME_BYTES_MIN, "a known name is too short for its hash");
        assert!(count <= NAME_BYTES_MAX, "a known name is too long for its hash");
        let picked = [name[0], name[count / 2], name[count - 2], name[count - 1]];
        let slot = slot_of(picked, count);
        assert!(matches!(table[slot], FieldId::Other), "two known names share a slot");
        table[slot] = id;
        at += 1;
    }
    table
}

/// Whether the token `name` is `known` in any case. Upper and lower case of a letter differ in bit
/// 0x20; `-` and digits have it set; no other token character becomes one of these with it.
#[inline(always)]
fn folds_to(name: &[u8], known: &[u8]) -> bool {
    let (blocks, rest) = name.as_chunks::<8>();
    let (known_blocks, known_rest) = known.as_chunks::<8>();
    for (block, known_block) in blocks.iter().zip(known_blocks) {
        let folded = u64::from_le_bytes(*block) | 0x2020_2020_2020_2020;
        if folded != u64::from_le_bytes(*known_block) {
            return false;
        }
    }
    rest.iter().zip(known_rest).all(|(byte, known)| byte | 0x20 == *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case() {
        for &id in FieldId::KNOWN {
            assert_eq!(FieldId::of(id.name().as_bytes()), id);
            assert_eq!(FieldId::of(id.name().to_uppercase().as_bytes()), id);
        }
    }

    #[test]
    fn a_known_name_with_one_byte_changed_is_other() {
        for &id in FieldId::KNOWN {
            let name = id.name().as_bytes();
            for at in 0..name.len() {
                let mut changed = name.to_vec();
                changed[at] = b'_';
                assert_eq!(FieldId::of(&changed), FieldId::Other);
            }
        }
    }

    #[test]
    fn a_twin_has_underscores_for_hyphens() {
        for name in [&b"x_forwarded_for"[..], b"X_Forwarded-For", b"x-forwarded_FOR"] {
            assert_eq!(FieldId::of_twin(name), FieldId::XForwardedFor);
        }
        for name in [&b"x-forwarded-for"[..], b"x__forwarded_for", b"_", b"", &[b'_'; 40]] {
            assert_eq!(FieldId::of_twin(name), FieldId::Other);
        }
    }

    #[test]
    fn names_beside_the_table_are_other() {
        for name in [&b""[..], b"x", b"hos", b"hostt", b"content_length", &[b'a'; 40]] {
            assert_eq!(FieldId::of(name), FieldId::Other);
        }
    }

    #[test]
    fn no_token_character_but_a_letter_folds_to_a_known_byte() {
        for byte in (0..=255).filter(|&byte| crate::simd::class::is_token(byte)) {
            let folded: u8 = byte | 0x20;
            let in_names = folded.is_ascii_lowercase() || folded == b'-' || folded.is_ascii_digit();
            assert_eq!(in_names, byte.is_ascii_alphanumeric() || byte == b'-', "{byte:#x}");
        }
    }

    #[test]
    fn other_is_never_a_member() {
        assert_eq!(FieldSet::of(&[FieldId::Other]), FieldSet::EMPTY);
        assert!(!FieldSet::of(FieldId::KNOWN).contains(FieldId::Other));
    }

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        for &id in FieldId::KNOWN {
            let set = FieldSet::of(&[id]);
            let members = FieldId::KNOWN.iter().filter(|other| set.contains(**other)).count();
            assert!(set.contains(id));
            assert_eq!(members, 1);
        }
    }
}
