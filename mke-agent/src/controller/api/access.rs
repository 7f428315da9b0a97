//! Who may call a control-plane endpoint: the rules about oneself and one's organization, on top of the policy.
//!
//! A rule never says yes by itself. It finds out how the caller is related to what the path names, and asks
//! [`mke_rbac::Policy::decide`] with the access class that follows: `authenticated` for a relative,
//! `admin` for anybody else. So deactivated accounts are refused here too, and a stranger learns nothing about
//! whether the named account exists.

use mke_auth::directory::Directory;
use mke_core::ids::AccountId;
use mke_rbac::demand::Access;
use mke_rbac::{Decision, Subject};

use crate::controller::snapshot::Snapshot;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Anybody.
    Public,
    /// The SCIM client: whoever shows its token. That is checked where others are identified.
    ScimToken,
    /// The agent of the node that the path names. Its connection proved that, which is checked where others are identified.
    Node,
    /// Any active account.
    Authenticated,
    /// Administrators.
    Admin,
    /// Administrators, and the account that the path names.
    Oneself,
    /// The same, and for an organization its members.
    OneselfOrMember,
    /// Administrators, the account that the path names, and for an organization its administrators.
    OneselfOrOrgAdmin,
    /// Administrators, and the members of the organization that the path names.
    Member,
    /// The same, and the user that the path names as member.
    MemberOrTarget,
    /// Administrators, and the organization's own administrators.
    OrgAdmin,
    /// The same, and the administrators of the team that the path names.
    TeamAdmin,
}

/// Decides on a call. `params` are the variable elements of the path in order.
pub(crate) fn decide(snapshot: &Snapshot, subject: &Subject, rule: Rule, params: &[String]) -> Decision {
    let access = match rule {
        // Without the token nobody comes this far.
        Rule::Public | Rule::ScimToken | Rule::Node => Access::Public,
        Rule::Authenticated => Access::Authenticated,
        Rule::Admin => Access::Admin,
        Rule::Oneself
        | Rule::OneselfOrMember
        | Rule::OneselfOrOrgAdmin
        | Rule::Member
        | Rule::MemberOrTarget
        | Rule::OrgAdmin
        | Rule::TeamAdmin => match subject {
            Subject::Account(caller) if is_related(&snapshot.directory, caller, rule, params) => {
                Access::Authenticated
            }
            Subject::Account(_) | Subject::Anonymous => Access::Admin,
        },
    };
    snapshot.policy.decide(subject, access, &[])
}

fn is_related(directory: &Directory, caller: &AccountId, rule: Rule, params: &[String]) -> bool {
    let [first, rest @ ..] = params else {
        return false;
    };
    let Some(named) = directory.resolve(first) else {
        return false;
    };
    let oneself = || named.id == *caller;
    let member = || directory.membership(&named.id, caller);
    let org_admin = || member().is_some_and(|membership| membership.is_admin);
    match rule {
        Rule::Public | Rule::ScimToken | Rule::Node | Rule::Authenticated | Rule::Admin => false,
        Rule::Oneself => oneself(),
        Rule::OneselfOrMember => oneself() || member().is_some(),
        Rule::OneselfOrOrgAdmin => oneself() || org_admin(),
        Rule::Member => member().is_some(),
        Rule::MemberOrTarget => {
            member().is_some()
                || rest
                    .last()
                    .and_then(|target| directory.resolve(target))
                    .is_some_and(|target| target.id == *caller)
        }
        Rule::OrgAdmin => org_admin(),
        Rule::TeamAdmin => {
            org_admin()
                || rest
                    .first()
                    .and_then(|team| directory.resolve_team(&named.id, team))
                    .and_then(|team| directory.team_membership(&team.id, caller))
                    .is_some_and(|membership| membership.is_admin)
        }
    }
}
