//! Which cores this process may run on, and binding a thread to one of them.

/// Cores that the process may run on, ascending. Never empty: core 0 when the kernel does not say.
pub fn cores() -> Vec<usize> {
    let found: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().iter().map(|core| core.id).collect();
    if found.is_empty() { vec![0] } else { found }
}

/// Binds the calling thread to `core`. False when the kernel refuses: the thread then runs
/// anywhere, slower but right.
#[must_use]
pub fn pin(core: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: core })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_core_can_be_pinned_to() {
        let core = cores()[0];
        let pinned = std::thread::spawn(move || pin(core)).join().unwrap();
        assert!(pinned);
    }
}
