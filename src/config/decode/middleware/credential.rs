//! What the kinds of authentication share.

use super::super::super::node::{Node, Value};
use super::super::super::{CredentialSource, Identity, TextFile};
use super::super::{Decoder, Fields, values};

/// A file that is read now.
pub(super) fn text_file(d: &mut Decoder, node: &Node) -> Option<TextFile> {
    let path = values::text(d, node)?;
    TextFile::read(path).map_err(|fault| d.fault(node.place, fault.to_string())).ok()
}

/// One place of a key, or a list of them.
pub(super) fn sources(d: &mut Decoder, node: &Node) -> Option<Vec<CredentialSource>> {
    match &node.value {
        Value::List(_) => values::list(values::parsed)(d, node),
        _ => values::parsed(d, node).map(|source| vec![source]),
    }
}

/// `roles` and `claims`.
pub(super) fn identity(d: &mut Decoder, fields: &Fields<'_>) -> Identity {
    let mut identity = Identity::default();
    fields.set(d, "roles", &mut identity.roles, values::list(values::text));
    let claims = values::named("a table of claims and their values", values::text);
    fields.set(d, "claims", &mut identity.claims, claims);
    identity
}
