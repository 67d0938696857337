//! How many requests of one key pass in a time.

use super::super::super::keys::Section;

pub(crate) static RATE_LIMIT: Section = Section {
    title: "[routes.rate_limit], [middlewares.rate_limit.NAME]",
    text: "How many requests of one key pass in a time.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
