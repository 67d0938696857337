//! What the kinds of authentication share.

use super::super::super::node::{Node, Value};
use super::super::super::{CredentialSource, Identity, Secret, TextFile};
use super::super::secret::{self, Use};
use super::super::{Decoder, Fields, values};

/// A file that is read now.
pub(super) fn text_file(d: &mut Decoder, node: &Node) -> Option<TextFile> {
    let path = values::text(d, node)?;
    TextFile::read(path).map_err(|fault| d.fault(node.place, fault.to_string())).ok()
}

/// A secret. One that is made to be kept, as a hash is, may stand in the file without a warning; it
/// is hidden all the same.
pub(super) fn secret(d: &mut Decoder, node: &Node, used: Use) -> Option<Secret> {
    match &node.value {
        Value::Text(_) if used == Use::PasswordHash => secret::inline(d, node, used),
        Value::Text(_) | Value::Table(_) => secret::secret(d, node, used),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Other(_) => {
            d.unexpected(node, "a secret such as `{ env = \"NAME\" }`");
            None
        }
    }
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
