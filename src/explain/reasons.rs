//! Every reason with what to do about it: what `docs/reasons.md` has, and `frys explain` says.

use crate::bridge::{Blame, Reason};

use std::fmt::Write as _;

/// The document of all reasons in Markdown: what `docs/reasons.md` has.
pub fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (blame, title) in GROUPS {
        text.push_str(title);
        text.push_str("| reason | status | meaning | what to do |\n|---|---|---|---|\n");
        for reason in Reason::ALL.iter().filter(|reason| reason.blame() == blame) {
            let status = reason.status().map_or_else(|| "–".to_owned(), |code| code.to_string());
            let (label, meaning, todo) = (reason.label(), reason.meaning(), remedy(*reason));
            writeln!(text, "| `{label}` | {status} | {meaning} | {todo} |")
                .expect("a string takes everything");
        }
    }
    text
}

/// What an operator can do about it, in a sentence or two.
pub fn remedy(reason: Reason) -> &'static str {
    let row = REMEDIES.iter().find(|(own, _)| *own == reason);
    // A test holds that every reason has its row.
    row.map_or("", |(_, remedy)| remedy)
}

const REMEDIES: &[(Reason, &str)] = &[
    (Reason::Ok, "Nothing."),
    (Reason::Redirected, "Nothing."),
    (Reason::Responded, "Nothing."),
    (Reason::FileServed, "Nothing."),
    (
        Reason::FileNotFound,
        "Look below the route's `files.root`; `frys explain` says which file is looked for.",
    ),
    (
        Reason::FileForbidden,
        "Hidden names need `files.hidden`, links must stay below the root, and the process must be \
         allowed to read the file.",
    ),
    (
        Reason::RangeNotSatisfiable,
        "Nothing: the client asked for bytes beyond the end, and is told how many there are.",
    ),
    (
        Reason::PreconditionFailed,
        "Nothing: the file is another one than the client's `If-Match` or `If-Unmodified-Since` \
         says.",
    ),
    (Reason::FileFailed, "`errno` of the access log is what the kernel said of the file."),
    (
        Reason::GenerationExpired,
        "Raise `reload.max_generation_age` if exchanges may take longer than that after a reload.",
    ),
    (
        Reason::IpDenied,
        "Add the client's network to `allow`, or name the proxy in front in `trusted_proxies`, if \
         the address is the proxy's.",
    ),
    (Reason::Maintenance, "Take `maintenance` out of the route when the work is done."),
    (
        Reason::RateLimited,
        "`filter` of the access log says which limit it was; `Retry-After` told the client when to \
         come again. Raise `requests_per_second` or `burst_size`, or count by another `key`.",
    ),
    (Reason::ConcurrencyLimited, "Raise `max_requests`, or see why the upstream takes so long."),
    (
        Reason::CredentialsMissing,
        "The client has to send them where the route's filter looks for them: `Authorization`, \
         unless it says otherwise.",
    ),
    (
        Reason::CredentialsInvalid,
        "The client's credentials are wrong, or were taken out of the configuration.",
    ),
    (
        Reason::CredentialsUnchecked,
        "Somebody guesses passwords, or the hashes cost more than the machine has: limit the rate \
         in front of `basic_auth`, or lower their cost.",
    ),
    (Reason::TokenMalformed, "The client has to send one compact JWS (RFC 7515)."),
    (
        Reason::TokenRepeated,
        "The client has to send one token, at one of the places that `token_from` lists.",
    ),
    (
        Reason::TokenAlgorithm,
        "Name the algorithm in `algorithms` if tokens of this kind are meant to pass.",
    ),
    (
        Reason::TokenKeyUnknown,
        "The key was rotated away, or the token is of another issuer. The key set is fetched anew \
         for an unknown key, within a bound.",
    ),
    (Reason::TokenSignature, "The token was changed, or signed with another key."),
    (
        Reason::TokenExpired,
        "The client has to fetch a new one; where clocks differ, raise `leeway`.",
    ),
    (
        Reason::TokenExpiryMissing,
        "The token's issuer has to put `exp` in; `require_exp = false` lets tokens pass for ever.",
    ),
    (Reason::TokenEarly, "Where clocks differ, raise `leeway`."),
    (Reason::TokenIssuer, "Compare the token's `iss` with `issuer`, letter by letter."),
    (Reason::TokenAudience, "Compare the token's `aud` with `audience`."),
    (
        Reason::TokenClaimMissing,
        "`required_claims` says which; the token's issuer has to put it in.",
    ),
    (
        Reason::ScopeMissing,
        "`required_scopes` says which; the client has to ask its issuer for it.",
    ),
    (Reason::KeysUnavailable, "See the log for why it cannot be fetched."),
    (Reason::ForwardDenied, "See that server's log."),
    (
        Reason::ForwardFailed,
        "See whether it runs at the filter's `url` and answers within `timeout`.",
    ),
    (
        Reason::ForwardUndecided,
        "See that server's log: 2xx, 3xx, 401 and 403 are decisions. `FRYS_LOG=debug` tells the \
         status of each answer.",
    ),
    (
        Reason::RbacDenied,
        "`rule` of the access log says which one denied it; without one none allowed it.",
    ),
    (Reason::CorsDenied, "Add the origin, the method or the field to the route's `cors`."),
    (Reason::PreflightAnswered, "Nothing."),
    (Reason::FilterReplied, "Nothing: `filter` of the access log says which."),
    (Reason::FilterRefused, "`filter` of the access log says which."),
    (Reason::FilterFailed, "`filter` of the access log says which; see the log."),
    (Reason::BodyNotBuffered, "Raise the filter's `buffer`."),
    (
        Reason::AnswerNotBuffered,
        "Raise the filter's `buffer`, or take the filter out of this route.",
    ),
    (
        Reason::BodyUnreadable,
        "The client has to send JSON, without a `Content-Encoding`; or set the filter's \
         `on_error = \"pass\"`.",
    ),
    (
        Reason::AnswerUnreadable,
        "Let the upstream answer without a `Content-Encoding`, or set the filter's \
         `on_error = \"pass\"`.",
    ),
    (
        Reason::HeldBodiesFull,
        "Lower the `buffer` of filters, or let fewer routes change bodies: a worker holds 64 MiB \
         of them.",
    ),
    (Reason::KeepAliveTimeout, "Nothing."),
    (
        Reason::RequestMalformed,
        "Look at what the client sends: `$request` of the access log is its first line as it \
         came.",
    ),
    (
        Reason::FramingInvalid,
        "Mend the client. This is never let through: two readers of such a request would see two \
         requests.",
    ),
    (
        Reason::HostInvalid,
        "Mend the client: exactly one `Host` that is a name or an address, with or without a \
         port.",
    ),
    (
        Reason::SchemeUnsupported,
        "The client takes the gateway for a forward proxy, which it is not.",
    ),
    (Reason::RequestLineTooLong, "Raise `limits.request_line`, if such long URLs are meant."),
    (
        Reason::FieldsTooLarge,
        "Raise `limits.fields` or `limits.fields_size`; most often cookies have piled up.",
    ),
    (
        Reason::BodyTooLarge,
        "Raise the route's `max_body` or `limits.body`, if such uploads are meant.",
    ),
    (
        Reason::ChunkInvalid,
        "Mend the client, or raise `limits.chunk_extension` or `limits.trailers`.",
    ),
    (Reason::VersionUnsupported, "The client must speak HTTP/1.0 or 1.1."),
    (Reason::MethodUnsupported, "`CONNECT` and methods longer than 24 bytes are not served."),
    (Reason::CodingUnsupported, "The client must send its body `chunked` or with a length."),
    (Reason::ExpectationFailed, "The client must send no `Expect` but `100-continue`."),
    (
        Reason::ClientHeaderTimeout,
        "Raise `timeouts.client_header` for slow clients; many at once are an attack.",
    ),
    (Reason::ClientBodyTimeout, "Raise `timeouts.client_body_idle` for slow uploads."),
    (
        Reason::ClientClosed,
        "Nothing, or look at why clients lose patience: `request_time` of the access log says \
         when they do.",
    ),
    (
        Reason::ClientWriteTimeout,
        "Raise `timeouts.client_body_idle` for clients that read with long pauses.",
    ),
    (
        Reason::PathMalformed,
        "Mend the client: `%` needs two hexadecimal digits, and `..` a segment before it.",
    ),
    (
        Reason::PathEncodedSlash,
        "Where the upstream takes `%2F` for data, set `path_policy.encoded_slash = \"keep\"` on \
         the route; where it takes it for a slash, `\"decode\"`.",
    ),
    (
        Reason::PathBackslash,
        "Where the upstream takes a backslash for data, set `path_policy.backslash = \"keep\"` on \
         the route; where it takes it for a slash, `\"decode\"`.",
    ),
    (Reason::PathNul, "`path_policy.nul = \"keep\"` lets it through; hardly anybody means it."),
    (
        Reason::PathDoubleEncoded,
        "Where the upstream decodes once, `path_policy.double_encoding = \"keep\"` on the route \
         is safe.",
    ),
    (
        Reason::PathDotSegments,
        "Mend the client, or set `path_policy.dot_segments = \"resolve\"` on the route. Of a \
         rewrite no policy takes them: `frys explain` says what it came to.",
    ),
    (
        Reason::PathRepeatedSlashes,
        "Mend the client, or set `path_policy.repeated_slashes` to `\"merge\"` or `\"keep\"` on \
         the route.",
    ),
    (
        Reason::PathDotParameter,
        "Where no upstream is a servlet container, `path_policy.dot_parameter = \"keep\"` on the \
         route is safe.",
    ),
    (
        Reason::NotAcceptable,
        "Look at the client's `Accept`, and at what the routes of the path produce (`produces`).",
    ),
    (
        Reason::VersionGone,
        "The client must ask for a newer version; `after_sunset = \"serve\"` lets it live on.",
    ),
    (
        Reason::RouteNotFound,
        "`frys explain --config FILE 'GET URL'` says why each route was turned away.",
    ),
    (
        Reason::MethodNotAllowed,
        "Add the method to the route's `methods`; `Allow` of the answer lists those there are.",
    ),
    (
        Reason::NoEndpoint,
        "Every endpoint was tried, or has weight 0: see the upstreams in `/stats`.",
    ),
    (
        Reason::UpstreamUnresolved,
        "Ask the name server for the upstream's name: `names` in `/stats` has what it said.",
    ),
    (
        Reason::UpstreamConnectionsFull,
        "Raise `max_connections` of the cluster, or find out why its upstreams are slow.",
    ),
    (Reason::ConnectionsFull, "Raise `connection_limits.max_connections`."),
    (Reason::Draining, "Nothing: the gateway is being stopped."),
    (
        Reason::ConnectRefused,
        "Nobody listens at the upstream's address: see whether it runs, and on this port.",
    ),
    (
        Reason::ConnectFailed,
        "The upstream's machine cannot be reached: look at addresses, routes and firewalls.",
    ),
    (
        Reason::ConnectTimeout,
        "The upstream's machine drops packets or is overloaded; `timeouts.connect` is the limit.",
    ),
    (
        Reason::UpstreamReset,
        "Look into the upstream's log: it most likely crashed or closed with unread bytes.",
    ),
    (
        Reason::UpstreamClosed,
        "Look into the upstream's log; if it happens after idle time, lower `pool.idle_timeout` \
         below the upstream's.",
    ),
    (Reason::UpstreamMalformed, "Mend the upstream's answer."),
    (
        Reason::UpstreamFramingInvalid,
        "Mend the upstream's answer: one `Content-Length`, or `chunked`, not both.",
    ),
    (
        Reason::UpstreamHeadTooLarge,
        "Raise `limits.fields` or `limits.fields_size`, which hold for answers too.",
    ),
    (
        Reason::FirstByteTimeout,
        "The upstream is slow: raise `timeouts.first_byte` of the route or cluster, if it may be.",
    ),
    (
        Reason::UpstreamIdleTimeout,
        "Raise `timeouts.upstream_idle` for answers with long pauses, such as event streams.",
    ),
    (Reason::TotalTimeout, "Raise `timeouts.total` of the route or cluster."),
];

const GROUPS: [(Blame, &str); 4] = [
    (Blame::Nobody, "\n## Nobody's doing\n"),
    (Blame::Client, "\n## The client's doing\n"),
    (Blame::Gateway, "\n## The gateway's doing\nBy its configuration or its limits.\n\n"),
    (Blame::Upstream, "\n## The upstream's doing\n"),
];

const INTRODUCTION: &str = include_str!("reasons.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_in_the_document_once() {
        let text = document();
        for reason in Reason::ALL {
            let row = format!("| `{}` | ", reason.label());
            assert_eq!(text.matches(&row).count(), 1, "{row}");
        }
    }

    #[test]
    fn every_reason_says_what_it_means_and_what_to_do() {
        for &reason in Reason::ALL {
            for text in [reason.meaning(), remedy(reason)] {
                assert!(text.ends_with('.'), "{}: {text}", reason.label());
                assert!(!text.contains('|'), "{}: {text}", reason.label());
            }
        }
    }
}
