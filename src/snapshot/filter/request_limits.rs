//! Bounds on a route's requests, tighter than the gateway's.

use super::Place;
use crate::config::{Fault, RequestLimitsConfig, units};

/// Bounds on a route's requests, tighter than the gateway's; the largest number where there is
/// none.
#[derive(Debug)]
pub struct RequestLimits {
    /// Fields of a head.
    pub fields_count_max: usize,
    /// Bytes of all field lines of a head.
    pub fields_bytes_max: usize,
    /// Bytes of a target.
    pub target_bytes_max: usize,
    /// Bytes of a query.
    pub query_bytes_max: usize,
    /// Bytes of a body.
    pub body_bytes_max: u64,
}

impl RequestLimits {
    /// Compiles what was written.
    pub(in crate::snapshot) fn compile(
        config: &RequestLimitsConfig,
        place: &Place<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<RequestLimits> {
        let above = &place.config.limits;
        let size = |bytes: usize| units::show_size(bytes as u64);
        let count = |count: usize| count.to_string();
        let line = (above.request_line, "request_line");
        for (key, bound, (most, of), shown) in [
            ("fields", config.fields, (above.fields, "fields"), count as fn(usize) -> String),
            ("fields_size", config.fields_size, (above.fields_size, "fields_size"), size),
            ("url_size", config.url_size, line, size),
            ("query_size", config.query_size, line, size),
        ] {
            if bound.is_some_and(|bound| bound > most) {
                let message = format!("`limits.{of}` lets no more than {} through", shown(most));
                faults.push(Fault::new(format!("{}.{key}", place.path), message));
            }
        }
        Some(RequestLimits {
            fields_count_max: config.fields.unwrap_or(usize::MAX),
            fields_bytes_max: config.fields_size.unwrap_or(usize::MAX),
            target_bytes_max: config.url_size.unwrap_or(usize::MAX),
            query_bytes_max: config.query_size.unwrap_or(usize::MAX),
            body_bytes_max: config.body.unwrap_or(u64::MAX),
        })
    }

    /// What is wrong with it on a route that takes bodies of so many bytes; nothing where it bounds
    /// them further.
    pub(in crate::snapshot) fn fault_on(&self, route_bytes_max: u64) -> Option<String> {
        let is_looser = self.body_bytes_max != u64::MAX && self.body_bytes_max > route_bytes_max;
        is_looser.then(|| {
            let most = units::show_size(route_bytes_max);
            format!("the route takes no body of more than {most}, by `max_body` or `limits.body`")
        })
    }
}
