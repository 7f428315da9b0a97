//! Bindings of Kubernetes: who holds what before and after.

use mke_rbac::kubernetes::identity::{Directory, organization_group, team_group};
use mke_rbac::kubernetes::{
    Authorizer, Binding, BindingKind, BindingSubject, KubernetesRole, Rbac, Request, RoleKind, RoleRef, Rule,
};
use mke_rbac::mke4::convert;
use mke_rbac::model::{Model, Organization, Team, User};
use proptest::prelude::*;

use crate::{bound, converted};

const BINDINGS: &str = "
users: {bob: {}, bill: {}, eve: {active: false}, root: {admin: true}, admin: {admin: true}}
orgs: {shop: {members: [eve], teams: {ops: [bob, eve], web: [bill]}}}
settings: {docker_datacenter_scheduler: false}
k8s:
  roles:
  - {kind: Role, namespace: blue, name: readers, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}
  - {kind: ClusterRole, name: view, rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}
  - {kind: ClusterRole, name: 'system:basic-user', rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}
  bindings:
  - {kind: RoleBinding, namespace: blue, name: org, role: {kind: Role, name: readers}, subjects: [{kind: Group, name: 'org:o-shop'}]}
  - {kind: RoleBinding, namespace: blue, name: team, role: {kind: ClusterRole, name: edit}, subjects: [{kind: Group, name: 'team:o-shop:t-shop/ops'}]}
  - {kind: ClusterRoleBinding, name: all, role: {kind: ClusterRole, name: view}, subjects: [{kind: Group, name: 'org:o-docker-datacenter'}, {kind: User, name: u-bob}]}
  - {kind: ClusterRoleBinding, name: odd, role: {kind: ClusterRole, name: edit}, subjects: [
      {kind: User, name: bob}, {kind: User, name: u-eve}, {kind: Group, name: shop}, {kind: Group, name: 'org:o-gone'},
      {kind: Group, name: 'system:masters'}, {kind: Group, name: 'system:authenticated'}, {kind: User, name: 'system:kube-proxy'},
      {kind: ServiceAccount, namespace: blue, name: runner}]}
  - {kind: ClusterRoleBinding, name: cluster-admin, role: {kind: ClusterRole, name: cluster-admin}, subjects: [{kind: User, name: u-bob}]}
";

/// M4-011, M4-013: groups become their members by name, ids become names; who names nobody of MKE 3 is left out and
/// named, and so are administrators, deactivated accounts and changed objects of Kubernetes.
#[test]
fn subjects() {
    let conversion = converted(BINDINGS);
    let rbac = &conversion.rbac;
    assert_eq!(bound(rbac, "org"), ["bill", "bob"]);
    assert_eq!(bound(rbac, "team"), ["bob"]);
    assert_eq!(bound(rbac, "all"), ["admin", "bill", "bob", "root"]);
    assert_eq!(
        bound(rbac, "odd"),
        ["system:authenticated", "system:kube-proxy", "runner"]
    );
    assert!(
        rbac.bindings
            .iter()
            .all(|binding| binding.name.as_deref() != Some("cluster-admin"))
    );
    insta::assert_snapshot!("bindings-report", conversion.to_string());
}

const USERS: usize = 4;

/// A cluster: who is in which organization and team, and bindings as (cluster-wide, role, subject).
fn model(organizations: &[Vec<usize>], teams: &[(usize, Vec<usize>)], active: [bool; USERS]) -> Model {
    let user = |number: &usize| format!("u{}", number % USERS).as_str().into();
    Model {
        users: (0..USERS)
            .map(|number| User {
                id: format!("u{number}").as_str().into(),
                // The names of some are the ids of others.
                name: format!("u{}", (number + 1) % USERS),
                admin: false,
                active: active[number],
                private_collection: None,
                default_collection: None,
            })
            .collect(),
        organizations: organizations
            .iter()
            .enumerate()
            .map(|(number, members)| Organization {
                id: format!("o{number}").as_str().into(),
                name: if number == 0 {
                    "docker-datacenter".to_owned()
                } else {
                    format!("org{number}")
                },
                members: members.iter().map(user).collect(),
            })
            .collect(),
        teams: teams
            .iter()
            .enumerate()
            .map(|(number, (organization, members))| Team {
                id: format!("t{number}").as_str().into(),
                organization: format!("o{organization}").as_str().into(),
                name: "ops".to_owned(),
                members: members.iter().map(user).collect(),
            })
            .collect(),
        ..Model::default()
    }
}

fn subject(kind: usize, number: usize) -> BindingSubject {
    let group = |name: String| BindingSubject::Group { name };
    match kind % 6 {
        0 => BindingSubject::User {
            name: format!("u{number}"),
        },
        1 => group(organization_group(&format!("o{number}"))),
        2 => group(team_group(&format!("o{}", number % 3), &format!("t{number}"))),
        3 => group("system:authenticated".to_owned()),
        4 => BindingSubject::ServiceAccount {
            name: "runner".to_owned(),
            namespace: Some("n0".to_owned()),
        },
        _ => group(format!("org{number}")),
    }
}

fn kubernetes(bindings: &[(bool, usize, usize, usize, usize)]) -> Rbac {
    let role = |number: usize| KubernetesRole {
        kind: RoleKind::ClusterRole,
        name: format!("r{number}"),
        namespace: None,
        labels: Default::default(),
        aggregate: None,
        rules: vec![Rule {
            verbs: vec!["get".to_owned()],
            api_groups: vec![String::new()],
            resources: vec![format!("things{number}")],
            ..Rule::default()
        }],
    };
    let bindings = bindings.iter().enumerate();
    Rbac {
        roles: (0..3).map(role).collect(),
        bindings: bindings
            .map(|(place, (everywhere, namespace, role, kind, number))| Binding {
                kind: if *everywhere {
                    BindingKind::ClusterRoleBinding
                } else {
                    BindingKind::RoleBinding
                },
                name: Some(format!("b{place}")),
                namespace: (!everywhere).then(|| format!("n{}", namespace % 2)),
                role: RoleRef {
                    kind: RoleKind::ClusterRole,
                    name: format!("r{}", role % 3),
                },
                subjects: vec![subject(*kind, *number), subject(kind + 1, *number)],
            })
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// M4-011, M4-013: for every account that is active, every request is decided in MKE 4, where it is a name without groups,
    /// as it was in MKE 3, where it was an id with groups; deactivated accounts hold no more than anybody who is logged in.
    #[test]
    fn nobody_gains_or_loses(
        organizations in prop::collection::vec(prop::collection::vec(0..USERS, 0..3), 1..4),
        teams in prop::collection::vec((0usize..4, prop::collection::vec(0..USERS, 0..3)), 0..4),
        bindings in prop::collection::vec((any::<bool>(), 0usize..2, 0usize..3, 0usize..6, 0usize..5), 0..6),
        active in any::<[bool; USERS]>(),
    ) {
        let model = model(&organizations, &teams, active);
        let before_rbac = kubernetes(&bindings);
        let conversion = convert(&model, &before_rbac);
        let (before, after) = (Authorizer::compile(&before_rbac), Authorizer::compile(&conversion.rbac));
        let directory = Directory::new(&model);
        let authenticated = || vec!["system:authenticated".to_owned()];
        for user in &model.users {
            let identity = directory.identity(user.id.as_str());
            let (id, groups) = match identity {
                Some(identity) => (identity.user, identity.groups),
                None => ("nobody in particular".to_owned(), authenticated()),
            };
            for thing in 0..3 {
                for namespace in [None, Some("n0"), Some("n1")] {
                    let request = |user: &str, groups: Vec<String>| Request {
                        user: user.to_owned(),
                        groups,
                        verb: "get".to_owned(),
                        resource: Some(format!("things{thing}")),
                        namespace: namespace.map(str::to_owned),
                        ..Request::default()
                    };
                    let was = before.allows(&request(&id, groups.clone()));
                    let is = after.allows(&request(&user.name, authenticated()));
                    prop_assert_eq!(was, is, "{} {} {:?}: {}", user.id, thing, namespace, conversion);
                }
            }
        }
    }
}
