//! Files of the simulation: a tree in memory whose disk is slow, brings less than was asked for, or
//! fails, as the faults say.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::memory::{Block, Slot};

use super::super::Errno;
use super::super::file::{Kind as FileKind, Metadata};
use super::super::operation::{Owner, Part};
use super::network::{Heard, Network};
use super::state::{End, Kind, What};

/// A file as a test puts it into the tree.
#[derive(Clone, Debug)]
pub struct Planted {
    /// What it is.
    pub kind: FileKind,
    /// What stands in it.
    pub bytes: Vec<u8>,
    /// When it was changed, in seconds since 1970.
    pub modified_seconds: i64,
    /// What opening it answers instead.
    pub refusal: Option<Errno>,
}

impl Default for Planted {
    fn default() -> Planted {
        Planted {
            kind: FileKind::Regular,
            bytes: Vec::new(),
            modified_seconds: 784_111_777,
            refusal: None,
        }
    }
}

/// What a path leads to.
#[derive(Debug)]
pub(super) struct Node {
    planted: Planted,
    bytes: RefCell<Vec<u8>>,
    inode: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: HashMap<Vec<u8>, Rc<Node>>,
    planted_count: u64,
}

impl Network {
    pub(super) fn plant(&mut self, path: &str, planted: Planted) {
        self.tree.planted_count += 1;
        let bytes = RefCell::new(planted.bytes.clone());
        let node = Node { planted, bytes, inode: self.tree.planted_count };
        self.tree.nodes.insert(path.as_bytes().to_vec(), Rc::new(node));
    }

    pub(super) fn cut_planted(&mut self, path: &str, bytes: usize) -> bool {
        let node = self.tree.nodes.get(path.as_bytes());
        node.is_some_and(|node| {
            node.bytes.borrow_mut().truncate(bytes);
            true
        })
    }

    pub(super) fn open(&mut self, owner: Owner, path: Block) -> Result<Slot, Errno> {
        let end = self.ends.insert(End::new(false)).map_err(|_| Errno::TOO_MANY_FILES)?;
        self.start_disk(owner, end, Kind::Open { path })
    }

    pub(super) fn read(
        &mut self,
        owner: Owner,
        end: Slot,
        block: Block,
        part: Part,
    ) -> Result<Slot, Errno> {
        self.start_disk(owner, end, Kind::Read { block, part })
    }

    fn start_disk(&mut self, owner: Owner, end: Slot, kind: Kind) -> Result<Slot, Errno> {
        let operation = self.insert(owner, end, kind)?;
        let at_ns = self.now_ns + self.random.up_to(self.faults.file_delay_ns_max);
        self.schedule(at_ns, What::Disk { operation });
        Ok(operation)
    }

    pub(super) fn metadata(&self, end: Slot) -> Result<Metadata, Errno> {
        let file = self.ends.get(end).and_then(|end| end.file.as_ref()).ok_or(Errno::CLOSED)?;
        Ok(Metadata {
            kind: file.planted.kind,
            bytes: file.bytes.borrow().len() as u64,
            modified_seconds: file.planted.modified_seconds,
            modified_nanos: 0,
            inode: file.inode,
        })
    }

    /// The disk has come to an open or a read, unless that was cancelled before.
    pub(super) fn answer_from_disk(&mut self, slot: Slot) {
        let fails = self.random.per_mille(self.faults.file_error_per_mille);
        let is_short = self.random.per_mille(self.faults.file_short_per_mille);
        let Some(operation) = self.operations.get(slot) else { return };
        let failed = if fails { Err(Errno(libc::EIO)) } else { Ok(()) };
        match &operation.kind {
            Kind::Open { path } => {
                let name = path.strip_suffix(&[0]).unwrap_or_default();
                let found = self.tree.nodes.get(name).cloned();
                self.finish_open(slot, failed.and(found.ok_or(Errno(libc::ENOENT))));
            }
            Kind::Read { part, .. } => {
                let mut bytes_max = part.bytes as usize;
                if is_short && bytes_max > 1 {
                    bytes_max = 1 + self.random.up_to(bytes_max as u64 - 2) as usize;
                }
                self.finish_read(slot, failed.map(|()| bytes_max));
            }
            Kind::Accept | Kind::Connect | Kind::Receive { .. } | Kind::Send { .. } => {}
        }
    }

    pub(super) fn finish_open(&mut self, slot: Slot, found: Result<Rc<Node>, Errno>) {
        let Some(operation) = self.operations.remove(slot) else { return };
        let found = found.and_then(|node| match node.planted.refusal {
            Some(errno) => Err(errno),
            None => Ok(node),
        });
        let result = match found {
            Ok(node) => {
                if let Some(end) = self.ends.get_mut(operation.end) {
                    end.file = Some(node);
                }
                Ok(operation.end)
            }
            Err(errno) => {
                self.ends.remove(operation.end);
                Err(errno)
            }
        };
        self.hear(slot, operation.owner, false, Heard::Opened(result));
    }

    pub(super) fn finish_read(&mut self, slot: Slot, bytes_max: Result<usize, Errno>) {
        let Some(operation) = self.operations.remove(slot) else { return };
        let Kind::Read { mut block, part } = operation.kind else { return };
        let file = self.ends.get(operation.end).and_then(|end| end.file.clone());
        let result = bytes_max.and_then(|bytes_max| {
            let file = file.ok_or(Errno::CLOSED)?;
            let bytes = file.bytes.borrow();
            let offset = usize::try_from(part.offset).unwrap_or(usize::MAX);
            let rest = bytes.get(offset..).unwrap_or_default();
            let piece = rest.get(..bytes_max).unwrap_or(rest);
            block.extend_from_slice(piece);
            Ok(piece.len())
        });
        self.hear(slot, operation.owner, false, Heard::Read(result, block));
    }
}
