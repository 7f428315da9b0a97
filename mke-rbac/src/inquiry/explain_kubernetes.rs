//! `explain` for Kubernetes requests: the binding and the rule that allow one, or the smallest binding that would.

use super::explain::{Explanation, KubernetesGrounds};
use super::{InquiryError, Scene, wording};
use crate::decision::Subject;
use crate::kubernetes::{
    KubernetesDecision, KubernetesEvidence, Request, RoleKey, RoleKind, Rule, RuleEvidence,
};
use crate::proof::Proof;
use crate::question::{Asked, KubernetesQuestion, Verdict, refusal};

pub(super) fn explain(
    scene: &Scene<'_>,
    user: Option<&str>,
    ask: &KubernetesQuestion,
) -> Result<Explanation, InquiryError> {
    let asked = Asked {
        policy: scene.policy,
        subject: &Subject::Anonymous,
        inventory: scene.inventory,
    };
    let who = asked.identity(user, ask.account.as_deref(), &ask.groups)?;
    let request = ask.request(who);
    let mut grounds = KubernetesGrounds {
        user: request.user.clone(),
        groups: request.groups.clone(),
        binding: None,
        subject: None,
        role: None,
        rule: None,
        allowed_by: None,
    };
    let decision = scene.authorizer().decide(&request);
    let (verdict, because) = match &decision {
        KubernetesDecision::Allowed(evidence) => {
            if let KubernetesEvidence::Rule(evidence) = evidence {
                cite(&mut grounds, evidence);
            }
            (Verdict::Allow, evidence.to_string())
        }
        KubernetesDecision::Denied(denial) => {
            let rule = smallest_rule(&request);
            grounds.allowed_by = Some(remedy(scene, &request, &rule));
            grounds.rule = Some(rule);
            (Verdict::Deny, refusal(denial))
        }
    };
    Ok(Explanation {
        decision: verdict,
        who: ask.account.clone().unwrap_or_else(|| request.user.clone()),
        what: wording::kubernetes(ask),
        access: None,
        because,
        collection: None,
        constraint: None,
        checks: Vec::new(),
        allowed_by: Vec::new(),
        obstacles: Vec::new(),
        kubernetes: Some(grounds),
        proof: Some(Proof::of_kubernetes(&request, &decision)),
    })
}

fn cite(grounds: &mut KubernetesGrounds, evidence: &RuleEvidence<'_>) {
    grounds.binding = Some(evidence.binding.clone());
    grounds.subject = Some(evidence.subject.clone());
    grounds.role = Some(evidence.source.unwrap_or(evidence.role).key());
    grounds.rule = Some(evidence.rule.clone());
}

/// The rule that allows this request and little else.
fn smallest_rule(request: &Request) -> Rule {
    let mut rule = Rule {
        verbs: vec![request.verb.clone()],
        ..Rule::default()
    };
    if let Some(path) = &request.path {
        rule.non_resource_urls = vec![path.clone()];
        return rule;
    }
    let resource = request.resource.clone().unwrap_or_default();
    let subresource = request.subresource.as_deref().filter(|name| !name.is_empty());
    rule.api_groups = vec![request.group.clone()];
    rule.resources = vec![match subresource {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource,
    }];
    let name = request.name.clone().filter(|name| !name.is_empty());
    rule.resource_names = name.into_iter().collect();
    rule
}

/// A binding of the existing role that gives the least besides, in the namespace of the request if it has one; else of
/// a new role. Roles of parts of Kubernetes, and those that give whole verbs or resources by a star, are no remedy.
fn remedy(scene: &Scene<'_>, request: &Request, rule: &Rule) -> String {
    let authorizer = scene.authorizer();
    let scope = request.scope();
    let with_urls = scope.is_none();
    let usable = |key: &RoleKey| match key.kind {
        RoleKind::ClusterRole => !key.name.starts_with("system:"),
        RoleKind::Role => scope.is_some() && key.namespace.as_deref() == scope,
    };
    let keys = authorizer.roles().map(|role| role.key()).filter(usable);
    let fitting = keys.filter_map(|key| {
        let rules = authorizer.rules_of(&key)?;
        let fits = rules.iter().any(|(_, rule)| rule.allows(request, with_urls));
        let size = rules
            .iter()
            .map(|(_, rule)| breadth(rule))
            .sum::<Option<usize>>()?;
        fits.then_some((size, key))
    });
    let best = fitting.min_by(|(one_size, one), (other_size, other)| {
        one_size.cmp(other_size).then_with(|| one.name.cmp(&other.name))
    });
    let place = match scope {
        Some(namespace) => format!("a RoleBinding in namespace {namespace}"),
        None => "a ClusterRoleBinding".to_owned(),
    };
    let role = match best {
        Some((_, key)) => format!("{} {}", key.kind, key.name),
        None => format!("a new role with the rule {}", written(rule)),
    };
    format!("{place} of {role} to User {}", request.user)
}

/// How many things a rule allows; nothing for a rule with a star.
fn breadth(rule: &Rule) -> Option<usize> {
    let star = |items: &[String]| items.iter().any(|item| item == "*");
    if star(&rule.verbs) || star(&rule.resources) || star(&rule.non_resource_urls) {
        return None;
    }
    let things = rule.api_groups.len() * rule.resources.len() + rule.non_resource_urls.len();
    Some(rule.verbs.len() * things)
}

/// A rule on one line, as in a manifest.
pub(super) fn written(rule: &Rule) -> String {
    let list = |items: &[String]| {
        format!(
            "[{}]",
            items
                .iter()
                .map(|item| format!("{item:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let mut fields = vec![format!("verbs: {}", list(&rule.verbs))];
    let mut field = |name: &str, items: &[String]| {
        if !items.is_empty() {
            fields.push(format!("{name}: {}", list(items)));
        }
    };
    field("apiGroups", &rule.api_groups);
    field("resources", &rule.resources);
    field("resourceNames", &rule.resource_names);
    field("nonResourceURLs", &rule.non_resource_urls);
    format!("{{{}}}", fields.join(", "))
}
