//! Who may pass: users with a password (RFC 7617).

use super::super::super::node::Node;
use super::super::super::sections;
use super::super::super::{BasicAuthConfig, BasicUser, Middleware};
use super::super::secret::Use;
use super::super::{Decoder, Fields, values};
use super::credential;

pub(super) fn read(d: &mut Decoder, node: &Node) -> Option<Middleware> {
    let fields = Fields::of(d, node, &sections::BASIC_AUTH)?;
    let mut config = BasicAuthConfig::default();
    fields.set(d, "users", &mut config.users, values::list(user));
    fields.set_some(d, "users_file", &mut config.users_file, credential::text_file);
    fields.set(d, "optional", &mut config.optional, values::boolean);
    fields.set(d, "forward_credentials", &mut config.forward_credentials, values::boolean);
    fields.set(d, "realm", &mut config.realm, values::text);
    fields.set(d, "remember", &mut config.remember, values::duration);
    Some(Middleware::BasicAuth(config))
}

fn user(d: &mut Decoder, node: &Node) -> Option<BasicUser> {
    let fields = Fields::of(d, node, &sections::BASIC_USER)?;
    let name = fields.require(d, "name", values::text);
    let password_hash = fields.require(d, "password_hash", |d: &mut Decoder, node: &Node| {
        credential::secret(d, node, Use::PasswordHash)
    });
    let identity = credential::identity(d, &fields);
    Some(BasicUser { name: name?, password_hash: password_hash?, identity })
}
