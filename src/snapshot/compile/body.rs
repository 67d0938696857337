//! Bodies of fixed answers.

use crate::config::{self, Fault};
use crate::limits;
use std::path::Path;

/// The body that stands in `body` or `body_file` of the table at `place`, if one does; nothing, and
/// a fault, where it cannot be had.
pub(in crate::snapshot) fn fixed(
    place: &str,
    (text, file): (Option<&str>, Option<&Path>),
    faults: &mut Vec<Fault>,
) -> Option<Option<Vec<u8>>> {
    let (key, body) = match (text, file) {
        (Some(text), _) => ("body", text.as_bytes().to_vec()),
        (None, Some(path)) => match config::read_file(path, limits::RESPOND_BODY_BYTES_MAX) {
            Ok(body) => ("body_file", body),
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                faults.push(Fault::new(format!("{place}.body_file"), message));
                return None;
            }
        },
        (None, None) => return Some(None),
    };
    if body.len() > limits::RESPOND_BODY_BYTES_MAX {
        let most = limits::RESPOND_BODY_BYTES_MAX;
        let message = format!("a fixed body has at most {most} bytes: serve more as `files`");
        faults.push(Fault::new(format!("{place}.{key}"), message));
        return None;
    }
    Some(Some(body))
}
