//! What becomes of a path that some upstreams read in another way than the gateway.

/// Something in a path that upstreams are known to read in more than one way.
///
/// In the order in which they are told where a path has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ambiguity {
    /// `%00` or a NUL byte: the end of the path to some upstreams.
    Nul = 0,
    /// `\` or `%5C`: a slash to some upstreams.
    Backslash = 1,
    /// `%2F`: a slash to some upstreams, data to others.
    EncodedSlash = 2,
    /// `%25` followed by two hexadecimal digits: another byte to those who decode twice.
    DoubleEncoding = 3,
    /// `.;` or `..;` at the start of a segment, also encoded: dots alone to servlet containers.
    DotParameter = 4,
    /// `.` or `..` as a segment.
    DotSegments = 5,
    /// `//`.
    RepeatedSlashes = 6,
    /// Dots between encoded slashes or backslashes that are kept (`/a/..%2Fb`): whoever decodes
    /// them leaves the folder that was matched.
    HiddenDots = 7,
}

/// A set of ambiguities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ambiguities(u8);

/// What becomes of each ambiguity in the paths of one route.
///
/// One that is in none of the sets is kept: matched as data, and forwarded as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Answered 400.
    pub reject: Ambiguities,
    /// Read as a slash: only [`Ambiguity::EncodedSlash`] and [`Ambiguity::Backslash`].
    pub decode: Ambiguities,
    /// Forwarded in the canonical form: only [`Ambiguity::DotSegments`] and
    /// [`Ambiguity::RepeatedSlashes`].
    pub resolve: Ambiguities,
}

/// What a policy says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The route may answer.
    Pass(Forward),
    /// The path is to be read once more, with these as slashes, and matched again.
    Decode(Ambiguities),
    /// The request is refused.
    Reject(Ambiguity),
}

/// Which form of the path an upstream is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forward {
    /// As it was received.
    #[default]
    Raw,
    /// The one that was matched.
    Canonical,
}

impl Ambiguity {
    /// Every ambiguity, in its order.
    pub const ALL: [Ambiguity; 8] = [
        Ambiguity::Nul,
        Ambiguity::Backslash,
        Ambiguity::EncodedSlash,
        Ambiguity::DoubleEncoding,
        Ambiguity::DotParameter,
        Ambiguity::DotSegments,
        Ambiguity::RepeatedSlashes,
        Ambiguity::HiddenDots,
    ];

    /// The key of `path_policy`, or a few words where it has none.
    pub const fn name(self) -> &'static str {
        match self {
            Ambiguity::Nul => "nul",
            Ambiguity::Backslash => "backslash",
            Ambiguity::EncodedSlash => "encoded_slash",
            Ambiguity::DoubleEncoding => "double_encoding",
            Ambiguity::DotParameter => "dot_parameter",
            Ambiguity::DotSegments => "dot_segments",
            Ambiguity::RepeatedSlashes => "repeated_slashes",
            Ambiguity::HiddenDots => "dot_segments between encoded slashes",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Ambiguities {
    /// None.
    pub const NONE: Ambiguities = Ambiguities(0);

    /// The set of the given ones.
    pub const fn of(ambiguities: &[Ambiguity]) -> Ambiguities {
        let mut set = 0;
        let mut at = 0;
        while at < ambiguities.len() {
            set |= ambiguities[at].bit();
            at += 1;
        }
        Ambiguities(set)
    }

    /// Whether the path is read alike by everybody.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one is in it.
    pub const fn contains(self, ambiguity: Ambiguity) -> bool {
        self.0 & ambiguity.bit() != 0
    }

    /// Adds one.
    pub fn insert(&mut self, ambiguity: Ambiguity) {
        self.0 |= ambiguity.bit();
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Ambiguities) -> Ambiguities {
        Ambiguities(self.0 & other.0)
    }

    /// Those that are in one of them.
    #[must_use]
    pub const fn or(self, other: Ambiguities) -> Ambiguities {
        Ambiguities(self.0 | other.0)
    }

    /// Those that the other one has not.
    #[must_use]
    pub const fn without(self, other: Ambiguities) -> Ambiguities {
        Ambiguities(self.0 & !other.0)
    }

    /// All of them, in their order.
    pub fn iter(self) -> impl Iterator<Item = Ambiguity> {
        Ambiguity::ALL.into_iter().filter(move |one| self.contains(*one))
    }

    fn first(self) -> Option<Ambiguity> {
        self.iter().next()
    }
}

impl Policy {
    /// What nobody can be led astray by: dots are resolved and slashes merged, all else is refused.
    pub const STRICT: Policy = Policy {
        reject: Ambiguities::of(&[
            Ambiguity::Nul,
            Ambiguity::Backslash,
            Ambiguity::EncodedSlash,
            Ambiguity::DoubleEncoding,
            Ambiguity::DotParameter,
            Ambiguity::HiddenDots,
        ]),
        decode: Ambiguities::NONE,
        resolve: Ambiguities::of(&[Ambiguity::DotSegments, Ambiguity::RepeatedSlashes]),
    };

    /// What it says of a path with these ambiguities that was matched as it is.
    #[inline]
    pub fn judge(self, ambiguities: Ambiguities) -> Judgement {
        if ambiguities.is_empty() {
            Judgement::Pass(Forward::Raw)
        } else {
            self.judge_all(ambiguities)
        }
    }

    fn judge_all(self, ambiguities: Ambiguities) -> Judgement {
        let decode = ambiguities.and(self.decode);
        // Dots that are hidden now show once the slash beside them is one, and are judged then.
        let refused = match decode.is_empty() {
            true => ambiguities.and(self.reject),
            false => {
                ambiguities.and(self.reject).without(Ambiguities::of(&[Ambiguity::HiddenDots]))
            }
        };
        match refused.first() {
            Some(ambiguity) => Judgement::Reject(ambiguity),
            None if !decode.is_empty() => Judgement::Decode(decode),
            None if ambiguities.and(self.resolve).is_empty() => Judgement::Pass(Forward::Raw),
            None => Judgement::Pass(Forward::Canonical),
        }
    }

    /// What it says of a path that was matched again after `decoded` were read as slashes, because
    /// the route that was found first said so: this one must say so too.
    pub fn judge_decoded(self, decoded: Ambiguities, ambiguities: Ambiguities) -> Judgement {
        // A slash that this policy alone would decode is refused: there is no third reading.
        let refused = decoded.without(self.decode).first();
        let left = ambiguities.and(self.decode).first();
        match refused.or(ambiguities.and(self.reject).first()).or(left) {
            Some(ambiguity) => Judgement::Reject(ambiguity),
            None => Judgement::Pass(Forward::Canonical),
        }
    }

    /// What it refuses of a path that a rewrite composed. Nothing is matched by that path any more,
    /// so what would be decoded or resolved is refused; slashes that met stay, unless they are
    /// refused.
    pub fn refused_of_composed(self, ambiguities: Ambiguities) -> Option<Ambiguity> {
        let dots = Ambiguities::of(&[Ambiguity::DotSegments, Ambiguity::HiddenDots]);
        ambiguities.and(self.reject.or(self.decode).or(dots)).first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ambiguity::*;

    fn set(ambiguities: &[Ambiguity]) -> Ambiguities {
        Ambiguities::of(ambiguities)
    }

    #[test]
    fn the_strict_policy_refuses_all_that_cannot_be_resolved() {
        assert_eq!(Policy::STRICT.judge(set(&[])), Judgement::Pass(Forward::Raw));
        for ambiguity in [Nul, Backslash, EncodedSlash, DoubleEncoding, DotParameter] {
            let judged = Policy::STRICT.judge(set(&[ambiguity, DotSegments]));
            assert_eq!(judged, Judgement::Reject(ambiguity));
        }
        for ambiguity in [DotSegments, RepeatedSlashes] {
            let judged = Policy::STRICT.judge(set(&[ambiguity]));
            assert_eq!(judged, Judgement::Pass(Forward::Canonical));
        }
    }

    #[test]
    fn what_is_kept_is_forwarded_as_it_came() {
        let keep = set(&[EncodedSlash, RepeatedSlashes]);
        let strict = Policy::STRICT;
        let policy = Policy {
            reject: strict.reject.without(keep),
            resolve: strict.resolve.without(keep),
            ..strict
        };
        assert_eq!(policy.judge(keep), Judgement::Pass(Forward::Raw));
        let with_dots = set(&[RepeatedSlashes, DotSegments]);
        assert_eq!(policy.judge(with_dots), Judgement::Pass(Forward::Canonical));
        let hidden = set(&[EncodedSlash, HiddenDots]);
        assert_eq!(policy.judge(hidden), Judgement::Reject(HiddenDots));
    }

    #[test]
    fn a_composed_path_is_not_read_once_more() {
        let strict = Policy::STRICT;
        for ambiguity in Ambiguity::ALL {
            let refused = (ambiguity != RepeatedSlashes).then_some(ambiguity);
            assert_eq!(strict.refused_of_composed(set(&[ambiguity])), refused);
        }
        let slash = set(&[EncodedSlash]);
        let kept = Policy { reject: strict.reject.without(slash), ..strict };
        assert_eq!(kept.refused_of_composed(slash), None);
        assert_eq!(kept.refused_of_composed(set(&[EncodedSlash, HiddenDots])), Some(HiddenDots));
        let decoded = Policy { decode: slash, ..kept };
        assert_eq!(decoded.refused_of_composed(slash), Some(EncodedSlash));
        let slashes = set(&[RepeatedSlashes]);
        let narrow = Policy { reject: strict.reject.or(slashes), ..strict };
        assert_eq!(narrow.refused_of_composed(slashes), Some(RepeatedSlashes));
    }

    #[test]
    fn what_is_decoded_is_decoded_once_and_by_both_routes() {
        let slash = set(&[EncodedSlash]);
        let reject = Policy::STRICT.reject.without(slash);
        let decode = Policy { reject, decode: slash, ..Policy::STRICT };
        assert_eq!(decode.judge(slash), Judgement::Decode(slash));
        assert_eq!(decode.judge(set(&[EncodedSlash, HiddenDots])), Judgement::Decode(slash));
        assert_eq!(decode.judge(set(&[EncodedSlash, Nul])), Judgement::Reject(Nul));
        let passed = Judgement::Pass(Forward::Canonical);
        assert_eq!(decode.judge_decoded(slash, set(&[])), passed);
        assert_eq!(decode.judge_decoded(slash, set(&[DotSegments])), passed);
        let refused = Policy::STRICT.judge_decoded(slash, set(&[]));
        assert_eq!(refused, Judgement::Reject(EncodedSlash));
        let both = set(&[EncodedSlash, Backslash]);
        let more = Policy { reject: reject.without(both), decode: both, ..Policy::STRICT };
        let refused = more.judge_decoded(slash, set(&[Backslash]));
        assert_eq!(refused, Judgement::Reject(Backslash));
    }
}
