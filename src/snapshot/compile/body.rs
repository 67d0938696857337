//! Bodies of fixed answers.

use crate::config::Fault;
use crate::limits;
use std::io::Read;
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
        (None, Some(path)) => match read(path) {
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

/// One byte more than is allowed, at most.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let file = std::fs::File::open(path)?;
    // A pipe or a device could keep the reader waiting for ever.
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    file.take(limits::RESPOND_BODY_BYTES_MAX as u64 + 1).read_to_end(&mut body)?;
    Ok(body)
}
