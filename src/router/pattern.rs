//! What an operator writes, read once into steps of a tree.

use super::{PathPattern, Pattern, path, regex};
use crate::limits;
use std::fmt;

/// Why a pattern was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// The path does not begin with `/`.
    NoLeadingSlash,
    /// The path is longer than [`limits::PATTERN_BYTES_MAX`].
    PathTooLong,
    /// `//` in the path: the canonical form of a request's path has none.
    EmptySegment,
    /// A `.` or `..` segment: the canonical form of a request's path has none.
    DotSegment,
    /// A byte that no path of a request can hold unencoded.
    ByteRefused(char),
    /// `%` without two hexadecimal digits.
    PercentMalformed,
    /// `*` beside other bytes in a segment.
    WildcardMisplaced,
    /// `{` without `}`, or `}` without `{`.
    BraceUnclosed,
    /// A parameter's name that is not letters, digits and `_`, beginning with no digit.
    ParameterNameInvalid,
    /// Two parameters of one name.
    ParameterRepeated,
    /// Two parameters with nothing between them.
    ParametersAdjacent,
    /// More than [`limits::PARAMETERS_COUNT_MAX`] parameters.
    ParametersTooMany,
    /// A host that is neither a name nor an address.
    HostInvalid,
    /// The host is longer than [`limits::HOST_BYTES_MAX`].
    HostTooLong,
    /// A host with a port: a route matches the host on every port.
    HostWithPort,
    /// `*` elsewhere than in a leading `*.` or a trailing `.*`, or both.
    HostWildcardMisplaced,
    /// More extension methods than [`limits::METHOD_EXTENSIONS_COUNT_MAX`] over all routes.
    MethodsTooMany,
    /// What is wrong in a regular expression, and at which byte.
    RegexInvalid {
        /// In words.
        what: Box<str>,
        /// Bytes before the place.
        offset: usize,
    },
    /// A byte beyond ASCII in a regular expression: paths have them only percent-encoded.
    RegexNotAscii,
    /// The expression matches no path, since a path begins with a slash.
    RegexNoSlash,
    /// An automaton beyond [`limits::REGEX_AUTOMATON_BYTES_MAX`].
    RegexTooLarge,
    /// All automata together are beyond [`limits::REGEXES_BYTES_MAX`].
    RegexesTooLarge,
    /// A regular expression for a parameter that the path does not have.
    ParameterUnknown(Box<str>),
    /// Regular expressions for parameters of a path that is itself one.
    ParametersOfRegex,
    /// What is wrong with the regular expression for one parameter.
    Parameter {
        /// Its name.
        name: Box<str>,
        /// The fault.
        fault: Box<PatternError>,
    },
}

/// The part of a pattern that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// [`Pattern::host`].
    Host,
    /// [`Pattern::path`].
    Path,
    /// [`Pattern::methods`].
    Methods,
    /// [`Pattern::parameters`].
    Parameters,
}

impl PatternError {
    /// The part of the pattern that is refused.
    pub fn part(&self) -> Part {
        match self {
            PatternError::HostInvalid
            | PatternError::HostTooLong
            | PatternError::HostWithPort
            | PatternError::HostWildcardMisplaced => Part::Host,
            PatternError::MethodsTooMany => Part::Methods,
            PatternError::ParameterUnknown(_)
            | PatternError::ParametersOfRegex
            | PatternError::Parameter { .. } => Part::Parameters,
            PatternError::RegexInvalid { .. }
            | PatternError::RegexNotAscii
            | PatternError::RegexNoSlash
            | PatternError::RegexTooLarge
            | PatternError::RegexesTooLarge
            | PatternError::NoLeadingSlash
            | PatternError::PathTooLong
            | PatternError::EmptySegment
            | PatternError::DotSegment
            | PatternError::ByteRefused(_)
            | PatternError::PercentMalformed
            | PatternError::WildcardMisplaced
            | PatternError::BraceUnclosed
            | PatternError::ParameterNameInvalid
            | PatternError::ParameterRepeated
            | PatternError::ParametersAdjacent
            | PatternError::ParametersTooMany => Part::Path,
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            PatternError::NoLeadingSlash => "a path begins with `/`",
            PatternError::PathTooLong => "the path is too long",
            PatternError::EmptySegment => "`//` never matches: requests are matched without it",
            PatternError::DotSegment => "`.` and `..` segments never match",
            PatternError::ByteRefused(byte) => {
                return write!(f, "{byte:?} cannot stand in a path: write it percent-encoded");
            }
            PatternError::PercentMalformed => "`%` needs two hexadecimal digits",
            PatternError::WildcardMisplaced => "`*` stands only as a whole segment",
            PatternError::BraceUnclosed => "`{` and `}` do not pair up",
            PatternError::ParameterNameInvalid => {
                "a parameter's name is letters, digits and `_`, no digit first"
            }
            PatternError::ParameterRepeated => "two parameters have one name",
            PatternError::ParametersAdjacent => "two parameters need something between them",
            PatternError::ParametersTooMany => "the path has too many parameters",
            PatternError::HostInvalid => "not a host name or an address (IDNs as `xn--`)",
            PatternError::HostTooLong => "the host is too long",
            PatternError::HostWithPort => "a host has no port here: it matches on every port",
            PatternError::HostWildcardMisplaced => {
                "`*` in a host stands only in a leading `*.` or a trailing `.*`"
            }
            PatternError::MethodsTooMany => "the routes name too many extension methods",
            PatternError::RegexInvalid { what, offset } => {
                return write!(f, "the regular expression cannot be read at byte {offset}: {what}");
            }
            PatternError::RegexNotAscii => {
                "paths have bytes beyond ASCII only percent-encoded: write `%C3%A9` for `é`"
            }
            PatternError::RegexNoSlash => {
                "every path begins with `/`, and nothing that this expression matches does"
            }
            PatternError::RegexTooLarge => {
                let most = limits::REGEX_AUTOMATON_BYTES_MAX / 1024;
                return write!(
                    f,
                    "the regular expression needs an automaton of more than {most} KiB: repeat \
                     less often"
                );
            }
            PatternError::RegexesTooLarge => {
                let most = limits::REGEXES_BYTES_MAX / 1024 / 1024;
                return write!(
                    f,
                    "the regular expressions of all routes need more than {most} MiB: let more of \
                     them end alike, or use parameters"
                );
            }
            PatternError::ParameterUnknown(name) => {
                return write!(f, "the path has no parameter `{name}`");
            }
            PatternError::ParametersOfRegex => {
                "a path that is a regular expression says in its groups what parameters match"
            }
            PatternError::Parameter { name, fault } => return write!(f, "of `{name}`: {fault}"),
        };
        f.write_str(text)
    }
}

impl std::error::Error for PatternError {}

/// One step down the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Bytes that stand there as they are.
    Literal(Vec<u8>),
    /// Another way on.
    Turn(Turn),
}

/// What can be tried where literals lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// From a segment's first parameter to the segment's end.
    Shape(Shape),
    /// A whole segment without a name.
    Any,
    /// Regular expressions: a tree of the literal bytes that they begin with in this segment.
    Regexes,
}

/// The literals behind each parameter of a segment; the last may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape(pub(super) Vec<Vec<u8>>);

/// Where a turn stands among those of one place, smallest first.
pub(super) type TurnOrder<'a> = (u8, std::cmp::Reverse<usize>, usize, &'a [Vec<u8>]);

impl Turn {
    /// The key by which turns at one place are tried, smallest first.
    pub(super) fn order(&self) -> TurnOrder<'_> {
        let whole = std::cmp::Reverse(0);
        match self {
            Turn::Shape(Shape(pieces)) => {
                let literal_bytes = pieces.iter().map(Vec::len).sum();
                (0, std::cmp::Reverse(literal_bytes), pieces.len(), pieces)
            }
            Turn::Any => (1, whole, 0, &[]),
            Turn::Regexes => (2, whole, 0, &[]),
        }
    }
}

/// A path pattern, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Steps<'a> {
    pub(super) steps: Vec<Step>,
    /// Whether `/*` follows.
    pub(super) wildcard: bool,
    /// The names of the parameters, in their order.
    pub(super) names: Vec<&'a str>,
}

impl Pattern<'_> {
    /// The names of the parameters, in the order in which a search gives them.
    ///
    /// # Errors
    /// What is wrong with the path.
    pub fn parameter_names(&self) -> Result<Vec<String>, PatternError> {
        match self.path {
            PathPattern::Segments(path) => {
                Ok(parse_path(path)?.names.into_iter().map(str::to_owned).collect())
            }
            PathPattern::Regex(text) => Ok(regex::parse_path(text)?.names),
        }
    }
}

/// Reads a path pattern.
pub(super) fn parse_path(text: &str) -> Result<Steps<'_>, PatternError> {
    if text.len() > limits::PATTERN_BYTES_MAX {
        return Err(PatternError::PathTooLong);
    }
    let (body, wildcard) = match text.strip_suffix("/*") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let mut reader = Reader { names: Vec::new(), steps: Vec::new() };
    if body.is_empty() {
        let Reader { names, steps } = reader;
        let steps = Steps { steps, wildcard, names };
        return if wildcard { Ok(steps) } else { Err(PatternError::NoLeadingSlash) };
    }
    let Some(body) = body.strip_prefix('/') else {
        return Err(PatternError::NoLeadingSlash);
    };
    let segments_count = body.split('/').count();
    for (index, segment) in body.split('/').enumerate() {
        let is_trailing_slash = index + 1 == segments_count && !wildcard;
        if segment.is_empty() && !is_trailing_slash {
            return Err(PatternError::EmptySegment);
        }
        reader.segment(segment)?;
    }
    Ok(Steps { steps: reader.steps, wildcard, names: reader.names })
}

/// Holds the names of parameters to their form and number.
pub(super) fn check_names(names: &[String]) -> Result<(), PatternError> {
    let mut reader = Reader { names: Vec::new(), steps: Vec::new() };
    names.iter().try_for_each(|name| reader.name(name))
}

/// Reads a host pattern into the key of the host index: lower case, no trailing dot, `.example.com`
/// for `*.example.com` and `api.` for `api.*`.
pub(super) fn parse_host(text: &str) -> Result<String, PatternError> {
    let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if host.len() > limits::HOST_BYTES_MAX {
        return Err(PatternError::HostTooLong);
    }
    if let Some(address) = host.strip_prefix('[') {
        return match address.split_once(']') {
            Some((address, "")) if address.parse::<std::net::Ipv6Addr>().is_ok() => Ok(host),
            Some((_, rest)) if rest.starts_with(':') => Err(PatternError::HostWithPort),
            Some(_) | None => Err(PatternError::HostInvalid),
        };
    }
    let (name, key) = match (host.strip_prefix("*."), host.strip_suffix(".*")) {
        (Some(name), _) => (name, format!(".{name}")),
        (None, Some(name)) => (name, format!("{name}.")),
        (None, None) => (host.as_str(), host.clone()),
    };
    if name.contains('*') {
        return Err(PatternError::HostWildcardMisplaced);
    }
    if let Some((name, port)) = name.rsplit_once(':') {
        let is_port = !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit());
        return Err(if is_port { PatternError::HostWithPort } else { PatternError::HostInvalid });
    }
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name.split('.').all(is_label) { Ok(key) } else { Err(PatternError::HostInvalid) }
}

struct Reader<'a> {
    names: Vec<&'a str>,
    steps: Vec<Step>,
}

impl<'a> Reader<'a> {
    fn segment(&mut self, segment: &'a str) -> Result<(), PatternError> {
        if segment == "*" {
            self.literal(vec![b'/']);
            self.steps.push(Step::Turn(Turn::Any));
            return Ok(());
        }
        let (prefix, mut rest) = match segment.split_once('{') {
            Some((prefix, rest)) => (prefix, Some(rest)),
            None => (segment, None),
        };
        let mut bytes = vec![b'/'];
        literal(prefix, &mut bytes)?;
        if rest.is_none() && (bytes == b"/." || bytes == b"/..") {
            return Err(PatternError::DotSegment);
        }
        self.literal(bytes);
        let mut pieces = Vec::new();
        while let Some(text) = rest {
            let (name, after) = text.split_once('}').ok_or(PatternError::BraceUnclosed)?;
            self.name(name)?;
            let (between, next) = match after.split_once('{') {
                Some((between, next)) => (between, Some(next)),
                None => (after, None),
            };
            if between.is_empty() && next.is_some() {
                return Err(PatternError::ParametersAdjacent);
            }
            let mut bytes = Vec::new();
            literal(between, &mut bytes)?;
            pieces.push(bytes);
            rest = next;
        }
        if !pieces.is_empty() {
            self.steps.push(Step::Turn(Turn::Shape(Shape(pieces))));
        }
        Ok(())
    }

    /// Joins literals, so that a step down the tree is as long as it can be.
    fn literal(&mut self, bytes: Vec<u8>) {
        match self.steps.last_mut() {
            Some(Step::Literal(literal)) => literal.extend_from_slice(&bytes),
            Some(Step::Turn(_)) | None => self.steps.push(Step::Literal(bytes)),
        }
    }

    fn name(&mut self, name: &'a str) -> Result<(), PatternError> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if !first || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(PatternError::ParameterNameInvalid);
        }
        if self.names.contains(&name) {
            return Err(PatternError::ParameterRepeated);
        }
        if self.names.len() == limits::PARAMETERS_COUNT_MAX {
            return Err(PatternError::ParametersTooMany);
        }
        self.names.push(name);
        Ok(())
    }
}

/// Writes the canonical form of a literal: what [`path::canonical`] makes of the same text.
pub(super) fn literal(text: &str, out: &mut Vec<u8>) -> Result<(), PatternError> {
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'%' => {
                // An encoded slash stays one: whether requests may have it says the route's policy.
                let decoded = path::percent(rest).ok_or(PatternError::PercentMalformed)?;
                path::push_percent(decoded, out);
                rest = rest.get(2..).unwrap_or_default();
            }
            b'*' => return Err(PatternError::WildcardMisplaced),
            b'{' | b'}' => return Err(PatternError::BraceUnclosed),
            // Beyond ASCII a request has only percent-encoded bytes, so the pattern is read so too.
            0x80.. => path::push_percent(*byte, out),
            byte if path::is_literal(*byte) => out.push(*byte),
            byte => return Err(PatternError::ByteRefused(char::from(*byte))),
        }
    }
    Ok(())
}
