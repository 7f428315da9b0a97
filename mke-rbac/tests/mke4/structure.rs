//! Organizations, teams and Swarm roles.

use mke_rbac::kubernetes::{Authorizer, Rbac, Request, Rule};
use mke_rbac::mke4::Conversion;

use crate::{bound, converted, roles};

/// The example of the documents.
const COMPANY: &str = "
users: {bob: {}, bill: {}, jane: {admin: true}}
orgs: {entire-company: {members: [jane], teams: {development: [bob], production: [bob, bill], sales: []}}}
settings: {docker_datacenter_scheduler: false}
";

/// M4-011, M4-012: the tree of the documents: suffixes, members of each level, and the placeholder.
#[test]
fn the_example_of_the_documents() {
    let conversion = converted(COMPANY);
    insta::assert_snapshot!("company", conversion.to_yaml().unwrap());
    insta::assert_snapshot!("company-report", conversion.to_string());
    let rbac = &conversion.rbac;
    assert_eq!(bound(rbac, "entire-company-org"), ["bill", "bob", "jane"]);
    assert_eq!(bound(rbac, "development-team"), ["bob"]);
    assert_eq!(bound(rbac, "production-team"), ["bill", "bob"]);
    assert!(bound(rbac, "sales-team").is_empty());
    assert_eq!(bound(rbac, "docker-datacenter-org"), ["bill", "bob", "jane"]);
}

/// The manifests are those that Kubernetes and this crate read, and nothing of them is lost on the way.
#[test]
fn manifests_are_read_again() {
    for record in [COMPANY, SWARM] {
        let conversion = converted(record);
        let read = Rbac::from_manifests(&conversion.to_yaml().unwrap()).unwrap();
        assert_eq!(read, conversion.rbac);
        let json = serde_json::to_value(&conversion).unwrap();
        assert_eq!(serde_json::from_value::<Conversion>(json).unwrap(), conversion);
    }
}

/// M4-013: what is put into the aggregated role of an organization reaches every member, those of its teams too; what is
/// put into that of a team reaches its members only; nobody else gains anything.
#[test]
fn levels() {
    let may = |role: &str, user: &str| {
        let mut rbac = converted(COMPANY).rbac;
        let aggregated = rbac.roles.iter().find(|found| found.name == role).unwrap();
        let labels = aggregated.aggregate.as_ref().unwrap()[0].labels.clone();
        let rules = vec![Rule {
            verbs: vec!["get".to_owned()],
            api_groups: vec![String::new()],
            resources: vec!["pods".to_owned()],
            ..Rule::default()
        }];
        rbac.roles.push(mke_rbac::kubernetes::KubernetesRole {
            name: "viewer".to_owned(),
            labels,
            rules,
            aggregate: None,
            ..aggregated.clone()
        });
        Authorizer::compile(&rbac).allows(&Request {
            user: user.to_owned(),
            verb: "get".to_owned(),
            resource: Some("pods".to_owned()),
            namespace: Some("shop".to_owned()),
            ..Request::default()
        })
    };
    for (role, members) in [
        ("entire-company-org", &["bob", "bill", "jane"][..]),
        ("development-team", &["bob"]),
        ("production-team", &["bob", "bill"]),
        ("sales-team", &[]),
    ] {
        for user in ["bob", "bill", "jane", "mallory", "u-bob", "entire-company"] {
            assert_eq!(may(role, user), members.contains(&user), "{role} {user}");
        }
    }
}

/// Grants in Swarm's places, custom roles and collections.
const SWARM: &str = "
users: {bob: {}, bill: {}}
orgs: {shop: {teams: {ops: [bob], web: [bill]}}, bank: {teams: {ops: [bill], audit: []}}}
collections: [/Prod]
roles:
  Web team: {Service: {Service View: []}}
  view: {Service: {Service View: []}}
  spare: {}
grants:
- {id: g1, subject: 'team:shop/ops', role: fullcontrol, collection: /Prod}
- {id: g2, subject: 'team:shop/ops', role: view, collection: /Shared}
- {id: g3, subject: 'org:bank', role: Web team, collection: /Prod}
- {id: g4, subject: 'user:bill', role: viewonly, collection: /}
- {id: g5, subject: 'team:bank/ops', role: none, collection: /Prod}
";

/// M4-012: each Swarm role that is granted, and each custom one, comes along without any permission, tied to the
/// organizations and teams that it was granted to; where there is none, `none` stands in. What was granted is named.
#[test]
fn swarm_roles() {
    let conversion = converted(SWARM);
    insta::assert_snapshot!("swarm", conversion.to_yaml().unwrap());
    insta::assert_snapshot!("swarm-report", conversion.to_string());
    let rbac = &conversion.rbac;
    assert!(rbac.roles.iter().all(|role| role.rules.is_empty()));
    for role in rbac.roles.iter().filter(|role| role.aggregate.is_some()) {
        let selectors = role.aggregate.as_ref().unwrap();
        let mut parts = rbac
            .roles
            .iter()
            .filter(|part| selectors.iter().any(|one| one.selects(&part.labels)));
        assert!(parts.next().is_some(), "{role} has no role");
    }
    assert_eq!(conversion.counts.swarm_roles, 7);
}

/// M4-011: teams of one name in two organizations get names of their own, so that nobody holds what belongs to the
/// other team; an empty role never takes the name of one of Kubernetes.
#[test]
fn names_that_collide() {
    let conversion = converted(SWARM);
    let rbac = &conversion.rbac;
    assert_eq!(bound(rbac, "shop-ops-team"), ["bob"]);
    assert_eq!(bound(rbac, "bank-ops-team"), ["bill"]);
    assert!(!roles(rbac).contains(&"ops-team") && !roles(rbac).contains(&"view"));
    assert!(roles(rbac).contains(&"view-swarm") && roles(rbac).contains(&"Web-team"));
    let renamed: Vec<_> = conversion
        .renamed
        .iter()
        .map(|renamed| (renamed.what.as_str(), renamed.name.as_str()))
        .collect();
    assert_eq!(
        renamed,
        [
            ("Swarm role Web team", "Web-team"),
            ("Swarm role view", "view-swarm"),
            ("team bank/ops", "bank-ops-team"),
            ("team shop/ops", "shop-ops-team"),
        ]
    );
}

/// The long name of one team is that of another one, and a binding of the cluster refers to a role that is not there:
/// both names are taken, and nobody is bound twice.
#[test]
fn names_that_collide_again() {
    let conversion = converted(
        "
users: {bob: {}, bill: {}, jane: {}}
orgs: {a: {teams: {b-c: [bob], x: [bob]}}, a-b: {teams: {c: [bill], x: [bill]}}, d: {teams: {b-c: [jane], c: [jane]}}}
k8s:
  roles: [{kind: ClusterRole, name: a-org, rules: [{verbs: [get], apiGroups: [''], resources: [secrets]}]}]
  bindings: [{kind: ClusterRoleBinding, name: old, role: {kind: ClusterRole, name: d-org}, subjects: [{kind: User, name: u-jane}]}]
",
    );
    let mut names = roles(&conversion.rbac);
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
    for (name, members) in [
        ("a-b-c-team", &["bill"][..]),
        ("a-b-c-team-2", &["bob"]),
        ("d-c-team", &["jane"]),
        ("a-org-2", &["bob"]),
        ("d-org-2", &["jane"]),
    ] {
        assert_eq!(bound(&conversion.rbac, name), members, "{name} of {names:?}");
    }
}
