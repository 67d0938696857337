//! Fields that tell browsers to be careful.

/// Fields of the answer that tell browsers to be careful; each replaces the upstream's, and `None`
/// leaves that as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityHeadersConfig {
    /// `Strict-Transport-Security` (RFC 6797), only in answers that go out over TLS: here, or at
    /// the trusted proxy that says so. Default `max-age=31536000`: a year, without the host's
    /// subdomains, of which the gateway knows nothing.
    pub hsts: Option<String>,
    /// `X-Content-Type-Options`. Default `nosniff`: the only value there is.
    pub content_type_options: Option<String>,
    /// `X-Frame-Options` (RFC 7034). Default `SAMEORIGIN`: no page of another site frames this one.
    pub frame_options: Option<String>,
    /// `Referrer-Policy`. Default `strict-origin-when-cross-origin`: what browsers do by
    /// themselves, also for old ones.
    pub referrer_policy: Option<String>,
    /// `Permissions-Policy`. Default none: which features a page uses is the page's to know.
    pub permissions_policy: Option<String>,
    /// `Content-Security-Policy`. Default none: one that fits no page breaks every page.
    pub content_security_policy: Option<String>,
    /// `Cross-Origin-Opener-Policy`. Default `same-origin-allow-popups`: as strict as it can be
    /// without breaking logins in a window of their own.
    pub cross_origin_opener_policy: Option<String>,
    /// `Cross-Origin-Resource-Policy`. Default none: what other sites embed would be gone.
    pub cross_origin_resource_policy: Option<String>,
    /// `Cross-Origin-Embedder-Policy`. Default none: what a page embeds would be gone.
    pub cross_origin_embedder_policy: Option<String>,
}

impl Default for SecurityHeadersConfig {
    fn default() -> SecurityHeadersConfig {
        let some = |value: &str| Some(value.to_owned());
        SecurityHeadersConfig {
            hsts: some("max-age=31536000"),
            content_type_options: some("nosniff"),
            frame_options: some("SAMEORIGIN"),
            referrer_policy: some("strict-origin-when-cross-origin"),
            permissions_policy: None,
            content_security_policy: None,
            cross_origin_opener_policy: some("same-origin-allow-popups"),
            cross_origin_resource_policy: None,
            cross_origin_embedder_policy: None,
        }
    }
}

impl SecurityHeadersConfig {
    /// The key in a file, the field, and its value, of each field that there can be.
    pub fn fields(&self) -> [(&'static str, &'static str, Option<&str>); 9] {
        let all = [
            ("hsts", "Strict-Transport-Security", &self.hsts),
            ("content_type_options", "X-Content-Type-Options", &self.content_type_options),
            ("frame_options", "X-Frame-Options", &self.frame_options),
            ("referrer_policy", "Referrer-Policy", &self.referrer_policy),
            ("permissions_policy", "Permissions-Policy", &self.permissions_policy),
            ("content_security_policy", "Content-Security-Policy", &self.content_security_policy),
            (
                "cross_origin_opener_policy",
                "Cross-Origin-Opener-Policy",
                &self.cross_origin_opener_policy,
            ),
            (
                "cross_origin_resource_policy",
                "Cross-Origin-Resource-Policy",
                &self.cross_origin_resource_policy,
            ),
            (
                "cross_origin_embedder_policy",
                "Cross-Origin-Embedder-Policy",
                &self.cross_origin_embedder_policy,
            ),
        ];
        all.map(|(key, name, value)| (key, name, value.as_deref()))
    }
}
