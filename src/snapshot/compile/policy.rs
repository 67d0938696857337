//! What becomes of ambiguous paths: the route's word, else the gateway's, else the strict one.

use crate::config::{Ambiguous, PathPolicy};
use crate::router::path::{Ambiguities, Ambiguity, Policy};

/// The policy of a route below the gateway's.
pub(super) fn policy(route: &PathPolicy, gateway: &PathPolicy) -> Policy {
    let mut policy = Policy {
        reject: Ambiguities::of(&[Ambiguity::HiddenDots]),
        decode: Ambiguities::NONE,
        resolve: Ambiguities::NONE,
    };
    let reject = Ambiguous::Reject;
    let encoded_slash = route.encoded_slash.or(gateway.encoded_slash).unwrap_or(reject);
    let backslash = route.backslash.or(gateway.backslash).unwrap_or(reject);
    let nul = route.nul.or(gateway.nul).unwrap_or(reject);
    let double_encoding = route.double_encoding.or(gateway.double_encoding).unwrap_or(reject);
    let dot_parameter = route.dot_parameter.or(gateway.dot_parameter).unwrap_or(reject);
    let dot_segments = route.dot_segments.or(gateway.dot_segments);
    let repeated_slashes = route.repeated_slashes.or(gateway.repeated_slashes);
    for (ambiguity, wanted) in [
        (Ambiguity::EncodedSlash, encoded_slash),
        (Ambiguity::Backslash, backslash),
        (Ambiguity::Nul, nul),
        (Ambiguity::DoubleEncoding, double_encoding),
        (Ambiguity::DotParameter, dot_parameter),
        (Ambiguity::DotSegments, dot_segments.unwrap_or(Ambiguous::Resolve)),
        (Ambiguity::RepeatedSlashes, repeated_slashes.unwrap_or(Ambiguous::Resolve)),
    ] {
        set(&mut policy, ambiguity, wanted);
    }
    policy
}

/// What an ambiguity cannot be is refused by `config`; it would be rejected here.
fn set(policy: &mut Policy, ambiguity: Ambiguity, wanted: Ambiguous) {
    let is_slash = matches!(ambiguity, Ambiguity::EncodedSlash | Ambiguity::Backslash);
    let is_resolved = matches!(ambiguity, Ambiguity::DotSegments | Ambiguity::RepeatedSlashes);
    match wanted {
        Ambiguous::Decode if is_slash => policy.decode.insert(ambiguity),
        Ambiguous::Resolve if is_resolved => policy.resolve.insert(ambiguity),
        Ambiguous::Keep if ambiguity != Ambiguity::DotSegments => {}
        Ambiguous::Reject | Ambiguous::Keep | Ambiguous::Decode | Ambiguous::Resolve => {
            policy.reject.insert(ambiguity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::path::{Forward, Judgement};

    #[test]
    fn what_nobody_says_is_strict() {
        assert_eq!(policy(&PathPolicy::default(), &PathPolicy::default()), Policy::STRICT);
    }

    #[test]
    fn the_route_goes_before_the_gateway_key_by_key() {
        let gateway = PathPolicy {
            encoded_slash: Some(Ambiguous::Keep),
            nul: Some(Ambiguous::Keep),
            repeated_slashes: Some(Ambiguous::Reject),
            ..PathPolicy::default()
        };
        let route = PathPolicy {
            encoded_slash: Some(Ambiguous::Decode),
            repeated_slashes: Some(Ambiguous::Keep),
            ..PathPolicy::default()
        };
        let judge = |policy: Policy, ambiguity| policy.judge(Ambiguities::of(&[ambiguity]));
        let slash = Ambiguities::of(&[Ambiguity::EncodedSlash]);
        let of_route = policy(&route, &gateway);
        assert_eq!(judge(of_route, Ambiguity::EncodedSlash), Judgement::Decode(slash));
        assert_eq!(judge(of_route, Ambiguity::Nul), Judgement::Pass(Forward::Raw));
        assert_eq!(judge(of_route, Ambiguity::RepeatedSlashes), Judgement::Pass(Forward::Raw));
        let of_gateway = policy(&PathPolicy::default(), &gateway);
        assert_eq!(judge(of_gateway, Ambiguity::EncodedSlash), Judgement::Pass(Forward::Raw));
        let refused = Judgement::Reject(Ambiguity::RepeatedSlashes);
        assert_eq!(judge(of_gateway, Ambiguity::RepeatedSlashes), refused);
    }

    #[test]
    fn what_an_ambiguity_cannot_be_is_refused() {
        let wrong = PathPolicy {
            nul: Some(Ambiguous::Decode),
            dot_segments: Some(Ambiguous::Keep),
            double_encoding: Some(Ambiguous::Resolve),
            ..PathPolicy::default()
        };
        let policy = policy(&wrong, &PathPolicy::default());
        for ambiguity in [Ambiguity::Nul, Ambiguity::DotSegments, Ambiguity::DoubleEncoding] {
            let judged = policy.judge(Ambiguities::of(&[ambiguity]));
            assert_eq!(judged, Judgement::Reject(ambiguity));
        }
    }
}
