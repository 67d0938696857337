//! Who may pass: clients with a known key.

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{ApiKey, ApiKeyConfig, ApiKeyValue, Middleware};
use super::super::secret::{self, Use};
use super::super::{Decoder, Fields, values};
use super::credential;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::API_KEY)?;
    let mut config = ApiKeyConfig::default();
    fields.set(d, "keys", &mut config.keys, values::list(entry));
    fields.set_some(d, "keys_file", &mut config.keys_file, credential::text_file);
    fields.set(d, "from", &mut config.from, credential::sources);
    fields.set(d, "optional", &mut config.optional, values::boolean);
    fields.set(d, "forward_credentials", &mut config.forward_credentials, values::boolean);
    fields.set(d, "realm", &mut config.realm, values::text);
    Some(Middleware::ApiKey(config))
}

fn entry(d: &mut Decoder, node: &Node) -> Option<ApiKey> {
    let fields = Fields::of(d, node, &sections::API_KEY_ENTRY)?;
    let name = fields.require(d, "name", values::text);
    let identity = credential::identity(d, &fields);
    let key = fields
        .read(d, "key", |d: &mut Decoder, node: &Node| credential::secret(d, node, Use::Text));
    let key = key.map(ApiKeyValue::Secret);
    let hashed = fields.read(d, "sha256", sha256);
    if fields.present(&["key", "sha256"]).len() != 1 && fields.is_known() {
        d.fault(fields.place(), "a key is either `key`, a secret, or `sha256`, its hash");
        return None;
    }
    Some(ApiKey { name: name?, key: key.or(hashed)?, identity })
}

fn sha256(d: &mut Decoder, node: &Node) -> Option<ApiKeyValue> {
    let digits = secret::inline(d, node, Use::Text)?;
    let found = ApiKeyValue::sha256(digits.expose());
    if found.is_none() {
        d.fault(node.place, "expected the 64 hexadecimal digits of a SHA-256");
    }
    found.map(ApiKeyValue::Sha256)
}
