//! Names of which there are many.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A part of a text that many names share, so that each is no allocation of its own.
#[derive(Clone)]
pub struct Name {
    all: Arc<str>,
    start: u32,
    end: u32,
}

impl Name {
    /// Names in their order.
    pub(super) fn shared(names: Vec<String>) -> Vec<Name> {
        let mut shared = Vec::with_capacity(names.len());
        let mut run = Vec::new();
        let mut bytes = 0;
        for name in names {
            bytes += name.len();
            run.push(name);
            if bytes >= TEXT_BYTES {
                together(&mut run, &mut shared);
                bytes = 0;
            }
        }
        together(&mut run, &mut shared);
        shared
    }
}

/// Takes names, and gives them as parts of one text.
fn together(run: &mut Vec<String>, shared: &mut Vec<Name>) {
    let all: Arc<str> = run.concat().into();
    let mut start = 0;
    for name in run.drain(..) {
        let end = start + name.len();
        let offset = |at: usize| u32::try_from(at).expect("a text is a MiB and one name more");
        shared.push(Name { all: Arc::clone(&all), start: offset(start), end: offset(end) });
        start = end;
    }
}

/// A text is as long as this or a name longer: far beyond what an allocation costs, and far below
/// what its places can count.
const TEXT_BYTES: usize = 1 << 20;

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.all.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_were() {
        let long = "x".repeat(TEXT_BYTES);
        let names = ["a", "", "äß", &long, "b", "/c/*"].map(str::to_owned).to_vec();
        let shared = Name::shared(names.clone());
        let found: Vec<&str> = shared.iter().map(|name| &**name).collect();
        assert_eq!(found, names);
        assert!(Arc::ptr_eq(&shared[0].all, &shared[3].all));
        assert!(!Arc::ptr_eq(&shared[3].all, &shared[4].all));
        assert!(Name::shared(Vec::new()).is_empty());
    }
}
