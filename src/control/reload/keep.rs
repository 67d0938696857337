//! The last configuration that was installed, kept on disk: written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Secrets may be written in it.
const MODE: u32 = 0o600;

/// Writes a file so that whoever reads it, also after a crash at any moment, finds the old text or
/// the new one.
///
/// # Errors
/// The system's; the old file is then as it was.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = folder.join(name);
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What is left of it is of no use; the fault itself is told.
        let _ = fs::remove_file(&new);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // One that a crash left has a mode of its own, which would stay.
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn replaces_the_file_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("good.json");
        fs::write(&path, "old").expect("a file");
        write(&path, "new").expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new\n");
        let mode = path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn leaves_the_old_file_where_the_new_one_cannot_take_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("good.json");
        fs::create_dir(&path).expect("a folder where the file should be");
        assert!(write(&path, "new").is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(write(Path::new("/nowhere/good.json"), "new").is_err());
    }
}
