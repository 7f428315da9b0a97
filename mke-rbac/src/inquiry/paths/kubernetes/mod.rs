//! Ways to root through Kubernetes: a search, breadth first, over the identities that somebody can take on.

mod writes;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::{EscalationPath, PathNeed, PathOutcome, PathStep, Paths, PodAdmission};
use crate::inquiry::directory::{Directory, Identity};
use crate::inquiry::log::KubernetesUse;
use crate::inquiry::{InquiryError, Scene};
use crate::kubernetes::identity::{AUTHENTICATED, split_service_account};
use crate::kubernetes::{
    Authorizer, BindingKind, BindingSubject, KubernetesEvidence, KubernetesRole, MASTERS, Request, RoleKind,
    Rule,
};

/// Longest way that is searched for.
const MAX_STEPS: usize = 5;

/// Most ways of one subject.
const MAX_PATHS: usize = 10;

/// Means any namespace, where a right holds in all of them.
const ANY: &str = "any";

/// What starts pods: group and resource, the pods themselves first.
const WORKLOADS: [(&str, &str); 8] = [
    ("", "pods"),
    ("apps", "deployments"),
    ("apps", "daemonsets"),
    ("apps", "statefulsets"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
    ("", "replicationcontrollers"),
];

/// Attributes of pods with which one is as good as root on its node.
const STRONG: [&str; 3] = ["privileged", "hostBindMounts", "kernelCapabilities"];

/// The ways of every subject that is meant, by name.
pub(super) fn search(
    scene: &Scene<'_>,
    asked: &Paths,
) -> Result<Vec<(String, Vec<EscalationPath>)>, InquiryError> {
    if scene.kubernetes().bindings.is_empty() {
        return Ok(Vec::new());
    }
    let cluster = Cluster::new(scene, &asked.admission);
    let mut known: BTreeMap<Vec<String>, Vec<EscalationPath>> = BTreeMap::new();
    let mut found = Vec::new();
    for (who, identity) in cluster.subjects(asked)? {
        // Administrators have their way already: the flag.
        if identity.is_master() {
            found.push((who, Vec::new()));
            continue;
        }
        // Who is reached by the same bindings has the same ways.
        let paths = match known.get(&cluster.reached(&identity)) {
            Some(paths) => paths.clone(),
            None => {
                let paths = cluster.paths(&identity);
                known.insert(cluster.reached(&identity), paths.clone());
                paths
            }
        };
        found.push((who, paths));
    }
    Ok(found)
}

/// Whom somebody acts as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum State {
    /// As this identity.
    As(Identity),
    /// With every right, by a binding or role that was just written.
    Everything,
    /// With every right in one namespace.
    All(String),
}

struct Cluster<'s> {
    scene: &'s Scene<'s>,
    directory: Directory<'s>,
    authorizer: Authorizer,
    admission: &'s PodAdmission,
    /// Service accounts in bindings: others have no rights worth taking.
    accounts: BTreeSet<(String, String)>,
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    /// Cluster roles that allow everything.
    powerful: Vec<String>,
}

/// A step found: where it leads, and the step.
struct Move {
    to: Option<State>,
    step: PathStep,
    conditions: Vec<String>,
}

impl<'s> Cluster<'s> {
    fn new(scene: &'s Scene<'s>, admission: &'s PodAdmission) -> Self {
        let authorizer = Authorizer::compile(scene.kubernetes());
        let mut accounts = BTreeSet::new();
        let mut users = BTreeSet::new();
        let mut groups = BTreeSet::new();
        let mut namespaces = BTreeSet::from(["kube-system".to_owned()]);
        for binding in authorizer.bindings() {
            namespaces.extend(binding.namespace.clone());
            for subject in &binding.subjects {
                match subject {
                    BindingSubject::User { name } => {
                        users.insert(name.clone());
                    }
                    BindingSubject::Group { name } => {
                        groups.insert(name.clone());
                    }
                    BindingSubject::ServiceAccount { name, namespace } => {
                        if let Some(namespace) = namespace.as_ref().or(binding.namespace.as_ref()) {
                            namespaces.insert(namespace.clone());
                            accounts.insert((namespace.clone(), name.clone()));
                        }
                    }
                }
            }
        }
        let everything = |role: &&KubernetesRole| {
            role.kind == RoleKind::ClusterRole
                && authorizer
                    .rules_of(&role.key())
                    .into_iter()
                    .flatten()
                    .any(|(_, rule)| is_everything(rule))
        };
        let powerful = authorizer
            .roles()
            .filter(everything)
            .map(|role| role.name.clone())
            .collect();
        Self {
            scene,
            directory: Directory::of(scene.policy),
            admission,
            accounts,
            users,
            groups,
            namespaces,
            powerful,
            authorizer,
        }
    }

    /// Accounts, and everybody whom bindings name besides.
    fn subjects(&self, asked: &Paths) -> Result<Vec<(String, Identity)>, InquiryError> {
        let user = |user| {
            let user: &crate::model::User = user;
            Some((format!("user:{}", user.name), self.directory.identity(user)?))
        };
        if let Some(who) = &asked.who {
            return Ok(match who.split_once(':') {
                Some(("user", name)) => {
                    let found = self
                        .scene
                        .policy
                        .users()
                        .find(|user| user.name == name || user.id.as_str() == name);
                    found.and_then(user).into_iter().collect()
                }
                Some(("group", name)) => vec![(who.clone(), Identity::group(name))],
                Some(("kubernetes-user", name)) => vec![(who.clone(), Identity::user(name))],
                Some(("service-account", name)) => match name.split_once('/') {
                    Some((namespace, name)) => {
                        vec![(who.clone(), Identity::service_account(namespace, name))]
                    }
                    None => {
                        let problem = format!("`{who}` is not of the form service-account:NAMESPACE/NAME");
                        return Err(InquiryError::field("who", problem));
                    }
                },
                _ => Vec::new(),
            });
        }
        let mut found: Vec<_> = self.scene.policy.users().filter_map(user).collect();
        let accounts = self.accounts.iter();
        found.extend(accounts.map(|(namespace, name)| {
            let who = format!("service-account:{namespace}/{name}");
            (who, Identity::service_account(namespace, name))
        }));
        let foreign = |name: &&String| self.scene.policy.user(name).is_none();
        found.extend(
            self.users
                .iter()
                .filter(foreign)
                .map(|name| (format!("kubernetes-user:{name}"), Identity::user(name))),
        );
        found.extend(
            self.groups
                .iter()
                .map(|name| (format!("group:{name}"), Identity::group(name))),
        );
        Ok(found)
    }

    /// By which names bindings reach somebody. Service accounts stand for themselves: admission looks at them.
    fn reached(&self, identity: &Identity) -> Vec<String> {
        let own = self.users.contains(&identity.user)
            || identity.user.starts_with("system:serviceaccount:")
            || self.excepted(identity);
        let groups = identity
            .groups
            .iter()
            .filter(|group| self.groups.contains(*group));
        own.then(|| identity.user.clone())
            .into_iter()
            .chain(groups.cloned())
            .collect()
    }

    fn paths(&self, start: &Identity) -> Vec<EscalationPath> {
        let mut found: Vec<EscalationPath> = Vec::new();
        let mut seen = HashSet::from([State::As(start.clone())]);
        let mut waiting = VecDeque::from([(
            State::As(start.clone()),
            Vec::<PathStep>::new(),
            Vec::<String>::new(),
        )]);
        while let Some((state, steps, conditions)) = waiting.pop_front() {
            let name = (!steps.is_empty()).then(|| self.name(&state));
            for Move {
                to,
                mut step,
                conditions: more,
            } in self.moves(&state)
            {
                step.acting_as = name.clone();
                let mut steps = steps.clone();
                steps.push(step);
                let mut conditions = conditions.clone();
                conditions.extend(more);
                match to {
                    None if found.len() < MAX_PATHS => found.push(EscalationPath {
                        outcome: PathOutcome::Root,
                        steps,
                        conditions,
                        nodes: Vec::new(),
                    }),
                    Some(to) if steps.len() < MAX_STEPS && seen.insert(to.clone()) => {
                        waiting.push_back((to, steps, conditions));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn name(&self, state: &State) -> String {
        match state {
            State::As(identity) if identity.is_master() => format!("a member of {MASTERS}"),
            State::As(identity) => match split_service_account(&identity.user) {
                Some((namespace, name)) => format!("service-account:{namespace}/{name}"),
                None if identity.user.is_empty() => identity.groups.join(", "),
                None => match self.scene.policy.user(&identity.user) {
                    Some(user) => format!("user:{}", user.name),
                    None => format!("kubernetes-user:{}", identity.user),
                },
            },
            State::Everything => "somebody with every right".to_owned(),
            State::All(namespace) => format!("somebody with every right in {namespace}"),
        }
    }

    fn moves(&self, state: &State) -> Vec<Move> {
        if let State::As(identity) = state
            && identity.is_master()
        {
            return vec![Move {
                to: None,
                step: self.step(
                    "masters",
                    "run a privileged pod, which administrators may",
                    Vec::new(),
                    Vec::new(),
                ),
                conditions: Vec::new(),
            }];
        }
        let mut moves: Vec<_> = self.nodes(state).into_iter().collect();
        moves.extend(self.impersonation(state));
        // One namespace is enough for a pod that has its node.
        let namespaces = || {
            [ANY]
                .into_iter()
                .chain(self.namespaces.iter().map(String::as_str))
        };
        moves.extend(namespaces().find_map(|namespace| self.privileged_pod(state, namespace)));
        moves.extend(namespaces().flat_map(|namespace| self.service_accounts(state, namespace)));
        moves.extend(self.system_pods(state));
        moves.extend(self.writes(state));
        moves
    }

    fn step(&self, edge: &str, does: &str, needs: Vec<KubernetesUse>, by: Vec<String>) -> PathStep {
        PathStep {
            edge: edge.to_owned(),
            does: does.to_owned(),
            acting_as: None,
            needs: needs.into_iter().map(PathNeed::Kubernetes).collect(),
            by,
        }
    }

    /// Whether all of these are allowed, and by what.
    fn allowed(&self, state: &State, uses: &[KubernetesUse]) -> Option<Vec<String>> {
        let identity = match state {
            State::As(identity) => identity,
            State::Everything => return Some(vec!["what was written before".to_owned()]),
            State::All(namespace) => {
                let inside = uses.iter().all(|one| one.namespace.as_ref() == Some(namespace));
                return inside.then(|| vec!["what was written before".to_owned()]);
            }
        };
        let mut by = Vec::new();
        for one in uses {
            let request = request(identity, one);
            let decision = self.authorizer.decide(&request);
            match decision.evidence()? {
                KubernetesEvidence::Rule(rule) => by.push(rule.to_string()),
                KubernetesEvidence::Masters => by.push(MASTERS.to_owned()),
            }
        }
        by.dedup();
        Some(by)
    }

    /// The kubelet runs commands in every pod of its node for whoever may use it through the API.
    fn nodes(&self, state: &State) -> Option<Move> {
        let proxy = |verb: &str| KubernetesUse {
            verb: verb.to_owned(),
            resource: Some("nodes".to_owned()),
            subresource: Some("proxy".to_owned()),
            name: Some(ANY.to_owned()),
            ..KubernetesUse::default()
        };
        let needs = proxy("create");
        let by = self.allowed(state, std::slice::from_ref(&needs))?;
        Some(Move {
            to: None,
            step: self.step(
                "node-proxy",
                "run commands in the system's pods through the kubelet of a node",
                vec![needs],
                by,
            ),
            conditions: Vec::new(),
        })
    }

    fn impersonation(&self, state: &State) -> Vec<Move> {
        let act = |resource: &str, name: &str, namespace: Option<&str>| KubernetesUse {
            verb: "impersonate".to_owned(),
            resource: Some(resource.to_owned()),
            name: Some(name.to_owned()),
            namespace: namespace.map(str::to_owned),
            ..KubernetesUse::default()
        };
        let mut moves = Vec::new();
        let mut add = |to: Identity, does: String, needs: Vec<KubernetesUse>| {
            if let Some(by) = self.allowed(state, &needs) {
                moves.push(Move {
                    to: Some(State::As(to)),
                    step: self.step("impersonate", &does, needs, by),
                    conditions: Vec::new(),
                });
            }
        };
        // A user is always named (R88). Any will do; those that roles name come first.
        let named = self.authorizer.roles().flat_map(|role| &role.rules);
        let named = named.filter(|rule| rule.verbs.iter().any(|verb| verb == "impersonate"));
        let named: BTreeSet<_> = named
            .flat_map(|rule| &rule.resource_names)
            .map(String::as_str)
            .collect();
        let users: Vec<_> = [ANY].into_iter().chain(named).collect();
        let user = users
            .into_iter()
            .find(|name| self.allowed(state, &[act("users", name, None)]).is_some());
        if let Some(user) = user {
            for group in [MASTERS]
                .into_iter()
                .chain(self.groups.iter().map(String::as_str))
            {
                let to = Identity {
                    user: user.to_owned(),
                    groups: vec![AUTHENTICATED.to_owned(), group.to_owned()],
                };
                let needs = vec![act("users", user, None), act("groups", group, None)];
                add(to, format!("act as user {user} in the group {group}"), needs);
            }
        }
        for name in &self.users {
            let does = format!("act as user {name}");
            add(Identity::user(name), does, vec![act("users", name, None)]);
        }
        for (namespace, name) in &self.accounts {
            let does = format!("act as service account {namespace}/{name}");
            let needs = vec![act("serviceaccounts", name, Some(namespace))];
            add(Identity::service_account(namespace, name), does, needs);
        }
        moves
    }

    /// A pod that has its node, started by somebody whom admission lets do it.
    fn privileged_pod(&self, state: &State, namespace: &str) -> Option<Move> {
        let admitted =
            self.admission.unrestricted || matches!(state, State::As(identity) if self.admitted(identity));
        if !admitted {
            return None;
        }
        // Admission looks at who starts the pod: a controller does when it is not started directly.
        let kinds = if self.admission.unrestricted {
            &WORKLOADS[..]
        } else {
            &WORKLOADS[..1]
        };
        let (needs, by) = self.workload(state, namespace, kinds)?;
        let resource = needs.resource.clone().unwrap_or_default();
        let does = format!(
            "create {resource} in namespace {namespace} with a privileged container or the disk of the node"
        );
        Some(Move {
            to: None,
            step: self.step("privileged-pod", &does, vec![needs], by),
            conditions: Vec::new(),
        })
    }

    fn workload(
        &self,
        state: &State,
        namespace: &str,
        kinds: &[(&str, &str)],
    ) -> Option<(KubernetesUse, Vec<String>)> {
        kinds.iter().find_map(|(group, resource)| {
            let create = KubernetesUse {
                verb: "create".to_owned(),
                group: (*group).to_owned(),
                resource: Some((*resource).to_owned()),
                namespace: Some(namespace.to_owned()),
                ..KubernetesUse::default()
            };
            let by = self.allowed(state, std::slice::from_ref(&create))?;
            Some((create, by))
        })
    }

    /// R91.
    fn admitted(&self, identity: &Identity) -> bool {
        let strong = |attributes: &[String]| attributes.iter().any(|one| STRONG.contains(&one.as_str()));
        let Some((namespace, name)) = split_service_account(&identity.user) else {
            return self.excepted(identity) && strong(&self.admission.user_attributes);
        };
        let bound = self.authorizer.bindings().any(|binding| {
            binding.kind == BindingKind::ClusterRoleBinding
                && binding.role.name == "cluster-admin"
                && binding.subjects.iter().any(|subject| {
                    matches!(subject, BindingSubject::ServiceAccount { name: own, namespace: Some(of) }
                        if own == name && of == namespace)
                })
        });
        let text = format!("{namespace}:{name}");
        let excepted = self.admission.service_accounts.contains(&text);
        bound || excepted && strong(&self.admission.service_account_attributes)
    }

    fn excepted(&self, identity: &Identity) -> bool {
        let account = self.scene.policy.user(&identity.user);
        let name = account.map_or(identity.user.as_str(), |user| &user.name);
        let users = &self.admission.users;
        users.iter().any(|known| known == name || *known == identity.user)
    }

    /// Ways to act as a service account of a namespace.
    fn service_accounts(&self, state: &State, namespace: &str) -> Vec<Move> {
        let accounts = self.accounts.iter().filter(|(of, _)| of == namespace);
        let mut moves = Vec::new();
        for (_, name) in accounts {
            let to = || Some(State::As(Identity::service_account(namespace, name)));
            let act = |verb: &str, resource: &str, sub: Option<&str>, object: Option<&str>| KubernetesUse {
                verb: verb.to_owned(),
                resource: Some(resource.to_owned()),
                subresource: sub.map(str::to_owned),
                name: object.map(str::to_owned),
                namespace: Some(namespace.to_owned()),
                ..KubernetesUse::default()
            };
            let account = format!("service account {namespace}/{name}");
            let mut add = |edge: &str, does: String, needs: KubernetesUse, condition: Option<String>| {
                if let Some(by) = self.allowed(state, std::slice::from_ref(&needs)) {
                    moves.push(Move {
                        to: to(),
                        step: self.step(edge, &does, vec![needs], by),
                        conditions: condition.into_iter().collect(),
                    });
                    return true;
                }
                false
            };
            let token = act("create", "serviceaccounts", Some("token"), Some(name));
            if add(
                "service-account-token",
                format!("ask for a token of {account}"),
                token,
                None,
            ) {
                continue;
            }
            let reads = ["list", "watch"].map(|verb| act(verb, "secrets", None, None));
            let read = |needs: KubernetesUse| (format!("read the secret with the token of {account}"), needs);
            let secret = act("get", "secrets", None, Some(&format!("{name}-token")));
            if reads
                .into_iter()
                .chain([secret])
                .map(read)
                .any(|(does, needs)| add("secret-with-token", does, needs, None))
            {
                continue;
            }
            if let Some((needs, _)) = self.workload(state, namespace, &WORKLOADS) {
                let resource = needs.resource.clone().unwrap_or_default();
                let does = format!("create {resource} that run as {account} and use its token");
                add("pod-as-service-account", does, needs, None);
                continue;
            }
            let exec = act("create", "pods", Some("exec"), Some(ANY));
            let condition = format!("a pod in {namespace} runs as {account}");
            add(
                "exec-as-service-account",
                format!("run commands in a pod of {account}"),
                exec,
                Some(condition),
            );
        }
        moves
    }

    /// Pods of the system that have their node.
    fn system_pods(&self, state: &State) -> Option<Move> {
        let exec = KubernetesUse {
            verb: "create".to_owned(),
            resource: Some("pods".to_owned()),
            subresource: Some("exec".to_owned()),
            name: Some(ANY.to_owned()),
            namespace: Some("kube-system".to_owned()),
            ..KubernetesUse::default()
        };
        let by = self.allowed(state, std::slice::from_ref(&exec))?;
        Some(Move {
            to: None,
            step: self.step(
                "exec-into-system-pod",
                "run commands in a privileged pod of kube-system",
                vec![exec],
                by,
            ),
            conditions: vec!["a privileged pod runs in kube-system, as network plugins do".to_owned()],
        })
    }
}

fn request(identity: &Identity, one: &KubernetesUse) -> Request {
    Request {
        user: identity.user.clone(),
        groups: identity.groups.clone(),
        verb: one.verb.clone(),
        group: one.group.clone(),
        resource: one.resource.clone(),
        subresource: one.subresource.clone(),
        name: one.name.clone(),
        namespace: one.namespace.clone(),
        path: one.path.clone(),
    }
}

fn is_everything(rule: &Rule) -> bool {
    let star = |list: &[String]| list.iter().any(|item| item == "*");
    star(&rule.verbs) && star(&rule.api_groups) && star(&rule.resources) && rule.resource_names.is_empty()
}
