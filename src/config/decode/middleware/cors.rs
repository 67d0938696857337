//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{CorsConfig, Middleware};
use super::super::{Decoder, Fields};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let _fields = Fields::of(d, node, &sections::CORS)?;
    Some(Middleware::Cors(CorsConfig::default()))
}
