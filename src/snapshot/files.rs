//! What a route that answers with files serves, and under which names.

mod name;

pub use name::{FileName, NameFault};

use super::template::rest;

/// An index into [`Snapshot::folders`](super::Snapshot::folders).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FolderId(pub u32);

/// Answers from the files below a folder.
#[derive(Debug)]
pub struct Files {
    /// The folder.
    pub folder: FolderId,
    /// Segments of the canonical path that do not name the file: those before the route's trailing
    /// `/*`. None where the whole path names it.
    pub prefix_segments: Option<usize>,
    /// Plain names of files that stand for their folder.
    pub index: Box<[Box<[u8]>]>,
    /// What is served where there is no file, as a path below the folder.
    pub fallback: Option<Box<[u8]>>,
    /// `Cache-Control` of what is found.
    pub cache_control: Option<Box<[u8]>>,
    /// Whether names that begin with a dot are served.
    pub hidden: bool,
}

impl Files {
    /// The part of a canonical path that names a file, without a slash in front.
    pub fn below<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        match self.prefix_segments {
            Some(count) => rest(path, count),
            None => path.strip_prefix(b"/").unwrap_or(path),
        }
    }

    /// The path that names the file: that of the target where the route rewrites it, else the
    /// canonical one.
    pub fn named<'a>(&self, target: &'a [u8], canonical: &'a [u8]) -> &'a [u8] {
        if target.is_empty() { canonical } else { name::path_of(target) }
    }

    /// Appends the name that a path stands for, below the folder; of a folder it is empty or ends
    /// with a slash.
    ///
    /// # Errors
    /// [`NameFault::Absent`] for what can be no name of a file, such as one with a slash in it;
    /// [`NameFault::Forbidden`] for hidden names, unless they are served.
    pub fn write_name(&self, path: &[u8], out: &mut Vec<u8>) -> Result<FileName, NameFault> {
        name::write(self.below(path), self.hidden, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_wildcard_names_what_it_matched() {
        let files = |prefix_segments| Files {
            folder: FolderId(0),
            prefix_segments,
            index: Box::default(),
            fallback: None,
            cache_control: None,
            hidden: false,
        };
        for (prefix_segments, path, expected) in [
            (Some(0), "/", ""),
            (Some(0), "/a/b", "a/b"),
            (Some(1), "/static", ""),
            (Some(1), "/static/", ""),
            (Some(1), "/static/a/", "a/"),
            (Some(2), "/static/{id}/a", "a"),
            (None, "/robots.txt", "robots.txt"),
            (None, "/", ""),
        ] {
            assert_eq!(files(prefix_segments).below(path.as_bytes()), expected.as_bytes());
        }
    }
}
