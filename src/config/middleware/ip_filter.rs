//! Which client addresses may pass.

use ipnet::IpNet;
use std::path::PathBuf;

/// Which client addresses may pass: none of `deny`, and where there is an `allow`, only its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpFilterConfig {
    /// Networks that may pass; empty here and in the file: all may.
    pub allow: Vec<IpNet>,
    /// Networks that may not, whatever `allow` says.
    pub deny: Vec<IpNet>,
    /// A file with more of `allow`, one network a line, `#` before a remark; read when the
    /// configuration is.
    pub allow_file: Option<PathBuf>,
    /// A file with more of `deny`.
    pub deny_file: Option<PathBuf>,
    /// Whose address is looked at. Default the client's.
    pub of: AddressOf,
}

/// Whose address is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressOf {
    /// The client's: behind one of `trusted_proxies` the one that it tells.
    #[default]
    Client,
    /// The connection's, whoever it speaks for.
    Peer,
}
