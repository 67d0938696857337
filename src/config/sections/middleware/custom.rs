//! A filter of the embedding program.

use super::super::super::keys::Section;
use super::super::super::kind::{Form, Kind};
use super::super::key;

pub(crate) static CUSTOM: Section = Section {
    title: "[routes.custom], [middlewares.custom.NAME]",
    text: "A filter of the embedding program (`docs/extending.md`). `frys` itself has none.",
    keys: &[
        key(
            "filter",
            Kind::Text(Form::FILLED),
            "",
            "The name under which the program registered it.",
        ),
        key(
            "settings",
            Kind::Free,
            "{}",
            "What it is told; what may stand here is the filter's to say. Values of keys whose \
             names say that they are secret are shown nowhere.",
        ),
    ],
    choices: &[],
    later: &[],
    meant: &[("name", "filter")],
};
