//! Kubernetes questions: who asks as Kubernetes sees it, and what is asked in the form that the authorizer takes.

use super::answer::Asked;
use super::forms::KubernetesQuestion;
use super::ruling::Unanswered;
use super::{Answer, DecidedBy, Names, Verdict};
use crate::decision::Subject;
use crate::kubernetes::identity::{self, Directory, Identity};
use crate::kubernetes::{
    Authorizer, KubernetesDecision, KubernetesDenial, KubernetesEvidence, Request, Rule,
};

impl KubernetesQuestion {
    /// The request of this identity.
    pub(crate) fn request(&self, who: Identity) -> Request {
        Request {
            user: who.user,
            groups: who.groups,
            verb: self.verb.clone(),
            group: self.group.clone(),
            resource: self.resource.clone(),
            subresource: self.subresource.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            path: self.path.clone(),
        }
    }
}

impl Asked<'_> {
    /// Who asks: a name as Kubernetes sees it with the groups of the question, or an account with its own (R82).
    pub(crate) fn identity(
        &self,
        user: Option<&str>,
        account: Option<&str>,
        groups: &[String],
    ) -> Result<Identity, Unanswered> {
        match (user, account) {
            (Some(_), Some(_)) => Err(Unanswered::new(
                "two-users",
                "`user` is a name in Kubernetes and `account` one of this cluster, give one of them",
            )),
            (None, Some(_)) if !groups.is_empty() => Err(Unanswered::new(
                "groups-of-account",
                "an `account` has its own groups, leave `groups` out",
            )),
            (None, Some(account)) => {
                let unknown =
                    || Unanswered::new("unknown-user", format!("there is no active user `{account}`"));
                let Some(Subject::Account(id)) = Names::of(self.policy).user(account) else {
                    return Err(unknown());
                };
                let directory = Directory::new(&self.policy.to_model());
                directory.identity(id.as_str()).ok_or_else(unknown)
            }
            (Some(user), None) => Ok(Identity {
                user: user.to_owned(),
                groups: groups.to_vec(),
            }),
            (None, None) if groups.is_empty() => Ok(Identity::anonymous()),
            (None, None) => Ok(Identity {
                user: identity::ANONYMOUS.to_owned(),
                groups: groups.to_vec(),
            }),
        }
    }

    pub(super) fn kubernetes(
        &self,
        user: Option<&str>,
        ask: &KubernetesQuestion,
    ) -> Result<Answer, Unanswered> {
        let request = ask.request(self.identity(user, ask.account.as_deref(), &ask.groups)?);
        let authorizer = Authorizer::compile(&self.inventory.kubernetes);
        Ok(match authorizer.decide(&request) {
            KubernetesDecision::Allowed(evidence) => Answer {
                decided_by: Some(vec![DecidedBy::Word(match evidence {
                    KubernetesEvidence::Masters => DecidedBy::ADMIN.to_owned(),
                    KubernetesEvidence::Rule(evidence) => evidence.to_string(),
                })]),
                ..Answer::new(Verdict::Allow)
            },
            KubernetesDecision::Denied(denial) => Answer {
                message: Some(refusal(&denial)),
                ..Answer::new(Verdict::Deny)
            },
        })
    }

    /// Every rule that somebody holds in a namespace, or for the whole cluster.
    pub(super) fn kubernetes_rules(&self, who: &Identity, namespace: Option<&str>) -> Vec<Rule> {
        let everything = Rule {
            verbs: vec!["*".to_owned()],
            api_groups: vec!["*".to_owned()],
            resources: vec!["*".to_owned()],
            resource_names: Vec::new(),
            non_resource_urls: Vec::new(),
        };
        let urls = Rule {
            verbs: vec!["*".to_owned()],
            non_resource_urls: vec!["*".to_owned()],
            ..Rule::default()
        };
        if who.groups.iter().any(|group| group == crate::kubernetes::MASTERS) {
            return vec![everything, urls];
        }
        let authorizer = Authorizer::compile(&self.inventory.kubernetes);
        let mut rules: Vec<Rule> = Vec::new();
        for rule in authorizer.rules_for(&who.user, &who.groups, namespace) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        rules
    }
}

/// What somebody reads who may not.
pub(crate) fn refusal(denial: &KubernetesDenial<'_>) -> String {
    format!("access denied: {denial}")
}
