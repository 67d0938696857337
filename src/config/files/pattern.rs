//! Names of files to include: `routes.yaml`, `conf.d/*.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a file includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// One file, which must be there.
    File(PathBuf),
    /// Files of a folder whose names fit; there may be none.
    Names { folder: PathBuf, names: String },
}

impl Pattern {
    /// Reads a pattern of a file in a folder.
    pub(super) fn parse(folder: &Path, text: &str) -> Result<Pattern, String> {
        let (inside, last) = text.rsplit_once('/').map_or(("", text), |(inside, last)| {
            // The root of `/x.toml` is its slash.
            (text.get(..inside.len() + 1).unwrap_or(inside), last)
        });
        if inside.contains(WILD) {
            return Err("`*` and `?` stand in the last part of a name only".into());
        }
        if last.is_empty() {
            return Err("expected the name of a file, or a pattern such as `conf.d/*.toml`".into());
        }
        let folder = if folder == Path::new(".") { Path::new("") } else { folder };
        if last.contains(WILD) {
            return Ok(Pattern::Names { folder: folder.join(inside), names: last.to_owned() });
        }
        Ok(Pattern::File(folder.join(text)))
    }

    /// The files, in byte order of their names.
    pub(super) fn files(self) -> Result<Vec<PathBuf>, String> {
        let (folder, names) = match self {
            Pattern::File(path) => return Ok(vec![path]),
            Pattern::Names { folder, names } => (folder, names),
        };
        let unreadable =
            |error: io::Error| format!("the folder {} cannot be read: {error}", folder.display());
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let listing = match fs::read_dir(here) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut found = Vec::new();
        for entry in listing {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let fits = fits(names.as_bytes(), name.as_encoded_bytes());
            // A link to a file is one, as Kubernetes mounts them.
            if fits && fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file()) {
                found.push(name);
            }
        }
        found.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        Ok(found.into_iter().map(|name| folder.join(name)).collect())
    }
}

/// Whether a name fits a pattern, in which `*` is any bytes and `?` is one. As in a shell, a name
/// that begins with a dot fits only a pattern that does.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut at, mut from) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: it takes a byte more.
    let mut back: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at + 1, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[from] => {
                at += 1;
                from += 1;
            }
            Some(_) | None => {
                let Some((after, start)) = back else { return false };
                back = Some((after, start + 1));
                at = after;
                from = start + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

const WILD: [char; 2] = ['*', '?'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (pattern, name, want) in [
            ("*.toml", "a.toml", true),
            ("*.toml", ".toml", false),
            (".*", ".a", true),
            ("*.toml", "a.toml.bak", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?.toml", "ab.toml", false),
            ("*", "anything", true),
            ("**", "", true),
            ("a", "a", true),
            ("a", "b", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_is_relative_to_its_file() {
        let parse = |text| Pattern::parse(Path::new("/etc/frys"), text).expect("a pattern");
        assert_eq!(parse("a.toml"), Pattern::File("/etc/frys/a.toml".into()));
        assert_eq!(parse("/a.toml"), Pattern::File("/a.toml".into()));
        let names = |folder: &str| Pattern::Names { folder: folder.into(), names: "*.toml".into() };
        assert_eq!(parse("d/*.toml"), names("/etc/frys/d/"));
        assert_eq!(parse("/*.toml"), names("/"));
        let here = Pattern::parse(Path::new("."), "a.toml").expect("a pattern");
        assert_eq!(here, Pattern::File("a.toml".into()));
        for text in ["", "d/", "*/a.toml", "a?/*.toml"] {
            assert!(Pattern::parse(Path::new("."), text).is_err(), "{text}");
        }
    }
}
