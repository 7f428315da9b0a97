//! Decides nothing: a request in the form in which rules are searched for it, made once for each request.
//!
//! Texts become hashes. A hash only says that two texts may be equal; the texts themselves are compared before
//! anything is allowed.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::kubernetes::matching::ALL;
use crate::kubernetes::model::{Request, present};

/// Verbs with a bit of their own. All others share [`OTHER_VERB`].
const VERBS: [&str; 18] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "approve",
    "sign",
    "proxy",
    "head",
    "post",
    "put",
];

/// The bit of every verb that has none of its own.
pub(super) const OTHER_VERB: u64 = 1 << 62;

/// The bits of a star.
pub(super) const EVERYTHING: u64 = u64::MAX;

/// The bit of a verb.
pub(super) fn verb_bit(verb: &str) -> u64 {
    match VERBS.iter().position(|known| *known == verb) {
        Some(position) => 1 << position,
        None => OTHER_VERB,
    }
}

/// The hash of a text.
#[inline]
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// One of 64 bits for a hash: sets of hashes are prefiltered by the union of their bits.
pub(super) const fn filter_bit(hash: u64) -> u64 {
    1 << (hash >> 58)
}

/// The hash of a resource with its subresource, however the two are split: that of the parts before the first
/// and behind the last slash.
pub(super) fn resource_hash(resource: &str, subresource: Option<&str>) -> u64 {
    let first = resource.split_once('/').map_or(resource, |(first, _)| first);
    let last = match subresource {
        Some(subresource) => Some(subresource.rsplit_once('/').map_or(subresource, |(_, last)| last)),
        None => resource.rsplit_once('/').map(|(_, last)| last),
    };
    match last {
        None => hash(first),
        Some(last) => hash(first).rotate_left(25) ^ hash(last).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}

/// A request with its hashes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'r> {
    pub(super) request: &'r Request,
    /// The bit of the verb.
    pub(super) verb: u64,
    pub(super) what: What<'r>,
}

/// What a request is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum What<'r> {
    Url(&'r str),
    Resource(Resource<'r>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Resource<'r> {
    pub(super) resource: &'r str,
    pub(super) subresource: Option<&'r str>,
    pub(super) group: u64,
    pub(super) hash: u64,
    /// The hash of `*/subresource`.
    pub(super) of_any: Option<u64>,
    /// The filter bits of the hashes; those of groups and resources are separate sets.
    pub(super) group_filter: u64,
    pub(super) filter: u64,
}

impl<'r> Asked<'r> {
    /// None when no rule can allow the request, because it is about nothing, or about a resource and a URL.
    pub(super) fn new(request: &'r Request) -> Option<Self> {
        let what = match (&request.path, &request.resource) {
            (Some(path), None) => What::Url(path),
            (None, Some(resource)) => {
                let subresource = present(&request.subresource);
                let group = hash(&request.group);
                let hash = resource_hash(resource, subresource);
                let of_any = subresource.map(|_| resource_hash(ALL, subresource));
                What::Resource(Resource {
                    resource,
                    subresource,
                    group,
                    hash,
                    of_any,
                    group_filter: filter_bit(group),
                    filter: filter_bit(hash) | of_any.map_or(0, filter_bit),
                })
            }
            _ => return None,
        };
        Some(Self {
            request,
            verb: verb_bit(&request.verb),
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash does not depend on where a resource is split, and the subresource counts.
    #[test]
    fn resources_hash_alike_however_they_are_split() {
        assert_eq!(
            resource_hash("pods/log", None),
            resource_hash("pods", Some("log"))
        );
        assert_eq!(resource_hash("a/b/c", None), resource_hash("a", Some("b/c")));
        assert_eq!(resource_hash("a/b", Some("c")), resource_hash("a", Some("b/c")));
        assert_ne!(resource_hash("pods", None), resource_hash("pods", Some("log")));
        assert_ne!(
            resource_hash("pods", Some("log")),
            resource_hash("log", Some("pods"))
        );
    }

    /// No verb but the star has all bits.
    #[test]
    fn verbs_have_bits() {
        let mut seen = OTHER_VERB;
        for verb in VERBS {
            assert_eq!(seen & verb_bit(verb), 0, "{verb}");
            seen |= verb_bit(verb);
        }
        assert_eq!(verb_bit("GET"), OTHER_VERB);
        assert_ne!(seen, EVERYTHING);
    }
}
