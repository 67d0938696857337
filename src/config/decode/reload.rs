//! The table `[reload]`.

use super::super::node::Node;
use super::super::{ReloadConfig, Timeouts, reload};
use super::{Decoder, Fields, values};
use std::path::PathBuf;

pub(super) fn table(d: &mut Decoder, node: &Node) -> Option<ReloadConfig> {
    let fields = Fields::of(d, node, &reload::SECTION)?;
    let mut config = ReloadConfig::default();
    fields.set(d, "watch", &mut config.watch, values::boolean);
    fields.set_some(d, "max_generation_age", &mut config.max_generation_age, values::timeout);
    config.max_generation_age = config.max_generation_age.filter(|age| *age != Timeouts::OFF);
    fields.set_some(d, "last_known_good", &mut config.last_known_good, |d, node| {
        let path = PathBuf::from(values::text(d, node)?);
        if !path.is_absolute() {
            // What the gateway is started from is not where it should write.
            d.fault(node.place, "expected an absolute path");
            return None;
        }
        Some(path)
    });
    Some(config)
}
