//! Bytes looked at sixteen, eight or four at a time. Arrays of a fixed length, compared or folded
//! whole, become vector instructions without `unsafe`; the last block of a run overlaps the one
//! before it, so that no byte is left over for a slow tail.

/// Whether `text` begins with `label`: a label is mostly shorter than what a call to `memcmp` is
/// worth.
#[inline]
pub(super) fn starts_with(text: &[u8], label: &[u8]) -> bool {
    let Some(text) = text.get(..label.len()) else { return false };
    if label.len() > 16 {
        let (blocks, _) = text.as_chunks::<16>();
        let (label_blocks, _) = label.as_chunks::<16>();
        blocks.iter().zip(label_blocks).all(|(a, b)| a == b)
            && text.last_chunk::<16>() == label.last_chunk::<16>()
    } else if label.len() >= 8 {
        ends_equal::<8>(text, label)
    } else if label.len() >= 4 {
        ends_equal::<4>(text, label)
    } else {
        text.iter().zip(label).all(|(a, b)| a == b)
    }
}

/// Whether some byte and the one behind it fulfil a condition. The condition is asked for more
/// pairs than needed, so it should be made of arithmetic, not of branches.
#[inline]
pub(super) fn any_pair(text: &[u8], condition: impl Fn(u8, u8) -> bool) -> bool {
    let (Some(this), Some(next)) = (text.get(..text.len().saturating_sub(1)), text.get(1..)) else {
        return false;
    };
    if this.len() >= 16 {
        let (blocks, _) = this.as_chunks::<16>();
        let (next_blocks, _) = next.as_chunks::<16>();
        blocks.iter().zip(next_blocks).any(|(a, b)| in_block(a, b, &condition))
            || in_last_block::<16>(this, next, &condition)
    } else if this.len() >= 8 {
        in_first_block::<8>(this, next, &condition) || in_last_block::<8>(this, next, &condition)
    } else {
        this.iter().zip(next).any(|(a, b)| condition(*a, *b))
    }
}

/// Whether the first and the last `N` bytes, which may overlap, are equal.
#[inline]
fn ends_equal<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
}

#[inline]
fn in_first_block<const N: usize>(a: &[u8], b: &[u8], condition: impl Fn(u8, u8) -> bool) -> bool {
    let blocks = a.first_chunk::<N>().zip(b.first_chunk::<N>());
    blocks.is_some_and(|(a, b)| in_block(a, b, condition))
}

#[inline]
fn in_last_block<const N: usize>(a: &[u8], b: &[u8], condition: impl Fn(u8, u8) -> bool) -> bool {
    let blocks = a.last_chunk::<N>().zip(b.last_chunk::<N>());
    blocks.is_some_and(|(a, b)| in_block(a, b, condition))
}

#[inline]
fn in_block<const N: usize>(a: &[u8; N], b: &[u8; N], condition: impl Fn(u8, u8) -> bool) -> bool {
    let mut found = 0;
    for (a, b) in a.iter().zip(b) {
        found |= u8::from(condition(*a, *b));
    }
    found != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_labels_of_every_length() {
        let text: Vec<u8> = (0..80).collect();
        for bytes in 0..80 {
            let mut label = text[..bytes].to_vec();
            assert!(starts_with(&text, &label));
            assert!(starts_with(&text[..bytes], &label));
            if bytes > 0 {
                assert!(!starts_with(&text[..bytes - 1], &label));
            }
            for place in 0..bytes {
                label[place] ^= 0x80;
                assert!(!starts_with(&text, &label), "{bytes} {place}");
                label[place] ^= 0x80;
            }
        }
    }

    #[test]
    fn finds_a_pair_at_every_place() {
        let is_pair = |a: u8, b: u8| (a == 1) & (b == 2);
        for bytes in 0..80 {
            let mut text = vec![0; bytes];
            assert!(!any_pair(&text, is_pair), "{bytes}");
            for place in 1..bytes {
                text[place - 1] = 1;
                assert!(!any_pair(&text, is_pair), "{bytes} {place}");
                text[place] = 2;
                assert!(any_pair(&text, is_pair), "{bytes} {place}");
                text[place - 1] = 0;
                text[place] = 0;
            }
        }
    }
}
