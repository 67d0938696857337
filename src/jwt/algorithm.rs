//! Algorithms of signatures, and sets of them.

pub use jsonwebtoken::Algorithm;
use jsonwebtoken::AlgorithmFamily;

/// Some algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// None.
    pub const NONE: Algorithms = Algorithms(0);

    /// These.
    pub fn of(algorithms: impl IntoIterator<Item = Algorithm>) -> Algorithms {
        Algorithms(algorithms.into_iter().fold(0, |bits, one| bits | bit(one)))
    }

    /// All that a kind of key is for.
    pub fn of_family(family: AlgorithmFamily) -> Algorithms {
        Algorithms::of(family.algorithms().iter().copied())
    }

    /// Whether it is one of them.
    pub fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & bit(algorithm) != 0
    }

    /// Those that are in both.
    pub fn and(self, other: Algorithms) -> Algorithms {
        Algorithms(self.0 & other.0)
    }
}

/// The algorithm that a token's `alg` names. Letters have their case (RFC 7515 section 4.1.1), and
/// `none` names none.
pub(super) fn named(name: &str) -> Option<Algorithm> {
    name.parse().ok()
}

fn bit(algorithm: Algorithm) -> u16 {
    1 << algorithm as u16
}
