//! Decisions of Kubernetes role-based access control.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Flaw, list, same};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    user: String,
    groups: Vec<String>,
    verb: String,
    group: String,
    resource: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    path: Option<String>,
    decision: Value,
}

/// Compares with everything that could be said: each rule that matches, of each binding that reaches the user.
pub(crate) fn check(state: &Value, proof: &Proof) -> Result<bool, Flaw> {
    let grounds: Vec<_> = list(&state["bindings"]).iter().flat_map(|one| grounds(state, proof, one)).collect();
    let facts = match grounds.first() {
        _ if proof.groups.iter().any(|group| group == "system:masters") => json!({"allowed": "masters"}),
        Some(first) => grounds.iter().find(|one| proof.decision == **one).unwrap_or(first).clone(),
        None => json!({"denied": {"namespace": proof.scope(), "needs": proof.needs()}}),
    };
    same(&proof.decision, &facts)
}

fn grounds(state: &Value, proof: &Proof, binding: &Value) -> Vec<Value> {
    let (everywhere, home) = (binding["kind"] == "ClusterRoleBinding", &binding["namespace"]);
    let role = list(&state["roles"]).iter().find(|role| {
        let usable = role["kind"] == "ClusterRole" || (!everywhere && role["namespace"] == *home);
        usable && json!({"kind": role["kind"], "name": role["name"]}) == binding["role"]
    });
    let reached = everywhere || (home.is_string() && *home == json!(proof.scope()));
    let mut rules = role.filter(|_| reached).map_or(vec![], |role| rules(state, role));
    rules.retain(|rule| proof.matches(&rule["rule"], everywhere));
    let name = json!({"kind": binding["kind"], "namespace": home, "name": binding["name"]});
    let subjects = list(&binding["subjects"]).iter().filter(|subject| proof.is(subject));
    let bound = |subject, rule| json!({"binding": name, "subject": subject, "role": binding["role"], "rule": rule});
    let grounds = subjects.flat_map(|subject| rules.iter().map(|rule| bound(subject, rule)).collect::<Vec<_>>());
    grounds.map(|bound| json!({"allowed": {"bound": bound}})).collect()
}

/// The rules of a role, each with its position, and with the cluster role that it was aggregated from.
fn rules(state: &Value, role: &Value) -> Vec<Value> {
    let (mut roles, mut at) = (vec![role], 0);
    while let Some(selects) = roles.get(at).map(|role| list(&role["selects"])) {
        let selected = |one: &&Value| one["kind"] == "ClusterRole" && selects.contains(&one["name"]);
        let more = list(&state["roles"]).iter().filter(selected).filter(|one| !roles.contains(one));
        roles.extend(more.collect::<Vec<_>>());
        at += 1;
    }
    let written = roles.iter().filter(|role| role["selects"].is_null());
    let numbered = written.flat_map(|role| list(&role["rules"]).iter().enumerate().map(move |rule| (role, rule)));
    let source = |from: &Value| (from != role).then(|| from["name"].clone());
    numbered.map(|(from, (index, rule))| json!({"source": source(from), "index": index, "rule": rule})).collect()
}

impl Proof {
    /// The namespace that the request is inside of. One Namespace object is inside itself.
    fn scope(&self) -> Option<&str> {
        let kind = self.resource.as_deref().and_then(|kind| kind.split('/').next());
        let itself = self.group.is_empty() && kind == Some("namespaces");
        self.namespace.as_deref().or(self.name.as_deref().filter(|_| itself))
    }

    /// Whether a subject of a binding is the user.
    fn is(&self, subject: &Value) -> bool {
        let (kind, name) = (&subject["kind"], subject["name"].as_str().unwrap_or_default());
        let account = format!("system:serviceaccount:{}:{name}", subject["namespace"].as_str().unwrap_or_default());
        let user = self.user == if kind == "ServiceAccount" { &account } else { name };
        if kind == "Group" { self.groups.iter().any(|group| group == name) } else { user }
    }

    fn matches(&self, rule: &Value, everywhere: bool) -> bool {
        let has = |field: &str, one: &str| list(&rule[field]).iter().any(|entry| entry == one);
        let any = |field: &str, one: &str| has(field, "*") || has(field, one);
        let starts = |url: &str, path: &str| url.ends_with('*') && path.starts_with(url.trim_end_matches('*'));
        let mut urls = list(&rule["nonResourceURLs"]).iter().filter_map(Value::as_str);
        let name = self.name.as_deref().unwrap_or_default();
        let named = list(&rule["resourceNames"]).is_empty() || has("resourceNames", name);
        let below = |kind: &str| kind.split_once('/').is_some_and(|(_, sub)| has("resources", &format!("*/{sub}")));
        let about = match (&self.resource, &self.path) {
            (None, Some(path)) => everywhere && urls.any(|url| url == path || starts(url, path)),
            (Some(kind), None) => named && any("apiGroups", &self.group) && (any("resources", kind) || below(kind)),
            _ => false,
        };
        about && any("verbs", &self.verb)
    }

    /// The rule that allows exactly this request; nothing for a request that none can match.
    fn needs(&self) -> Option<Value> {
        let (kind, name, path) = (self.resource.as_slice(), self.name.as_slice(), self.path.as_slice());
        let group = if kind.is_empty() { &[] } else { std::slice::from_ref(&self.group) };
        let mut rule = json!({"verbs": [self.verb], "apiGroups": group, "resources": kind, "resourceNames": name});
        rule["nonResourceURLs"] = json!(path);
        rule.as_object_mut()?.retain(|_, all| !list(all).is_empty());
        (kind.len() != path.len()).then_some(rule)
    }
}
