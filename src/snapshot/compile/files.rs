//! Routes that answer with files: their folders are opened, once each. What else may be wrong with
//! them `config` has checked.

use crate::config::{Fault, FileServing};
use crate::snapshot::{Files, FolderId};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders by their paths, in the order in which routes name them.
#[derive(Default)]
pub(super) struct Folders {
    ids: BTreeMap<PathBuf, FolderId>,
    open: Vec<Arc<OwnedFd>>,
}

impl Folders {
    /// All of them, by their ids.
    pub(super) fn into_open(self) -> Arc<[Arc<OwnedFd>]> {
        self.open.into()
    }

    /// Compiles what one route serves. `place` is its key path.
    pub(super) fn files(
        &mut self,
        place: &str,
        files: &FileServing,
        prefix_segments: Option<usize>,
    ) -> Result<Files, Box<Fault>> {
        let folder = self.folder(&files.root).map_err(|error| {
            let root = files.root.display();
            let message = format!("the folder `{root}` cannot be opened: {error}");
            Box::new(Fault::new(format!("{place}.root"), message))
        })?;
        let fallback = files.fallback.as_deref().map(|path| path.trim_start_matches('/'));
        Ok(Files {
            folder,
            prefix_segments,
            index: files.index.iter().map(|name| name.as_bytes().into()).collect(),
            fallback: fallback.map(|path| path.as_bytes().into()),
            cache_control: files.cache_control.as_ref().map(|value| value.as_bytes().into()),
            hidden: files.hidden,
        })
    }

    fn folder(&mut self, root: &Path) -> io::Result<FolderId> {
        if let Some(id) = self.ids.get(root) {
            return Ok(*id);
        }
        // Only to be looked below: reading the list of its files need not be allowed.
        let mut options = OpenOptions::new();
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let folder = options.read(true).custom_flags(flags).open(root)?;
        let id = FolderId(super::id(self.open.len()));
        self.open.push(Arc::new(folder.into()));
        self.ids.insert(root.to_owned(), id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(root: &Path) -> FileServing {
        FileServing { root: root.to_owned(), ..FileServing::default() }
    }

    #[test]
    fn a_folder_that_two_routes_name_is_opened_once() {
        let root = tempfile::TempDir::new().unwrap();
        let mut folders = Folders::default();
        let first = folders.files("routes[0].files", &serving(root.path()), Some(0)).unwrap();
        let again = folders.files("routes[1].files", &serving(root.path()), None).unwrap();
        assert_eq!(first.folder, again.folder);
        let other = folders.files("routes[2].files", &serving(Path::new("/")), None).unwrap();
        assert_ne!(first.folder, other.folder);
        assert_eq!(folders.into_open().len(), 2);
    }

    #[test]
    fn a_root_that_is_no_folder_is_a_fault() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for root in [Path::new(""), Path::new("/does/not/exist"), file.path()] {
            let fault = Folders::default().files("x", &serving(root), None).unwrap_err();
            assert_eq!(fault.path, "x.root", "{}", root.display());
        }
    }

    #[test]
    fn a_fallback_is_below_the_folder_with_or_without_a_slash() {
        for written in ["/a/b.html", "a/b.html"] {
            let fallback = Some(written.to_owned());
            let files = FileServing { fallback, ..serving(Path::new("/")) };
            let files = Folders::default().files("x", &files, None).unwrap();
            assert_eq!(files.fallback.as_deref(), Some(&b"a/b.html"[..]));
        }
    }
}
