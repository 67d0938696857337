//! Routes that answer with files: their folders are opened, once each.

use crate::config::{Fault, FileServing};
use crate::snapshot::{Files, FolderId};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
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
    ) -> Result<Files, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| {
            faults.push(Fault::new(format!("{place}.{key}"), message));
        };
        for (number, name) in files.index.iter().enumerate() {
            if !is_name(name) {
                fault(&format!("index[{number}]"), format!("`{name}` is not the name of a file"));
            }
        }
        let fallback = files.fallback.as_deref().map(|path| path.trim_start_matches('/'));
        if let Some(path) = fallback
            && !path.split('/').all(is_name)
        {
            fault("fallback", format!("`{path}` is not the path of a file below `root`"));
        }
        if let Some(value) = &files.cache_control
            && (value.is_empty() || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')))
        {
            fault("cache_control", "not the value of a field: printable ASCII".to_owned());
        }
        let folder = match self.folder(&files.root) {
            Ok(folder) => folder,
            Err(error) => {
                let root = files.root.display();
                fault("root", format!("the folder `{root}` cannot be opened: {error}"));
                return Err(faults);
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
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
        if root.as_os_str().as_bytes().is_empty() {
            return Err(io::Error::other("its path is empty"));
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

/// Whether `name` is one segment that a file can have.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.bytes().any(|byte| matches!(byte, b'/' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(root: &Path) -> FileServing {
        FileServing { root: root.to_owned(), ..FileServing::default() }
    }

    fn paths(compiled: Result<Files, Vec<Fault>>) -> Vec<String> {
        compiled.err().unwrap_or_default().into_iter().map(|fault| fault.path).collect()
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
            let compiled = Folders::default().files("x", &serving(root), None);
            assert_eq!(paths(compiled), ["x.root"], "{}", root.display());
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_faults() {
        let index = ["a/b", "", "..", "."].map(str::to_owned).to_vec();
        let all = FileServing { index, ..serving(Path::new("/")) };
        let compiled = Folders::default().files("x", &all, None);
        assert_eq!(paths(compiled), ["x.index[0]", "x.index[1]", "x.index[2]", "x.index[3]"]);
        for fallback in ["", "/", "../a", "/a/../b", "a//b", "a/"] {
            let files =
                FileServing { fallback: Some(fallback.to_owned()), ..serving(Path::new("/")) };
            let compiled = Folders::default().files("x", &files, None);
            assert_eq!(paths(compiled), ["x.fallback"], "{fallback}");
        }
        let fallback = Some("/a/b.html".to_owned());
        let files = FileServing { fallback, ..serving(Path::new("/")) };
        let files = Folders::default().files("x", &files, None).unwrap();
        assert_eq!(files.fallback.as_deref(), Some(&b"a/b.html"[..]));
    }

    #[test]
    fn a_cache_control_that_no_field_can_hold_is_a_fault() {
        for value in ["", "a\r\nb", "\0"] {
            let cache_control = Some(value.to_owned());
            let files = FileServing { cache_control, ..serving(Path::new("/")) };
            let compiled = Folders::default().files("x", &files, None);
            assert_eq!(paths(compiled), ["x.cache_control"], "{value:?}");
        }
    }
}
