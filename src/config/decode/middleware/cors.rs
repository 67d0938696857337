//! Which pages of other origins may read the answers (Fetch standard, CORS protocol).

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{CorsConfig, Middleware};
use super::super::{Decoder, Fields, route, values};

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::CORS)?;
    let mut cors = CorsConfig::default();
    fields.set(d, "origins", &mut cors.origins, values::list(values::text));
    fields.set(d, "origin_regexes", &mut cors.origin_regexes, values::list(values::text));
    fields.set(d, "methods", &mut cors.methods, values::list(route::method));
    fields.set(d, "headers", &mut cors.headers, values::list(values::text));
    fields.set(d, "expose_headers", &mut cors.expose_headers, values::list(values::text));
    fields.set(d, "credentials", &mut cors.credentials, values::boolean);
    fields.set(d, "max_age", &mut cors.max_age, values::duration);
    fields.set(d, "private_network", &mut cors.private_network, values::boolean);
    fields.set(d, "reject", &mut cors.reject, values::boolean);
    Some(Middleware::Cors(cors))
}
