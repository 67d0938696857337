//! Byte scanning with the vector instructions of the machine.
//!
//! The scan is written once in `generic`; an architecture adds a shim that classifies one block.
//! A whole parser is compiled once for each instruction set and chosen at its entry
//! ([`dispatch`]), so that the scans inside of it are inlined instead of called: names and values
//! of fields are short, and a call for each would cost as much as the scan.
//!
//! For a single byte or two or three of them, `memchr` is as good and is used instead.

// Entering code that is compiled for AVX2 is unsafe; the token `Avx2` proves that it may be.
#![allow(unsafe_code)]

pub mod class;
#[cfg(target_arch = "x86_64")]
mod generic;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use class::Class;
pub use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Sse2};

/// An instruction set to scan with. `Copy` and without content: proof that the machine has it.
pub trait Scan: Copy {
    /// The first position at or after `from` whose byte is not in the class; `bytes.len()` when
    /// all are, or when `from` lies beyond the end.
    fn end_of(self, class: Class, bytes: &[u8], from: usize) -> usize;
}

/// A computation that is compiled once for each instruction set. `run` and what it calls should be
/// `#[inline(always)]` as far down as the scans.
pub trait Operation {
    /// What it gives.
    type Output;

    /// Does it with the given instruction set.
    fn run<S: Scan>(self, scan: S) -> Self::Output;
}

/// Runs the operation with the best instruction set of the machine. Detection is a relaxed load
/// and a bit test after the first time.
#[inline]
pub fn dispatch<O: Operation>(operation: O) -> O::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(avx2) = Avx2::detect() {
            // SAFETY: the token says that the machine has AVX2.
            return unsafe { x86::run_avx2(operation, avx2) };
        }
        operation.run(Sse2::new())
    }
    #[cfg(not(target_arch = "x86_64"))]
    operation.run(Scalar)
}

/// As [`Scan::end_of`], for a single scan.
pub fn end_of(class: Class, bytes: &[u8], from: usize) -> usize {
    dispatch(EndOf { class, bytes, from })
}

struct EndOf<'a> {
    class: Class,
    bytes: &'a [u8],
    from: usize,
}

impl Operation for EndOf<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> usize {
        scan.end_of(self.class, self.bytes, self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLASSES: [Class; 3] = [Class::Token, Class::Target, Class::Value];

    fn agrees_with_the_model(scan: impl Scan, bytes: &[u8], from: usize) {
        for class in CLASSES {
            let expected = Scalar.end_of(class, bytes, from);
            assert_eq!(scan.end_of(class, bytes, from), expected, "{class:?} {from} {bytes:?}");
        }
    }

    fn all_agree(bytes: &[u8], from: usize) {
        for class in CLASSES {
            assert_eq!(end_of(class, bytes, from), Scalar.end_of(class, bytes, from));
        }
        #[cfg(target_arch = "x86_64")]
        {
            agrees_with_the_model(Sse2::new(), bytes, from);
            if let Some(avx2) = Avx2::detect() {
                agrees_with_the_model(avx2, bytes, from);
            }
        }
    }

    #[test]
    fn every_byte_stops_where_the_model_stops_at_every_place_and_length() {
        for length in [0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 64, 65] {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    all_agree(&bytes, 0);
                }
            }
        }
    }

    #[test]
    fn every_start_and_alignment_gives_what_the_model_gives() {
        let line: Vec<u8> = (0..200u8).map(|at| if at % 37 == 36 { b'\r' } else { b'x' }).collect();
        for start in 0..40 {
            for end in start..line.len() {
                for from in [0, 1, 7, 31, 32, 33, end - start] {
                    all_agree(&line[start..end], from);
                }
            }
        }
    }

    #[test]
    fn a_start_beyond_the_end_gives_the_length() {
        all_agree(b"abc", 3);
        all_agree(&[b'a'; 100], 100);
        all_agree(&[b'a'; 100], 1000);
        assert_eq!(end_of(Class::Token, &[b'a'; 100], 1000), 100);
    }

    proptest! {
        #[test]
        fn any_bytes_stop_where_the_model_stops(
            bytes in proptest::collection::vec(any::<u8>(), 0..130),
            from in 0usize..140,
        ) {
            all_agree(&bytes, from);
        }

        #[test]
        fn mostly_plain_bytes_stop_where_the_model_stops(
            bytes in proptest::collection::vec(
                prop_oneof![30 => 0x61u8..0x7b, 1 => any::<u8>()], 0..300),
            from in 0usize..300,
        ) {
            all_agree(&bytes, from);
        }
    }
}
