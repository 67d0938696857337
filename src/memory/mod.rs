//! Memory that is taken and returned without the allocator: slots with generations, pooled blocks.

pub mod block;
pub mod slab;

pub use block::{Block, Blocks};
pub use slab::{Slab, Slot};
