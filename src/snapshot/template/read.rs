//! From an operator's text to a template: literals, `$name`, `${name}` and `$$`.

use super::escape::Escape;
use super::{Piece, Purpose, Template, Variable};
use crate::config;
use crate::http::field::FieldId;
use crate::limits;
use std::cell::RefCell;
use std::fmt;

/// What the variables of one template may name beyond those that every request has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Names of the parameters of the route's path, in their order.
    pub parameters: &'a [String],
    /// Segments before a trailing `/*` of the route's path.
    pub rest_segments: Option<usize>,
    /// Names of the groups of a rewriting expression, by number, the whole match first.
    pub groups: Option<&'a [Option<String>]>,
    /// Whether the route has upstreams.
    pub has_upstream: bool,
    /// Of what several routes share: names that are no variable are parameters of whichever route
    /// it is, and are gathered here in the order of their numbers.
    pub named: Option<&'a RefCell<Vec<String>>>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// The sentence.
    pub message: String,
    /// The known variable that is nearest to an unknown one.
    pub nearest: Option<String>,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn fault<T>(message: impl Into<String>) -> Result<T, TemplateFault> {
    Err(TemplateFault { message: message.into(), nearest: None })
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What cannot be read, names no variable, or would let a value choose where it leads.
    pub fn read(
        text: &str,
        purpose: Purpose,
        scope: &Scope<'_>,
    ) -> Result<Template, TemplateFault> {
        if text.len() > limits::TEMPLATE_BYTES_MAX {
            return fault(format!("longer than {} bytes", limits::TEMPLATE_BYTES_MAX));
        }
        let tokens = tokens(text, scope)?;
        match purpose {
            Purpose::Field => Ok(field(tokens)?),
            Purpose::Authority => Ok(authority(tokens)?),
            Purpose::Path if !begins_with_slash(&tokens) => fault("a path begins with `/`"),
            Purpose::Path => path(tokens, true),
            Purpose::PathPart => path(tokens, false),
            Purpose::Location => location(tokens),
        }
    }
}

impl Template {
    /// A field's value in which a dollar sign is one: a secret.
    ///
    /// # Errors
    /// Where it holds what no value of a field does; the text is not told.
    pub fn verbatim(text: &str) -> Result<Template, TemplateFault> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return fault("the secret holds a line end or another control character");
        }
        let pieces = [Piece::Text(text.as_bytes().into())];
        Ok(Template { pieces: pieces.into(), is_path: false })
    }
}

/// The names of all variables that every request has.
pub fn variable_names() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|(name, _)| *name)
}

const VARIABLES: &[(&str, Variable)] = &[
    ("client_ip", Variable::ClientIp),
    ("client_port", Variable::ClientPort),
    ("host", Variable::Host),
    ("method", Variable::Method),
    ("scheme", Variable::Scheme),
    ("path", Variable::Path),
    ("raw_path", Variable::RawPath),
    ("query", Variable::Query),
    ("request_uri", Variable::RequestUri),
    ("request_id", Variable::RequestId),
    ("route", Variable::Route),
    ("cluster", Variable::Cluster),
    ("upstream", Variable::Upstream),
    ("upstream_host", Variable::UpstreamHost),
    ("identity", Variable::Identity),
    ("rest", Variable::Rest(0)),
];

enum Token {
    Text(String),
    Variable(Variable),
}

/// Text and variables by turns; neighbouring texts are one.
fn tokens(text: &str, scope: &Scope<'_>) -> Result<Vec<Token>, TemplateFault> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        literal.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            literal.push('$');
            rest = after;
            continue;
        }
        let (name, behind) = name(after)?;
        if !literal.is_empty() {
            tokens.push(Token::Text(std::mem::take(&mut literal)));
        }
        tokens.push(Token::Variable(find(name, scope)?));
        if tokens.len() > limits::TEMPLATE_PIECES_MAX {
            return fault(format!("more than {} pieces", limits::TEMPLATE_PIECES_MAX));
        }
        rest = behind;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        tokens.push(Token::Text(literal));
    }
    Ok(tokens)
}

/// The name behind a dollar sign, and what stands behind it. `$1` is one digit.
fn name(after: &str) -> Result<(&str, &str), TemplateFault> {
    if let Some(braced) = after.strip_prefix('{') {
        return match braced.split_once('}') {
            Some(("", _)) => fault("`${}` names no variable"),
            Some(found) => Ok(found),
            None => fault("`${` without `}`"),
        };
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = match after.as_bytes() {
        [digit, ..] if digit.is_ascii_digit() => 1,
        bytes => bytes.iter().position(|byte| !is_name(*byte)).unwrap_or(bytes.len()),
    };
    if bytes == 0 {
        return fault("`$` without a name: a dollar sign is written `$$`");
    }
    Ok(after.split_at(bytes))
}

fn find(name: &str, scope: &Scope<'_>) -> Result<Variable, TemplateFault> {
    if let Some((kind, key)) = name.split_once('.') {
        return keyed(kind, key);
    }
    let known = VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, found)| found.clone());
    let parameter = scope.parameters.iter().position(|parameter| parameter == name);
    let group = group(name, scope);
    match (known, parameter, group) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => fault(format!(
            "`{name}` is a variable and a parameter too: name the parameter otherwise"
        )),
        (None, Some(_), Some(_)) => {
            fault(format!("`{name}` is a group of the expression and a parameter of the path"))
        }
        (Some(Variable::Rest(_)), None, None) => match scope.rest_segments {
            Some(segments_count) => Ok(Variable::Rest(segments_count)),
            None if scope.named.is_some() => {
                fault("`$rest` is another for each route: name it in the route's own edits")
            }
            None => fault("`$rest` is what a trailing `/*` matched, and the route's path has none"),
        },
        (Some(Variable::Cluster | Variable::Upstream | Variable::UpstreamHost), None, None)
            if !scope.has_upstream =>
        {
            if scope.named.is_some() {
                return fault(format!(
                    "`${name}` has no value here: filters run before an upstream is chosen"
                ));
            }
            fault(format!("`${name}` has no value here: the route has no upstream"))
        }
        (Some(variable), None, None) => Ok(variable),
        (None, Some(parameter), None) => Ok(Variable::Parameter(parameter)),
        (None, None, Some(group)) => Ok(Variable::Group(group)),
        (None, None, None) => match scope.named.filter(|_| is_parameter(name)) {
            Some(named) => numbered(name, &mut named.borrow_mut()),
            None => Err(unknown(name, scope)),
        },
    }
}

/// Whether a path can have a parameter of this name.
fn is_parameter(name: &str) -> bool {
    let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(is_byte)
}

/// A parameter by its number among those that were named.
fn numbered(name: &str, named: &mut Vec<String>) -> Result<Variable, TemplateFault> {
    if let Some(number) = named.iter().position(|known| known == name) {
        return Ok(Variable::Parameter(number));
    }
    let most = limits::PARAMETERS_COUNT_MAX;
    if named.len() == most {
        return fault(format!("more than {most} parameters, which is what a path may have"));
    }
    named.push(name.to_owned());
    Ok(Variable::Parameter(named.len() - 1))
}

/// A group of the rewriting expression, by its number or its name.
fn group(name: &str, scope: &Scope<'_>) -> Option<usize> {
    let groups = scope.groups?;
    match name.parse::<usize>() {
        Ok(number) => (number < groups.len()).then_some(number),
        Err(_) => groups.iter().position(|group| group.as_deref() == Some(name)),
    }
}

fn unknown(name: &str, scope: &Scope<'_>) -> TemplateFault {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = match scope.groups {
            Some(groups) => format!("the expression has {} groups, no `${name}`", groups.len() - 1),
            None => format!("`${name}` is a group of a rewriting `regex`, and there is none here"),
        };
        return TemplateFault { message, nearest: None };
    }
    let groups = scope.groups.unwrap_or_default().iter().flatten().map(String::as_str);
    let own = scope.parameters.iter().map(String::as_str).chain(groups);
    let known = VARIABLES.iter().map(|(known, _)| -> &str { known });
    let nearest = config::nearest(name, known.chain(own)).map(str::to_owned);
    let message = format!(
        "`{name}` is neither a variable nor a parameter of the route's path: there are {}",
        variable_names().collect::<Vec<_>>().join(", ")
    );
    TemplateFault { message, nearest }
}

/// `header.NAME`, `query.NAME`, `cookie.NAME`, `claim.NAME`.
fn keyed(kind: &str, key: &str) -> Result<Variable, TemplateFault> {
    let is_token = !key.is_empty() && key.bytes().all(is_token);
    match kind {
        "header" if is_token => {
            let name = key.to_ascii_lowercase();
            Ok(Variable::Header(FieldId::of(name.as_bytes()), name.into_bytes().into()))
        }
        "header" => fault(format!("`{key}` is not the name of a field")),
        "cookie" if is_token => Ok(Variable::Cookie(key.as_bytes().into())),
        "cookie" => fault(format!("`{key}` is not the name of a cookie")),
        "query" if !key.is_empty() => Ok(Variable::QueryParameter(key.as_bytes().into())),
        "query" => fault("`${query.}` names no parameter"),
        "claim" if !key.is_empty() => Ok(Variable::Claim(key.into())),
        "claim" => fault("`${claim.}` names no claim"),
        _ => Err(TemplateFault {
            message: format!(
                "`{kind}.{key}`: there are `header.NAME`, `query.NAME`, `cookie.NAME`, `claim.NAME`"
            ),
            nearest: config::nearest(kind, ["header", "query", "cookie", "claim"])
                .map(str::to_owned),
        }),
    }
}

/// RFC 9110 section 5.6.2.
pub(in crate::snapshot) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn field(tokens: Vec<Token>) -> Result<Template, TemplateFault> {
    plain(tokens, Escape::Field, |byte| byte == b'\t' || !byte.is_ascii_control())
}

fn authority(tokens: Vec<Token>) -> Result<Template, TemplateFault> {
    if tokens.is_empty() {
        return fault("empty: a `Host` has a name");
    }
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
    // What the values make of it is checked where it is sent.
    plain(tokens, Escape::Field, is_fit)
}

fn plain(
    tokens: Vec<Token>,
    escape: Escape,
    is_fit: impl Fn(u8) -> bool,
) -> Result<Template, TemplateFault> {
    let mut pieces = Vec::with_capacity(tokens.len());
    for token in tokens {
        pieces.push(match token {
            Token::Text(text) => match text.chars().find(|c| c.is_ascii() && !is_fit(*c as u8)) {
                Some(refused) => return fault(format!("{refused:?} cannot stand here")),
                None => Piece::Text(text.into_bytes().into()),
            },
            Token::Variable(variable) => Piece::Variable(variable, escape),
        });
    }
    Ok(Template { pieces: pieces.into(), is_path: false })
}

fn path(tokens: Vec<Token>, is_path: bool) -> Result<Template, TemplateFault> {
    let mut pieces = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Text(text) if text.contains(['?', '#']) => {
                return fault("a path has no `?` and no `#`: the query stays as it is");
            }
            Token::Text(text) => pieces.push(uri_text(&text, Escape::Path)?),
            // A query has no place in a path.
            Token::Variable(Variable::RequestUri | Variable::Query) => {
                return fault("the query stays as it is: `$path` or `$raw_path` is the path alone");
            }
            Token::Variable(variable) => {
                let escape = in_path(&variable);
                pieces.push(Piece::Variable(variable, escape));
            }
        }
    }
    Ok(Template { pieces: pieces.into(), is_path })
}

/// Whether the text is sure to begin with a slash.
fn begins_with_slash(tokens: &[Token]) -> bool {
    match tokens.first() {
        Some(Token::Text(text)) => text.starts_with('/'),
        Some(Token::Variable(variable)) => is_whole_path(variable),
        None => false,
    }
}

fn is_whole_path(variable: &Variable) -> bool {
    matches!(variable, Variable::Path | Variable::RawPath | Variable::RequestUri)
}

/// A literal part of a URI: bytes beyond ASCII are percent-encoded, others have to be.
fn uri_text(text: &str, escape: Escape) -> Result<Piece, TemplateFault> {
    let is_fit = |c: &char| !c.is_ascii() || c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(*c);
    if let Some(refused) = text.chars().find(|c| !is_fit(c)) {
        return fault(format!("{refused:?} cannot stand in a URI: write it percent-encoded"));
    }
    let mut out = Vec::with_capacity(text.len());
    for part in text.split_inclusive('#') {
        let (part, mark) = match part.strip_suffix('#') {
            Some(part) => (part, "#"),
            None => (part, ""),
        };
        escape.write(part.as_bytes(), &mut out);
        out.extend_from_slice(mark.as_bytes());
    }
    Ok(Piece::Text(out.into()))
}

fn in_path(variable: &Variable) -> Escape {
    if is_encoded(variable) { Escape::Path } else { Escape::PathOfText }
}

/// Whether `%` in its value begins a percent-encoded byte.
fn is_encoded(variable: &Variable) -> bool {
    matches!(
        variable,
        Variable::Path
            | Variable::RawPath
            | Variable::Query
            | Variable::RequestUri
            | Variable::Rest(_)
            | Variable::QueryParameter(_)
            | Variable::Parameter(_)
            | Variable::Group(_)
    )
}

/// The part of a URI reference in which a piece stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Authority,
    Path,
    /// At the beginning of a query, or behind `&`.
    Query,
    /// Further on in a query, or in a fragment.
    Value,
}

fn location(tokens: Vec<Token>) -> Result<Template, TemplateFault> {
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    let is_path = match tokens.peek() {
        Some(Token::Text(text)) if text.starts_with('/') => !text.starts_with("//"),
        Some(Token::Variable(variable)) if is_whole_path(variable) => true,
        Some(Token::Variable(Variable::Scheme)) => {
            tokens.next();
            pieces.push(Piece::Variable(Variable::Scheme, Escape::Name));
            if !matches!(tokens.peek(), Some(Token::Text(text)) if text.starts_with("://")) {
                return fault("`$scheme` is followed by `://`");
            }
            false
        }
        Some(Token::Text(text)) if has_scheme(text) => false,
        Some(_) | None => {
            return fault(
                "a redirect leads to `/…`, `https://…`, `$scheme://…`, `$request_uri` or `$path`: \
                 what begins otherwise could lead anywhere",
            );
        }
    };
    let mut place = if is_path { Place::Path } else { Place::Authority };
    let mut is_first = !is_path;
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => {
                let text_in_place = match text.split_once("//") {
                    Some((_, behind)) if is_first => behind,
                    Some(_) | None => &text,
                };
                place = behind(place, text_in_place);
                pieces.push(uri_text(&text, Escape::Uri)?);
            }
            Token::Variable(variable) => {
                if place == Place::Authority {
                    place = in_authority(&variable, tokens.peek())?;
                }
                let escape = in_location(place, &variable);
                pieces.push(Piece::Variable(variable, escape));
                if place == Place::Query {
                    place = Place::Value;
                }
            }
        }
        is_first = false;
    }
    Ok(Template { pieces: pieces.into(), is_path })
}

/// RFC 3986 section 3.1, with an authority behind it.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// The place in which a variable of an authority stands: a whole path ends the authority.
///
/// A value within a host is held by the literal that ends the host: `https://$tenant.example.com`
/// stays below `example.com`, and `https://example.com$rest` would not.
fn in_authority(variable: &Variable, next: Option<&Token>) -> Result<Place, TemplateFault> {
    let is_held = match next {
        Some(Token::Text(text)) => {
            let held = text.split(['/', '?', '#']).next().unwrap_or_default();
            held.starts_with(['.', '-']) && held.contains(|c: char| c.is_ascii_alphanumeric())
        }
        Some(Token::Variable(_)) | None => false,
    };
    match variable {
        variable if is_whole_path(variable) => Ok(Place::Path),
        Variable::Host => Ok(Place::Authority),
        _ if is_held => Ok(Place::Authority),
        _ => fault(
            "a value at the end of the host would choose the host: put a `/` or a domain between, \
             as in `https://example.com/$rest` or `https://$tenant.example.com`",
        ),
    }
}

/// Where the reader stands behind a literal.
fn behind(from: Place, text: &str) -> Place {
    text.bytes().fold(from, |place, byte| match (place, byte) {
        (_, b'#') => Place::Value,
        (Place::Authority | Place::Path, b'?') => Place::Query,
        (Place::Authority, b'/') => Place::Path,
        (Place::Query | Place::Value, b'&') => Place::Query,
        (Place::Query, _) => Place::Value,
        (place, _) => place,
    })
}

fn in_location(place: Place, variable: &Variable) -> Escape {
    match (place, variable) {
        (Place::Authority, Variable::Host) => Escape::Authority,
        (Place::Authority, _) => Escape::Name,
        (Place::Path, variable) => in_path(variable),
        (Place::Query, Variable::Query) => Escape::Uri,
        // A whole URI is one value: what is encoded in it is so a second time.
        (
            Place::Query | Place::Value,
            Variable::Path | Variable::RawPath | Variable::RequestUri | Variable::Query,
        ) => Escape::ComponentOfText,
        (Place::Query | Place::Value, variable) if is_encoded(variable) => Escape::Component,
        (Place::Query | Place::Value, _) => Escape::ComponentOfText,
    }
}
