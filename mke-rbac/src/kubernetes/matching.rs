//! Decides whether one rule allows one request (R81, R83, R84). Who holds the rule is not looked at.
//!
//! These comparisons have the last word: the indexes of the compiled snapshot only choose which rules come here.

use super::model::{Request, Rule, present};

/// Stands for every verb, API group, resource or URL.
pub(super) const ALL: &str = "*";

impl Rule {
    /// Whether the rule allows what the request does. URLs are only allowed by rules that a cluster role binding
    /// gives (R84); `with_urls` says whether one does.
    ///
    /// ```
    /// use mke_rbac::kubernetes::{Request, Rule};
    /// let rule: Rule = serde_json::from_str(r#"{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}"#)?;
    /// let get = Request { verb: "get".into(), resource: Some("pods".into()), ..Request::default() };
    /// assert!(rule.allows(&get, false));
    /// let log = Request { subresource: Some("log".into()), ..get };
    /// assert!(!rule.allows(&log, false), "a subresource is a resource of its own");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn allows(&self, request: &Request, with_urls: bool) -> bool {
        if !holds(&self.verbs, &request.verb) {
            return false;
        }
        match (&request.path, &request.resource) {
            (Some(path), None) => with_urls && self.non_resource_urls.iter().any(|url| url_covers(url, path)),
            (None, Some(resource)) => {
                let subresource = present(&request.subresource);
                holds(&self.api_groups, &request.group)
                    && self
                        .resources
                        .iter()
                        .any(|entry| resource_matches(entry, resource, subresource))
                    && name_matches(&self.resource_names, request)
            }
            _ => false,
        }
    }
}

/// Whether a list of verbs or API groups holds one.
fn holds(allowed: &[String], wanted: &str) -> bool {
    allowed.iter().any(|item| item == ALL || item == wanted)
}

/// Whether an entry of `resources` means this resource: `pods`, `pods/log`, `*/scale` or `*` (R81).
pub(super) fn resource_matches(entry: &str, resource: &str, subresource: Option<&str>) -> bool {
    if entry == ALL {
        return true;
    }
    let Some(subresource) = subresource else {
        return entry == resource;
    };
    let of = |entry: &str, resource: &str| {
        let rest = entry.strip_prefix(resource);
        rest.and_then(|rest| rest.strip_prefix('/')) == Some(subresource)
    };
    of(entry, resource) || of(entry, ALL)
}

/// Whether a rule with these `resourceNames` reaches the named object. A request without a name, such as a plain
/// list, is reached by rules without names only (R83).
pub(super) fn name_matches(names: &[String], request: &Request) -> bool {
    let wanted = request.name.as_deref().unwrap_or_default();
    names.is_empty() || names.iter().any(|name| name == wanted)
}

/// Whether an entry of `nonResourceURLs` means this path. Stars at the end stand for any rest, stars elsewhere
/// for themselves (R84).
pub(super) fn url_covers(entry: &str, path: &str) -> bool {
    entry == path || entry.ends_with('*') && path.starts_with(entry.trim_end_matches('*'))
}
