//! How many requests of one key may be under way at once.

use super::super::super::keys::Section;

pub(crate) static CONCURRENCY_LIMIT: Section = Section {
    title: "[routes.concurrency_limit], [middlewares.concurrency_limit.NAME]",
    text: "How many requests of one key may be under way at once.",
    keys: &[],
    choices: &[],
    later: &[],
    meant: &[],
};
