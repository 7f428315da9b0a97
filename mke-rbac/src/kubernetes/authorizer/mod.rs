//! Decides whether anything allows a request (R80 to R85, R89, R90): roles and bindings, compiled.
//!
//! Bindings lie under the subjects that they name, in the cluster or in a namespace; roles are packed once and
//! shared by their bindings. A decision looks up the user and each group, and searches only what those hold. A
//! change copies what it touches and shares the rest, so that snapshots are cheap and readers never wait.

mod asked;
mod change;
mod held;
mod index;
mod names;
mod packed;
mod roles;
mod subjects;

use std::sync::Arc;

use imbl::OrdMap;
use rustc_hash::{FxBuildHasher, FxHashSet};

use super::change::{BindingKey, RoleKey};
use super::evidence::{KubernetesDecision, KubernetesDenial, KubernetesEvidence, RuleEvidence};
use super::model::{Binding, BindingKind, KubernetesRole, Rbac, Request, Rule};
use super::who_can::KubernetesWhoCan;
use asked::{Asked, What, hash};
use held::{Holds, Stored};
use names::Names;
use roles::Roles;
use subjects::{Sort, Subjects, Whom, within};

/// A map that shares structure with its clones.
type Map<K, V> = imbl::GenericHashMap<K, V, FxBuildHasher, imbl::shared_ptr::DefaultSharedPtr>;

/// So many groups of one request are looked up together.
const TOGETHER: usize = 6;

/// The group whose members pass everything (R90).
pub const MASTERS: &str = "system:masters";

/// Roles and bindings, ready for questions. Cheap to clone; it never changes.
///
/// ```
/// use mke_rbac::kubernetes::{Authorizer, BindingKey, BindingKind, KubernetesChange, Rbac, Request};
///
/// let mut rbac = Rbac::bootstrap();
/// rbac.bindings.extend(serde_json::from_str::<Vec<_>>(r#"[
///     {"kind": "RoleBinding", "namespace": "blue", "name": "jane-views",
///      "role": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "User", "name": "jane"}]}
/// ]"#)?);
/// let authorizer = Authorizer::compile(&rbac);
///
/// let get = |resource: &str| Request {
///     user: "jane".into(),
///     verb: "get".into(),
///     resource: Some(resource.into()),
///     namespace: Some("blue".into()),
///     ..Request::default()
/// };
/// let pods = get("pods");
/// let decision = authorizer.decide(&pods);
/// assert_eq!(
///     decision.evidence().unwrap().to_string(),
///     "RoleBinding blue/jane-views gives ClusterRole view to User jane \
///      (rule 1 of ClusterRole system:aggregate-to-view)",
/// );
/// let secrets = get("secrets");
/// assert_eq!(
///     authorizer.decide(&secrets).denial().unwrap().to_string(),
///     r#"user "jane" cannot get resource "secrets" in API group "" in the namespace "blue""#,
/// );
///
/// let key = BindingKey { kind: BindingKind::RoleBinding, namespace: Some("blue".into()), name: "jane-views".into() };
/// let later = authorizer.with(&KubernetesChange::RemoveBinding(key));
/// assert!(!later.allows(&pods));
/// assert!(authorizer.allows(&pods), "the old snapshot stays as it was");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Authorizer {
    roles: Roles,
    subjects: Subjects,
    bindings: OrdMap<u64, Arc<Stored>>,
    names: Names,
    /// The number of the next binding.
    next: u64,
}

impl Authorizer {
    /// Compiles roles and bindings. A reference to a missing role gives nothing. Of two roles with the same kind,
    /// namespace and name the first one counts, and so it is with bindings that have names.
    pub fn compile(rbac: &Rbac) -> Self {
        let subjects = rbac.bindings.iter().map(|binding| binding.subjects.len());
        let mut compiled = Self {
            subjects: Subjects::with_capacity(subjects.sum()),
            ..Self::default()
        };
        for role in &rbac.roles {
            compiled.roles.load(role);
        }
        compiled.roles.resolve_all();
        for binding in &rbac.bindings {
            let taken = binding.key().is_some_and(|key| compiled.number(&key).is_some());
            if !taken {
                compiled.put_binding(binding);
            }
        }
        compiled
    }

    /// The roles and bindings, as data.
    pub fn to_rbac(&self) -> Rbac {
        Rbac {
            roles: self.roles().cloned().collect(),
            bindings: self.bindings().cloned().collect(),
        }
    }

    /// Every role.
    pub fn roles(&self) -> impl Iterator<Item = &KubernetesRole> {
        self.roles.iter().map(|role| &**role.role())
    }

    /// Every binding.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.values().map(|stored| &stored.binding)
    }

    /// The role with this key.
    pub fn role(&self, key: &RoleKey) -> Option<&KubernetesRole> {
        self.roles.get(key).map(|role| &**role.role())
    }

    /// The binding with this key.
    pub fn binding(&self, key: &BindingKey) -> Option<&Binding> {
        let stored = self.bindings.get(&self.number(key)?)?;
        Some(&stored.binding)
    }

    /// The number of the binding with this key.
    fn number(&self, key: &BindingKey) -> Option<u64> {
        self.names.get(key, |number| {
            let stored = self.bindings.get(&number);
            stored.is_some_and(|stored| stored.binding.has_key(key))
        })
    }

    /// The rules that a role gives, each with the role in which it is written. For an aggregated cluster role
    /// those are the rules of the roles that it selects, which may be aggregated in turn (R85). None when there
    /// is no such role.
    pub fn rules_of(&self, key: &RoleKey) -> Option<Vec<(&KubernetesRole, &Rule)>> {
        let rules = self.roles.get(key)?.rules();
        Some(rules.map(|(block, _, rule)| (block.role(), rule)).collect())
    }

    /// Whether anything allows the request. Allocates nothing.
    pub fn allows(&self, request: &Request) -> bool {
        is_master(&request.groups) || self.evidence(request).is_some()
    }

    /// Whether anything allows the request, and what. Costs what [`Authorizer::allows`] costs.
    pub fn decide<'a>(&'a self, request: &'a Request) -> KubernetesDecision<'a> {
        if is_master(&request.groups) {
            return KubernetesDecision::Allowed(KubernetesEvidence::Masters);
        }
        match self.evidence(request) {
            Some(evidence) => KubernetesDecision::Allowed(KubernetesEvidence::Rule(evidence)),
            None => KubernetesDecision::Denied(KubernetesDenial { request }),
        }
    }

    /// A rule that allows the request, without a look at `system:masters`.
    pub(super) fn evidence(&self, request: &Request) -> Option<RuleEvidence<'_>> {
        let asked = Asked::new(request)?;
        let namespace = match asked.what {
            // Rules about URLs hold in the cluster only (R84).
            What::Url(_) => None,
            What::Resource(_) => request.scope(),
        };
        let namespace = namespace.map(|namespace| (namespace, hash(namespace)));
        let groups = request.groups.iter().map(|group| Whom::new(Sort::Group, group));
        let mut all = std::iter::once(Whom::new(Sort::User, &request.user)).chain(groups);
        // Many have what they ask for themselves, so the user goes first. The places of groups are looked up before
        // anything that is held there is looked at, so that their lines of the cache are waited for together.
        let mut together = [const { (None, None) }; TOGETHER];
        let mut size = 1;
        loop {
            let mut names = all.clone();
            let mut count = 0;
            for (found, whom) in together.iter_mut().take(size).zip(&mut all) {
                let place = whom.place();
                let local = namespace.and_then(|(_, hash)| self.subjects.at(within(place, hash)));
                *found = (self.subjects.at(place), local);
                count += 1;
            }
            for ((cluster, local), whom) in together.iter().take(count).zip(&mut names) {
                let found = cluster.and_then(|holds| holds.find(&whom, &asked, true, &self.roles));
                let found = found.or_else(|| {
                    let (whom, holds) = (whom.within(namespace?.0), (*local)?);
                    holds.find(&whom, &asked, false, &self.roles)
                });
                if found.is_some() {
                    return found;
                }
            }
            if count < size {
                return None;
            }
            size = TOGETHER;
        }
    }

    /// Whom bindings allow the request; its user and groups are ignored. Members of `system:masters` may always.
    pub fn who_can<'a>(&'a self, request: &Request) -> KubernetesWhoCan<'a> {
        let mut found = KubernetesWhoCan::default();
        let Some(asked) = Asked::new(request) else {
            return found;
        };
        let scope = match asked.what {
            // Rules about URLs hold in the cluster only (R84).
            What::Url(_) => None,
            What::Resource(_) => request.scope(),
        };
        for (role, block, rule, bindings) in self.roles.allowing(&asked, scope.map(hash)) {
            for stored in bindings {
                let local = stored.binding.kind == BindingKind::RoleBinding;
                if local && (scope.is_none() || stored.binding.namespace.as_deref() != scope) {
                    continue;
                }
                let subjects = 0..stored.binding.subjects.len();
                let held =
                    subjects.filter_map(|subject| role.evidence(&stored.binding, subject, block, rule));
                held.for_each(|evidence| found.add(evidence));
            }
        }
        found
    }

    /// Every rule that somebody holds in a namespace, or in the whole cluster, each once: what `can-i --list`
    /// shows. Membership in `system:masters` adds none.
    pub fn rules_for(&self, user: &str, groups: &[String], namespace: Option<&str>) -> Vec<&Rule> {
        let mut seen = FxHashSet::default();
        let mut rules: Vec<&Rule> = Vec::new();
        for evidence in self.held_rules(user, groups, namespace) {
            if seen.insert(std::ptr::from_ref(evidence.rule)) {
                rules.push(evidence.rule);
            }
        }
        rules
    }

    /// Every rule that somebody holds in a namespace, or in the whole cluster, with each way by which it is held.
    /// Membership in `system:masters` adds none.
    pub fn held_rules(
        &self,
        user: &str,
        groups: &[String],
        namespace: Option<&str>,
    ) -> Vec<RuleEvidence<'_>> {
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        let groups = groups.iter().map(|group| Whom::new(Sort::Group, group));
        let everywhere = [Whom::new(Sort::User, user)].into_iter().chain(groups);
        let places = everywhere.flat_map(|whom| {
            let local = namespace.map(|namespace| whom.within(namespace));
            [Some(whom), local].into_iter().flatten()
        });
        let mut held = Vec::new();
        for whom in places {
            for hold in self.subjects.at(whom.place()).into_iter().flat_map(Holds::iter) {
                let Some(role) = self.roles.compiled(hold.role) else {
                    continue;
                };
                let rules = role.rules();
                let evidence = rules.filter_map(|(block, rule, _)| hold.evidence(role, block, rule));
                held.extend(evidence.filter(|evidence| whom.is(evidence.binding, evidence.subject)));
            }
        }
        held
    }
}

fn is_master(groups: &[String]) -> bool {
    groups.iter().any(|group| group == MASTERS)
}
