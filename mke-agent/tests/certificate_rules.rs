//! Who may get which certificate: tables that state the denials as well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use mke_agent::ca::{
    Asked, Cluster, ClusterNode, Component, Granted, Peer, PeerError, Refusal, Wanted, label_names, may_sign,
};
use mke_agent::mtls::Trust;
use mke_agent::node_proxy::may_use_engine;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, Holder, KeyPair, Profile, SubjectAltName};
use mke_core::render::NodeRole::{self, Manager, Worker};
use mke_core::time::Timestamp;
use proptest::prelude::*;

const USER: Duration = Duration::from_secs(1000);

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

fn names(texts: &[&str]) -> Vec<SubjectAltName> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Managers m1 and m2, worker w1.
fn cluster() -> Cluster {
    let node = |role, hostname: &str, address: &str, labels: &[&str]| ClusterNode {
        role,
        hostname: hostname.to_owned(),
        addresses: vec![address.parse().unwrap()],
        label_names: names(labels),
    };
    Cluster {
        id: "swarm1".to_owned(),
        trust_roots: Vec::new(),
        nodes: BTreeMap::from([
            (
                "m1".to_owned(),
                node(Manager, "one", "10.0.0.1", &["lb.example.com", "spiffe://c/ui"]),
            ),
            (
                "m2".to_owned(),
                node(
                    Manager,
                    "two",
                    "10.0.0.2",
                    &["m2.example.com", "ucp-manager", "w1"],
                ),
            ),
            (
                "w1".to_owned(),
                node(Worker, "ucp-manager", "10.0.0.3", &["never.example.com"]),
            ),
        ]),
    }
}

fn swarm(node: &str, role: NodeRole) -> Peer {
    Peer::SwarmNode {
        node: node.to_owned(),
        role,
    }
}

fn node(node: &str, role: NodeRole) -> Peer {
    Peer::Node {
        node: node.to_owned(),
        role,
    }
}

fn controller(node: &str) -> Peer {
    Peer::Controller {
        node: node.to_owned(),
    }
}

fn asked(wanted: Wanted) -> Asked {
    Asked {
        wanted: Some(wanted),
        common_name: (wanted == Wanted::User).then(|| "alice".to_owned()),
        ..Asked::default()
    }
}

fn authority_of(wanted: Wanted) -> AuthorityKind {
    match wanted {
        Wanted::User => AuthorityKind::Client,
        _ => AuthorityKind::Cluster,
    }
}

fn decide(peer: &Peer, wanted: Wanted) -> Result<Granted, Refusal> {
    may_sign(authority_of(wanted), peer, &asked(wanted), &cluster(), USER)
}

fn all_wanted() -> Vec<Wanted> {
    let mut all = vec![
        Wanted::Node(Manager),
        Wanted::Node(Worker),
        Wanted::TokenSigner,
        Wanted::User,
    ];
    all.extend(Component::ALL.map(Wanted::Component));
    all
}

/// PKI-002, PKI-003: the whole table of who gets what. A node gets its own certificate in a role that both its
/// certificate and the swarm say; components are for managers; users and tokens for controllers; nobody else gets anything.
#[test]
fn sec_pki_01_who_gets_what() {
    let node_kinds = [Wanted::Node(Manager), Wanted::Node(Worker)];
    let components = Component::ALL.map(Wanted::Component);
    let of_controllers = [Wanted::TokenSigner, Wanted::User];
    let manager: Vec<Wanted> = node_kinds.into_iter().chain(components).collect();
    let none: Vec<Wanted> = Vec::new();
    let worker = vec![Wanted::Node(Worker)];
    for (peer, allowed) in [
        (swarm("m1", Manager), node_kinds.to_vec()),
        (swarm("m1", Worker), worker.clone()),
        (swarm("w1", Worker), worker.clone()),
        // Demoted: the old certificate of the swarm still says manager.
        (swarm("w1", Manager), worker.clone()),
        (node("m1", Manager), manager),
        // Promoted: what it has from us is still that of a worker.
        (node("m1", Worker), worker.clone()),
        (node("w1", Worker), worker.clone()),
        (node("w1", Manager), worker),
        (controller("m1"), of_controllers.to_vec()),
        // The controller of a manager that was demoted.
        (controller("w1"), none.clone()),
        // Removed.
        (swarm("gone", Manager), none.clone()),
        (node("gone", Manager), none.clone()),
        (controller("gone"), none),
    ] {
        for wanted in all_wanted() {
            let decision = decide(&peer, wanted);
            assert_eq!(
                decision.is_ok(),
                allowed.contains(&wanted),
                "{peer} asks for {}: {decision:?}",
                wanted.word()
            );
        }
    }
}

/// PKI-002, PKI-003: each authority signs only what is its own, so a node's certificate never passes for a user's.
#[test]
fn sec_pki_01_each_authority_signs_its_own() {
    for wanted in all_wanted() {
        let other = match authority_of(wanted) {
            AuthorityKind::Client => AuthorityKind::Cluster,
            AuthorityKind::Cluster => AuthorityKind::Client,
        };
        for peer in [node("m1", Manager), swarm("m1", Manager), controller("m1")] {
            let refused = may_sign(other, &peer, &asked(wanted), &cluster(), USER);
            assert!(
                matches!(refused, Err(Refusal::OtherAuthority { .. })),
                "{refused:?}"
            );
        }
    }
}

/// PKI-002, PKI-011, PKI-012, PKI-013: the names in certificates come from the swarm: a node's own, those of all managers
/// with their labels for a controller. Nobody gets a name of the cluster's parts by calling himself or a label so.
#[test]
fn names_come_from_the_swarm() {
    let granted = |peer: &Peer, wanted| -> Vec<String> {
        let names = decide(peer, wanted).unwrap().names;
        names.iter().map(ToString::to_string).collect()
    };
    let sorted = |texts: &[&str]| -> Vec<String> {
        let mut names = names(texts);
        names.sort();
        names.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        granted(&swarm("m1", Manager), Wanted::Node(Manager)),
        sorted(&["m1", "ucp-manager", "one", "10.0.0.1", "localhost", "127.0.0.1"])
    );
    // Its host name says manager, and its label is no manager's.
    assert_eq!(
        granted(&swarm("w1", Worker), Wanted::Node(Worker)),
        sorted(&["w1", "ucp-worker", "10.0.0.3", "localhost", "127.0.0.1"])
    );
    let of_all = sorted(&[
        "ucp-controller",
        "localhost",
        "127.0.0.1",
        "one",
        "two",
        "10.0.0.1",
        "10.0.0.2",
        "lb.example.com",
        "spiffe://c/ui",
        "m2.example.com",
    ]);
    let server = Wanted::Component(Component::ControllerServer);
    assert_eq!(granted(&node("m1", Manager), server), of_all);
    assert_eq!(granted(&node("m2", Manager), server), of_all);
    assert_eq!(
        granted(
            &node("m1", Manager),
            Wanted::Component(Component::ControllerClient)
        ),
        ["ucp-manager"]
    );
    let uri = decide(&node("m1", Manager), server).unwrap().names;
    assert!(uri.contains(&SubjectAltName::Uri("spiffe://c/ui".to_owned())));
}

/// PKI-013, INST-023, pki-07: a manager may ask for further names of its API port, but for none of the cluster's own
/// parts, and nobody may ask for names of anything else.
#[test]
fn sec_pki_07_what_may_be_asked_for() {
    let server = Wanted::Component(Component::ControllerServer);
    let ask = |wanted, hosts: &[&str]| {
        let asked = Asked {
            hosts: names(hosts),
            ..asked(wanted)
        };
        may_sign(
            AuthorityKind::Cluster,
            &node("m1", Manager),
            &asked,
            &cluster(),
            USER,
        )
    };
    let granted = ask(
        server,
        &["api.example.com", "https://api.example.com", "192.0.2.1"],
    )
    .unwrap();
    for name in names(&["api.example.com", "https://api.example.com", "192.0.2.1"]) {
        assert!(granted.names.contains(&name), "{name}");
    }
    for host in ["ucp-manager", "UCP-Manager", "ucp-worker", "m2", "w1"] {
        assert!(
            matches!(ask(server, &[host]), Err(Refusal::Reserved(_))),
            "{host}"
        );
    }
    for wanted in all_wanted() {
        if wanted != server && wanted != Wanted::User {
            let refused = ask(wanted, &["api.example.com"]);
            assert!(matches!(refused, Err(Refusal::NamesAsked(_))), "{refused:?}");
        }
    }
}

/// PKI-002: what stands in a request besides its kind must belong to the kind.
#[test]
fn only_users_have_a_name_and_only_tokens_a_lifetime() {
    let peer = controller("m1");
    let user = |common_name: Option<&str>, validity| {
        let asked = Asked {
            wanted: Some(Wanted::User),
            hosts: Vec::new(),
            common_name: common_name.map(str::to_owned),
            validity,
        };
        may_sign(AuthorityKind::Client, &peer, &asked, &cluster(), USER)
    };
    let granted = user(Some("alice"), None).unwrap();
    assert_eq!(
        (
            granted.profile,
            &*granted.common_name,
            granted.validity,
            granted.names.len()
        ),
        (Profile::Client, "alice", USER, 0)
    );
    assert_eq!(granted.organization, None);
    assert_eq!(user(None, None), Err(Refusal::CommonName));
    assert_eq!(user(Some("alice"), Some(USER)), Err(Refusal::Validity("user")));
    let token = |validity| {
        let asked = Asked {
            validity,
            ..asked(Wanted::TokenSigner)
        };
        may_sign(AuthorityKind::Cluster, &peer, &asked, &cluster(), USER)
    };
    assert_eq!(token(Some(USER)).unwrap().validity, USER);
    assert!(token(Some(Duration::ZERO)).is_err() && token(Some(Duration::MAX)).is_err());
    let named = Asked {
        common_name: Some("alice".to_owned()),
        ..asked(Wanted::Node(Manager))
    };
    let refused = may_sign(
        AuthorityKind::Cluster,
        &node("m1", Manager),
        &named,
        &cluster(),
        USER,
    );
    assert_eq!(refused, Err(Refusal::CommonName));
    let nothing = may_sign(
        AuthorityKind::Cluster,
        &node("m1", Manager),
        &Asked::default(),
        &cluster(),
        USER,
    );
    assert_eq!(nothing, Err(Refusal::UnknownKind));
}

fn certificate(
    common_name: &str,
    unit: Option<&str>,
    organization: Option<&str>,
    profile: Profile,
) -> Holder {
    let now = Timestamp::from_secs(1_900_000_000);
    let authority = Authority::create(AuthorityKind::Cluster, "swarm1", now, &mut rng()).unwrap();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let request = CertificateRequest {
        profile,
        common_name: common_name.to_owned(),
        organization: organization.map(str::to_owned),
        organizational_unit: unit.map(str::to_owned),
        names: names(&["m1"]),
        public_key: pair.public_key().clone(),
        validity: Duration::from_secs(3600),
    };
    Holder::of(authority.issue(&request, now, &mut rng()).unwrap().der()).unwrap()
}

/// ARCH-010, pki-01: who may use the engine of another node: managers and controllers of this cluster with a certificate of
/// the cluster, nobody else.
#[test]
fn sec_pki_01_who_may_use_an_engine() {
    let cases = [
        (Trust::Cluster, Some("ucp-manager"), Some("swarm1"), true),
        (Trust::Cluster, Some("ucp-controller"), Some("swarm1"), true),
        (Trust::Cluster, Some("ucp-worker"), Some("swarm1"), false),
        (Trust::Cluster, Some("ucp-kv"), Some("swarm1"), false),
        (Trust::Cluster, Some("swarm-manager"), Some("swarm1"), false),
        (Trust::Cluster, None, Some("swarm1"), false),
        (Trust::Cluster, Some("ucp-manager"), Some("swarm2"), false),
        (Trust::Cluster, Some("ucp-manager"), None, false),
        (Trust::Swarm, Some("swarm-manager"), Some("swarm1"), false),
        (Trust::Swarm, Some("swarm-worker"), Some("swarm1"), false),
        (Trust::Swarm, Some("ucp-manager"), Some("swarm1"), false),
    ];
    for (trust, unit, organization, allowed) in cases {
        let holder = certificate("m1", unit, organization, Profile::Node);
        let decision = may_use_engine(trust, &holder, "swarm1");
        assert_eq!(
            decision.is_ok(),
            allowed,
            "{trust:?} {unit:?} {organization:?}: {decision:?}"
        );
    }
    // A cluster that does not know itself lets nobody in.
    let holder = certificate("m1", Some("ucp-manager"), None, Profile::Node);
    assert!(matches!(
        Peer::of(Trust::Cluster, &holder, ""),
        Err(PeerError::OtherCluster { .. })
    ));
}

/// PKI-011: the label is a list with commas; spaces and empty parts mean nothing, and one wrong name spoils no other.
#[test]
fn labels_are_lists() {
    let (found, wrong) =
        label_names(" a.example.com,,10.0.0.9 , https://x/ ,bad name,a.example.com,host:443");
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["a.example.com", "10.0.0.9", "https://x/"]);
    assert_eq!(wrong, ["bad name", "host:443"]);
}

proptest! {
    /// PKI-002: whatever anybody asks for, nobody but a manager by both accounts gets a certificate that says manager or
    /// carries the name of managers.
    #[test]
    fn nobody_else_becomes_a_manager(
        kind in 0_usize..3, id in prop::sample::select(vec!["m1", "m2", "w1", "gone"]), is_manager: bool,
        wanted in 0_usize..9, hosts in prop::collection::vec("[a-z-]{1,12}", 0..3), user in prop::option::of("[a-z]{1,8}"),
        client: bool,
    ) {
        let role = if is_manager { Manager } else { Worker };
        let peer = match kind { 0 => swarm(id, role), 1 => node(id, role), _ => controller(id) };
        let asked = Asked {
            wanted: Some(all_wanted()[wanted]),
            hosts: hosts.iter().filter_map(|host| host.parse().ok()).collect(),
            common_name: user,
            validity: None,
        };
        let authority = if client { AuthorityKind::Client } else { AuthorityKind::Cluster };
        let cluster = cluster();
        if let Ok(granted) = may_sign(authority, &peer, &asked, &cluster, USER) {
            let in_swarm = cluster.nodes[id].role;
            let both = peer.role() == Manager && in_swarm == Manager;
            let says = granted.organizational_unit.as_deref() == Some("ucp-manager")
                || granted.names.contains(&SubjectAltName::Dns("ucp-manager".to_owned()))
                || granted.profile == Profile::TokenSigner;
            prop_assert!(both || !says);
            prop_assert!(granted.organizational_unit.is_none() || granted.common_name == id);
        }
    }
}
