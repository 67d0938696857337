//! Queues that a socket has only while something is in them.

use std::collections::VecDeque;

/// A queue of one socket: one word while it is empty.
pub(crate) struct Queue<T> {
    boxed: Option<Box<Items<T>>>,
}

struct Items<T>(VecDeque<T>);

/// Empty queues with their memory, for the next socket that needs one.
pub(crate) struct Spare<T> {
    #[expect(clippy::vec_box, reason = "the boxes are what is used again")]
    boxes: Vec<Box<Items<T>>>,
}

/// Unused queues of a kind that are kept: as many as connections are likely busy in one turn.
const SPARE_COUNT_MAX: usize = 256;

/// A queue that grew longer than this is freed when it is empty.
const SPARE_ITEMS_MAX: usize = 256;

impl<T> Queue<T> {
    pub(crate) const fn new() -> Queue<T> {
        Queue { boxed: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.boxed.as_ref().map_or(0, |items| items.0.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.boxed.is_none()
    }

    pub(crate) fn push_back(&mut self, item: T, spare: &mut Spare<T>) {
        self.items(spare).push_back(item);
    }

    pub(crate) fn push_front(&mut self, item: T, spare: &mut Spare<T>) {
        self.items(spare).push_front(item);
    }

    pub(crate) fn pop_front(&mut self, spare: &mut Spare<T>) -> Option<T> {
        let items = self.boxed.as_mut()?;
        let item = items.0.pop_front();
        if items.0.is_empty() {
            self.clear(spare);
        }
        item
    }

    /// Moves the first `count` items, or all, to the end of `list`.
    pub(crate) fn drain_to(&mut self, list: &mut Vec<T>, count: usize, spare: &mut Spare<T>) {
        let Some(items) = self.boxed.as_mut() else { return };
        let count = count.min(items.0.len());
        list.extend(items.0.drain(..count));
        if items.0.is_empty() {
            self.clear(spare);
        }
    }

    /// Drops what is queued and returns the memory.
    pub(crate) fn clear(&mut self, spare: &mut Spare<T>) {
        let Some(mut items) = self.boxed.take() else { return };
        items.0.clear();
        if spare.boxes.len() < SPARE_COUNT_MAX && items.0.capacity() <= SPARE_ITEMS_MAX {
            spare.boxes.push(items);
        }
    }

    fn items(&mut self, spare: &mut Spare<T>) -> &mut VecDeque<T> {
        let fresh = || spare.boxes.pop().unwrap_or_else(|| Box::new(Items(VecDeque::new())));
        &mut self.boxed.get_or_insert_with(fresh).0
    }
}

impl<T> Spare<T> {
    pub(crate) const fn new() -> Spare<T> {
        Spare { boxes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_queue_gives_its_memory_back() {
        let (mut queue, mut spare) = (Queue::new(), Spare::new());
        queue.push_back(2, &mut spare);
        queue.push_front(1, &mut spare);
        queue.push_back(3, &mut spare);
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.pop_front(&mut spare), Some(1));
        let mut list = Vec::new();
        queue.drain_to(&mut list, 9, &mut spare);
        assert_eq!(list, [2, 3]);
        assert!(queue.is_empty());
        assert_eq!(spare.boxes.len(), 1);
        assert_eq!(queue.pop_front(&mut spare), None);
        assert_eq!(size_of::<Queue<u8>>(), 8);
    }
}
