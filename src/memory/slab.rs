//! A bounded table of slots. A slot's key carries the generation of its tenant, so that a key kept
//! after the tenant left finds nobody, not the next tenant.

use std::num::NonZeroU32;

/// Key of one tenant of a [`Slab`]: where it is, and which tenant of that place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    index: u32,
    generation: NonZeroU32,
}

/// A table of at most `count_max` values with keys that do not outlive their value.
///
/// It grows by pieces, so that growing moves no value and an empty table is small.
#[derive(Debug)]
pub struct Slab<T> {
    pieces: Vec<Vec<Place<T>>>,
    free_first: u32,
    count: usize,
    count_max: usize,
}

#[derive(Debug)]
struct Place<T> {
    generation: NonZeroU32,
    content: Content<T>,
}

#[derive(Debug)]
enum Content<T> {
    Free { next: u32 },
    Used(T),
}

const NONE: u32 = u32::MAX;

/// Values a piece: a few pages for the values that are kept here.
const PIECE: usize = 1 << PIECE_BITS;
const PIECE_BITS: u32 = 6;

impl Slot {
    /// Position in the table, below the highest count the table ever had.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The key as one word, for the kernel to hand back: generation above, index below.
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.index)
    }

    /// The key in a word made by [`Slot::to_bits`]; `None` when no slot makes that word.
    pub fn from_bits(bits: u64) -> Option<Slot> {
        let generation = NonZeroU32::new((bits >> 32) as u32)?;
        Some(Slot { index: bits as u32, generation })
    }
}

impl<T> Slab<T> {
    /// An empty table that refuses to hold more than `count_max` values.
    pub fn new(count_max: usize) -> Self {
        let count_max = count_max.min(NONE as usize - 1);
        Slab { pieces: Vec::new(), free_first: NONE, count: 0, count_max }
    }

    /// Moves `value` in and returns its key, or gives it back when the table is full.
    ///
    /// # Errors
    /// The value itself, when `count_max` values are in the table.
    pub fn insert(&mut self, value: T) -> Result<Slot, T> {
        let free = self.free_first;
        if let Some(place) = self.place_mut(free)
            && let Content::Free { next } = place.content
        {
            place.content = Content::Used(value);
            let slot = Slot { index: free, generation: place.generation };
            self.free_first = next;
            self.count += 1;
            return Ok(slot);
        }
        // Nothing was given back: all places so far are used.
        if self.count >= self.count_max {
            return Err(value);
        }
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE.min(self.count_max)));
        }
        let index = self.count as u32;
        let generation = NonZeroU32::MIN;
        if let Some(piece) = self.pieces.last_mut() {
            piece.push(Place { generation, content: Content::Used(value) });
        }
        self.count += 1;
        Ok(Slot { index, generation })
    }

    /// The value under `slot`, unless it was removed.
    pub fn get(&self, slot: Slot) -> Option<&T> {
        match self.place(slot.index) {
            Some(Place { generation, content: Content::Used(value) })
                if *generation == slot.generation =>
            {
                Some(value)
            }
            Some(_) | None => None,
        }
    }

    /// The value under `slot`, to change, unless it was removed.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        match self.place_mut(slot.index) {
            Some(Place { generation, content: Content::Used(value) })
                if *generation == slot.generation =>
            {
                Some(value)
            }
            Some(_) | None => None,
        }
    }

    fn place(&self, index: u32) -> Option<&Place<T>> {
        self.pieces.get((index >> PIECE_BITS) as usize)?.get(index as usize % PIECE)
    }

    fn place_mut(&mut self, index: u32) -> Option<&mut Place<T>> {
        self.pieces.get_mut((index >> PIECE_BITS) as usize)?.get_mut(index as usize % PIECE)
    }

    /// Takes the value under `slot` out; its key is void from now on.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let next = self.free_first;
        let place = self.place_mut(slot.index)?;
        if place.generation != slot.generation || matches!(place.content, Content::Free { .. }) {
            return None;
        }
        let content = std::mem::replace(&mut place.content, Content::Free { next });
        place.generation = place.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free_first = slot.index;
        self.count -= 1;
        match content {
            Content::Used(value) => Some(value),
            Content::Free { .. } => None,
        }
    }

    /// How many values are in the table.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no value is in the table.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every value with its key, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        self.pieces.iter().flatten().enumerate().filter_map(|(index, place)| match &place.content {
            Content::Used(value) => {
                Some((Slot { index: index as u32, generation: place.generation }, value))
            }
            Content::Free { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn a_removed_key_finds_nobody_even_when_the_place_is_taken_again() {
        let mut slab = Slab::new(4);
        let old = slab.insert(1).unwrap();
        assert_eq!(slab.remove(old), Some(1));
        let new = slab.insert(2).unwrap();
        assert_eq!(new.index(), old.index());
        assert_eq!(slab.get(old), None);
        assert_eq!(slab.remove(old), None);
        assert_eq!(slab.get(new), Some(&2));
    }

    #[test]
    fn a_full_table_gives_the_value_back() {
        let mut slab = Slab::new(1);
        slab.insert('a').unwrap();
        assert_eq!(slab.insert('b'), Err('b'));
    }

    #[test]
    fn a_word_becomes_the_same_key_again() {
        let mut slab = Slab::new(2);
        let slot = slab.insert(()).unwrap();
        assert_eq!(Slot::from_bits(slot.to_bits()), Some(slot));
        assert_eq!(Slot::from_bits(7), None);
        assert_eq!(size_of::<Option<Slot>>(), 8);
    }

    proptest! {
        #[test]
        fn behaves_as_a_map(
            operations in proptest::collection::vec((0u8..5, 0usize..400), 0..900)
        ) {
            let mut slab = Slab::new(150);
            let mut model: HashMap<u64, usize> = HashMap::new();
            let mut keys: Vec<Slot> = Vec::new();
            for (kind, number) in operations {
                if kind < 3 {
                    match slab.insert(number) {
                        Ok(slot) => {
                            prop_assert!(model.insert(slot.to_bits(), number).is_none());
                            keys.push(slot);
                        }
                        Err(_) => prop_assert_eq!(model.len(), 150),
                    }
                } else if let Some(&slot) = keys.get(number % keys.len().max(1)) {
                    if kind == 3 {
                        prop_assert_eq!(slab.remove(slot), model.remove(&slot.to_bits()));
                    } else {
                        prop_assert_eq!(slab.get(slot), model.get(&slot.to_bits()));
                    }
                }
                prop_assert_eq!(slab.len(), model.len());
            }
            prop_assert_eq!(slab.iter().count(), model.len());
        }
    }
}
