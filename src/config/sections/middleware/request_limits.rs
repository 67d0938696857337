//! Bounds on a route's requests, tighter than the gateway's.

use super::super::super::keys::Section;

pub(crate) static REQUEST_LIMITS: Section = Section {
    title: "[routes.request_limits], [middlewares.request_limits.NAME]",
    text: "Bounds on a route's requests, tighter than the gateway's.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
