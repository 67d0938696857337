//! The configuration's file, watched: by the kernel's events where it has them, and by a look now
//! and then where it has none, as on some network file systems.
//!
//! An event only says that a look is due. Whether the file is another one is told by what it is
//! ([`Mark`]), so a folder that changes for other reasons costs nothing. It is the folders that are
//! watched, those of every symlink on the way among them: editors replace files, and Kubernetes
//! swaps a symlink two steps away (`..data`).

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::reload::{Input, Request, Trigger};
use crate::config::Listing;
use crate::limits::{
    SYMLINKS_FOLLOWED_MAX, WATCH_EVENTS_MAX, WATCH_POLL_MS, WATCH_SETTLE_MS, WATCH_WRITING_MS_MAX,
};

/// What tells a file from another one, and from itself after it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    path: PathBuf,
    /// Device, inode, length and time of the last change; nothing where there is no file.
    file: Option<(u64, u64, u64, SystemTime)>,
}

impl Mark {
    /// As of now.
    pub fn of(path: &Path) -> Mark {
        let file = fs::metadata(path).and_then(|metadata| {
            Ok((metadata.dev(), metadata.ino(), metadata.len(), metadata.modified()?))
        });
        // Two files of one content deployed side by side have the same length and, within a tick of
        // the clock, the same time: the place tells them apart.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Mark { path, file: file.ok() }
    }
}

/// What is watched now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Every file that was read; none where nothing is to be watched.
    pub files: Vec<PathBuf>,
    /// Patterns of files: one that comes to fit is a change too.
    pub listings: Vec<Listing>,
}

impl Watched {
    /// What there is now, to be told from what there is later: the files that were read, and those
    /// that fit a pattern.
    fn marks(&self) -> Vec<Mark> {
        let fitting = self.listings.iter().flat_map(Listing::files);
        self.files.iter().cloned().chain(fitting).map(|file| Mark::of(&file)).collect()
    }

    /// The names whose writers are waited for.
    fn names(&self) -> BTreeSet<OsString> {
        let fitting = self.listings.iter().flat_map(Listing::files);
        names_of(self.files.iter().cloned().chain(fitting))
    }

    /// The folders in which something may change.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let of_files = self.files.iter().flat_map(|file| folders_of(file));
        // As a name in it would be.
        let of_listings =
            self.listings.iter().flat_map(|found| folders_of(&found.folder().join("*")));
        of_files.chain(of_listings).collect()
    }
}

/// What the kernel's event means here.
struct Seen {
    /// The file's name in its folder.
    name: Option<OsString>,
    /// Whether something is there, or is gone, or was closed: else it is being written.
    is_whole: bool,
}

/// Asks for a reload whenever one of the files has changed, until the gateway ends.
pub async fn run(mut watched: watch::Receiver<Watched>, reloads: mpsc::Sender<Request>) {
    let (tell, mut events) = mpsc::channel(WATCH_EVENTS_MAX);
    let mut watcher = watcher(tell);
    let mut folders = BTreeSet::new();
    let mut files = watched.borrow_and_update().clone();
    let mut marks = files.marks();
    loop {
        follow(watcher.as_mut(), &mut folders, &files.folders());
        tokio::select! {
            changed = watched.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = watched.borrow_and_update().clone();
                if now != files {
                    files = now;
                    marks = files.marks();
                }
                continue;
            }
            seen = events.recv(), if watcher.is_some() => match seen {
                Some(seen) => settle(seen, &mut events, &files.names()).await,
                None => watcher = None,
            },
            () = sleep(Duration::from_millis(WATCH_POLL_MS)) => {}
        }
        if files.marks() == marks {
            continue;
        }
        // A folder may be another one of its name, and the kernel follows the one that it was.
        follow(watcher.as_mut(), &mut folders, &BTreeSet::new());
        follow(watcher.as_mut(), &mut folders, &files.folders());
        // What changed before the new one was followed is seen now.
        marks = files.marks();
        let request = Request { input: Input::File, trigger: Trigger::Watch, answer: None };
        if reloads.send(request).await.is_err() {
            return;
        }
    }
}

fn watcher(tell: mpsc::Sender<Seen>) -> Option<RecommendedWatcher> {
    let hear = move |event: notify::Result<notify::Event>| {
        let is_whole = match event.as_ref().map(|event| event.kind) {
            Ok(EventKind::Modify(ModifyKind::Data(_))) => false,
            Ok(EventKind::Access(AccessKind::Close(AccessMode::Write))) => true,
            Ok(EventKind::Access(_)) => return,
            Ok(_) | Err(_) => true,
        };
        let path = event.ok().and_then(|event| event.paths.into_iter().next_back());
        let name = path.and_then(|path| path.file_name().map(OsStr::to_owned));
        // Full: a look is due already.
        let _ = tell.try_send(Seen { name, is_whole });
    };
    match notify::recommended_watcher(hear) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(
                %error,
                seconds = WATCH_POLL_MS / 1_000,
                "the kernel does not tell of changes; the file is looked at now and then"
            );
            None
        }
    }
}

/// Watches the folders that matter now, and no others.
fn follow(
    watcher: Option<&mut RecommendedWatcher>,
    folders: &mut BTreeSet<PathBuf>,
    now: &BTreeSet<PathBuf>,
) {
    let Some(watcher) = watcher else { return };
    if now == folders {
        return;
    }
    for folder in folders.difference(now) {
        // It may be gone, and its watch with it.
        let _ = watcher.unwatch(folder);
    }
    for folder in now.difference(folders) {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, folder = %folder.display(), "the folder cannot be watched");
        }
    }
    now.clone_into(folders);
}

/// The folders in which something may change what the path leads to.
fn folders_of(file: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut left = SYMLINKS_FOLLOWED_MAX;
    let mut waiting = vec![file.to_owned()];
    while let Some(path) = waiting.pop() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        // Each part of the way may be a symlink itself.
        for part in path.ancestors() {
            let Ok(target) = fs::read_link(part) else { continue };
            left -= 1;
            if left == 0 {
                return folders;
            }
            let beside = part.parent().unwrap_or(Path::new("."));
            let rest = path.strip_prefix(part).unwrap_or(Path::new(""));
            let there = beside.join(target);
            waiting.push(if rest.as_os_str().is_empty() { there } else { there.join(rest) });
            folders.insert(beside.to_owned());
        }
        if folder.is_dir() {
            folders.insert(folder);
        }
    }
    folders
}

/// The names under which files are written: their own, and those that links lead to.
fn names_of(files: impl Iterator<Item = PathBuf>) -> BTreeSet<OsString> {
    let and_target = |file: PathBuf| [fs::canonicalize(&file).ok(), Some(file)];
    let all = files.flat_map(and_target).flatten();
    all.filter_map(|file| file.file_name().map(OsStr::to_owned)).collect()
}

/// Waits until nothing has happened for a moment, and a file that is being written is closed; not
/// for ever, since some programs never close what they write. What is written beside it, a log
/// perhaps, is nothing to wait for.
async fn settle(first: Seen, events: &mut mpsc::Receiver<Seen>, names: &BTreeSet<OsString>) {
    let deadline = Instant::now() + Duration::from_millis(WATCH_WRITING_MS_MAX);
    let soon = || Instant::now() + Duration::from_millis(WATCH_SETTLE_MS);
    let (mut seen, mut quiet, mut is_writing) = (first, soon(), false);
    loop {
        let is_ours = seen.name.as_ref().is_some_and(|name| names.contains(name));
        if is_ours {
            is_writing = !seen.is_whole;
        }
        if is_ours || seen.is_whole {
            quiet = soon();
        }
        let until = if is_writing { deadline } else { quiet.min(deadline) };
        tokio::select! {
            next = events.recv() => match next {
                Some(next) => seen = next,
                None => return,
            },
            () = sleep_until(until) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_that_was_written_replaced_or_removed_is_another_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let none = Mark::of(&path);
        fs::write(&path, "one").expect("a file");
        let one = Mark::of(&path);
        assert_eq!(Mark::of(&path), one);
        fs::write(&path, "three").expect("a file");
        let three = Mark::of(&path);
        fs::write(folder.path().join("b"), "three").expect("a file");
        fs::rename(folder.path().join("b"), &path).expect("the same folder");
        let replaced = Mark::of(&path);
        let all = [none, one, three, replaced];
        for (index, mark) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| other != mark), "{all:?}");
        }
    }

    #[test]
    fn every_folder_on_the_way_is_watched() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        // As Kubernetes mounts a ConfigMap.
        fs::create_dir(root.join("..2026")).expect("a folder");
        fs::write(root.join("..2026/frys.toml"), "x").expect("a file");
        symlink("..2026", root.join("..data")).expect("a link");
        symlink("..data/frys.toml", root.join("frys.toml")).expect("a link");
        let folders = folders_of(&root.join("frys.toml"));
        for wanted in [root.clone(), root.join("..2026")] {
            assert!(folders.contains(&wanted), "{wanted:?} is not in {folders:?}");
        }
        assert!(folders.iter().all(|folder| folder.is_dir()));
    }

    #[test]
    fn only_the_files_own_writers_are_waited_for() {
        let names = BTreeSet::from([OsString::from("frys.toml")]);
        let seen = |name: &str, is_whole| Seen { name: Some(name.into()), is_whole };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let (tell, mut events) = mpsc::channel(WATCH_EVENTS_MAX);
            let writing = Duration::from_millis(WATCH_WRITING_MS_MAX);
            let began = Instant::now();
            settle(seen("access.log", false), &mut events, &names).await;
            assert!(began.elapsed() < writing, "a log beside the file held it up");
            // Another file that is closed says nothing of this one.
            let began = Instant::now();
            tell.try_send(seen("access.log", true)).expect("there is room");
            settle(seen("frys.toml", false), &mut events, &names).await;
            assert!(began.elapsed() >= writing, "a file was read that is being written");
        });
    }

    #[test]
    fn a_folder_that_took_anothers_name_is_watched() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        for name in ["etc", "new"] {
            fs::create_dir(at(name)).expect("a folder");
            fs::write(at(name).join("frys.toml"), name).expect("a file");
        }
        let watched = Watched { files: vec![at("etc/frys.toml")], listings: Vec::new() };
        let (_keep, watched) = watch::channel(watched);
        let (tell, mut reloads) = mpsc::channel(1);
        // Shorter than the look that is taken now and then.
        let soon = Duration::from_millis(WATCH_POLL_MS - 1_000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let change = async {
                tokio::task::yield_now().await;
                fs::rename(at("etc"), at("old")).expect("a name");
                fs::rename(at("new"), at("etc")).expect("a name");
                let seen = tokio::time::timeout(soon, reloads.recv()).await;
                assert!(seen.is_ok_and(|seen| seen.is_some()), "the new folder was not seen");
                fs::write(at("etc/frys.toml"), "edited").expect("a file");
                let seen = tokio::time::timeout(soon, reloads.recv()).await;
                assert!(seen.is_ok_and(|seen| seen.is_some()), "the new folder is not watched");
            };
            tokio::select! {
                () = run(watched, tell) => panic!("it ended"),
                () = change => {}
            }
        });
    }

    #[test]
    fn links_that_lead_nowhere_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        symlink(&a, &b).expect("a link");
        symlink(&b, &a).expect("a link");
        assert!(folders_of(&a).contains(folder.path()));
    }
}
