//! An answer in place of the route's own, while something is being mended.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{MaintenanceConfig, Middleware};
use super::super::{Decoder, Fields, action, values};
use crate::limits;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::MAINTENANCE)?;
    let mut maintenance = MaintenanceConfig::default();
    fields.set(d, "status", &mut maintenance.status, values::number(limits::RESPOND_STATUS));
    fields.set_some(d, "retry_after", &mut maintenance.retry_after, values::duration);
    fields.set_some(d, "body", &mut maintenance.body, values::text);
    fields.set_some(d, "body_file", &mut maintenance.body_file, action::file);
    fields.set(d, "content_type", &mut maintenance.content_type, values::text);
    fields.set(d, "allow", &mut maintenance.allow, values::list(values::network));
    Some(Middleware::Maintenance(maintenance))
}
