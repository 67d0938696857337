//! Choices read off bytes: the same bytes always choose the same, whoever makes them.

/// Bytes that are used up; when there are none left, the first of everything is chosen.
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    /// A number below `count`, which is at most 256.
    pub fn below(&mut self, count: usize) -> usize {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                usize::from(*byte) % count
            }
            None => 0,
        }
    }

    /// One of a list.
    pub fn one<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Whether there are bytes left.
    pub fn is_left(&self) -> bool {
        !self.0.is_empty()
    }
}
