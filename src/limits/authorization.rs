//! Bounds of authorization.

/// Rules of one filter. Each is looked at for each request, so 256 of some 20 ns stay below the
/// cost of a request; who needs more has roles that stand for them.
pub const RBAC_RULES_COUNT_MAX: usize = 256;

/// Roles, scopes, subjects, claims, values, methods or paths of one rule.
pub const RBAC_LIST_COUNT_MAX: usize = 256;

// A rule is counted by a number of 16 bits in the log.
const _: () = assert!(RBAC_RULES_COUNT_MAX < u16::MAX as usize);
