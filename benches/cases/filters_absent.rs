//! In place of `filters`, where the program was built without what they need.

use super::Case;

pub fn cases() -> Vec<Case> {
    Vec::new()
}
