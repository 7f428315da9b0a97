//! Subjects of Kubernetes bindings in the words of this cluster: `org:<id>` is an organization, an account id is a
//! user (R82).

use crate::kubernetes::BindingSubject;
use crate::kubernetes::identity::{organization_group, team_group};
use crate::policy::Policy;

/// What a name in a binding stands for here, such as `team:bank/ops`; nothing for names of Kubernetes alone.
pub(super) fn meaning(policy: &Policy, subject: &BindingSubject) -> Option<String> {
    let names = crate::question::Names::of(policy);
    match subject {
        BindingSubject::User { name } => {
            let user = policy.user(name)?;
            Some(format!("user:{}", user.name))
        }
        BindingSubject::Group { name } => {
            let organizations = policy.organizations();
            let mut organizations =
                organizations.filter(|known| organization_group(known.id.as_str()) == *name);
            if let Some(organization) = organizations.next() {
                return Some(format!("org:{}", organization.name));
            }
            let mut teams = policy.teams();
            let team =
                teams.find(|team| team_group(team.organization.as_str(), team.id.as_str()) == *name)?;
            Some(names.team_name(team))
        }
        BindingSubject::ServiceAccount { .. } => None,
    }
}
