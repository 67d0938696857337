//! Texts with variables: read once, written for each request without the heap.
//!
//! A value never leaves the place it is put in. A field that it does not fit into comes to nothing:
//! what it could be made to fit by is another value, and somebody else's name. In a path, a query
//! or a host it is percent-encoded so far that it cannot begin another part.

mod escape;
mod read;
mod values;

pub(super) use read::is_token;
pub use read::{Scope, TemplateFault, variable_names};
pub(super) use values::rest;
pub use values::{ExchangeId, Groups, RequestId, Values};

use escape::{Escape, fits_field};

use crate::http::field::FieldId;

/// A text with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Box<[Piece]>,
    /// It is to begin with one slash: a second would make the next segment a host.
    is_path: bool,
}

/// What a template is for: decides how its values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The value of a field.
    Field,
    /// The path of a request target, without a query.
    Path,
    /// A part of such a path.
    PathPart,
    /// A URI reference for `Location`.
    Location,
    /// An authority for `Host`; whoever writes it checks it.
    Authority,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<[u8]>),
    Variable(Variable, Escape),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Variable {
    ClientIp,
    ClientPort,
    Host,
    Method,
    Scheme,
    Path,
    RawPath,
    Query,
    RequestUri,
    RequestId,
    Route,
    Cluster,
    Upstream,
    UpstreamHost,
    /// Who asks, as authentication found out.
    Identity,
    /// What is said of whoever asks.
    Claim(Box<str>),
    /// What stands behind so many segments of the path.
    Rest(usize),
    /// The first field of the name, which is in lower case.
    Header(FieldId, Box<[u8]>),
    /// The first parameter of the query.
    QueryParameter(Box<[u8]>),
    Cookie(Box<[u8]>),
    /// A parameter of the route's path.
    Parameter(usize),
    /// A group of a rewriting expression.
    Group(usize),
}

impl Template {
    /// Appends the text for one request; nothing, where a value is none that a field can have.
    pub fn write(&self, values: &Values<'_>, out: &mut Vec<u8>) {
        let from = out.len();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Variable(variable, escape) => {
                    let value_at = out.len();
                    values.write(variable, *escape, out);
                    if *escape == Escape::Field && !fits_field(&out[value_at..]) {
                        return out.truncate(from);
                    }
                }
            }
        }
        if self.is_path {
            one_slash(from, out);
        }
    }

    /// The text, where it has no variables.
    pub fn literal(&self) -> Option<&[u8]> {
        match &*self.pieces {
            [] => Some(b""),
            [Piece::Text(text)] => Some(text),
            [Piece::Text(_) | Piece::Variable(..), ..] => None,
        }
    }

    /// Its literal parts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(&**text),
            Piece::Variable(..) => None,
        })
    }

    /// Whether a value is a part of the host that it leads to.
    pub(super) fn chooses_host(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Text(_) | Piece::Variable(Variable::Scheme, _) => false,
            Piece::Variable(_, escape) => matches!(escape, Escape::Name | Escape::Authority),
        })
    }

    /// Whether the host that was asked for is a part of it.
    pub fn needs_host(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Variable(Variable::Host, _)))
    }
}

/// Makes the slashes at the beginning one.
pub(super) fn one_slash(from: usize, out: &mut Vec<u8>) {
    let written = out.get(from..).unwrap_or_default();
    let slashes_count = written.iter().take_while(|byte| **byte == b'/').count();
    match slashes_count {
        0 => out.insert(from, b'/'),
        1 => {}
        count => drop(out.drain(from..from + count - 1)),
    }
}

#[cfg(test)]
mod tests;
