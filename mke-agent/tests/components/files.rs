//! The certificate files of a manager: planned, written, found to be right, and made anew for a reason.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use mke_agent::ca::certificates::{self as files, Action, Authorities, Place, Problem, Reason};
use mke_agent::ca::keys::{self, External};
use mke_agent::ca::{CaClient, bootstrap};
use mke_core::pki::{Authority, AuthorityKind, SubjectAltName, parse_certificates};
use mke_core::render::NodeRole;
use mke_core::seal::SealingKey;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::time::{SystemClock, Timestamp};

use crate::certificates::external;
use crate::world::{World, now, rng, run};

const DAY: Duration = Duration::from_secs(86_400);

fn plan(world: &World, hosts: &[SubjectAltName], external: Option<&External>, now: Timestamp) -> files::Plan {
    let (cluster_ca, client_ca) = (world.authority.certificate_pem(), world.client.certificate_pem());
    let mut target = world.target(&cluster_ca, &client_ca, hosts);
    target.external = external;
    target.keep_foreign = external.is_some();
    let observed = files::observe(&world.volumes(), NodeRole::Manager);
    files::plan(&target, &observed, now)
}

fn reasons(plan: &files::Plan) -> Vec<(Place, &Reason)> {
    plan.actions
        .iter()
        .filter_map(|action| match action {
            Action::Issue { place, reason, .. } => Some((*place, reason)),
            _ => None,
        })
        .collect()
}

/// PKI-002, PKI-011, INST-023: what a first manager needs is issued once and then left alone; keys are private; new names,
/// names that were taken away, the end of a certificate, a damaged file and another authority are each a reason to issue
/// exactly that certificate again.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_kept_right() {
    let world = World::start().await;
    assert!(plan(&world, &[], None, now()).is_empty());
    for place in Place::of(NodeRole::Manager) {
        let key = world.volume(place.volume()).join("key.pem");
        assert_eq!(
            std::fs::metadata(key).unwrap().permissions().mode() & 0o777,
            0o600,
            "{place:?}"
        );
    }
    for volume in ["ucp-cluster-root-ca", "ucp-client-root-ca"] {
        let key = world.volume(volume).join("key.pem");
        assert_eq!(
            std::fs::metadata(key).unwrap().permissions().mode() & 0o777,
            0o400,
            "{volume}"
        );
    }
    let lb: Vec<SubjectAltName> = vec!["lb.example.com".parse().unwrap()];
    let changed = plan(&world, &lb, None, now());
    let [(Place::ControllerServer, Reason::Names { missing, extra })] = &reasons(&changed)[..] else {
        panic!("{changed:?}")
    };
    assert_eq!((missing, extra.len()), (&lb, 0));
    world.bring_up_to_date(&lb, now()).await;
    assert!(plan(&world, &lb, None, now()).is_empty());
    let served = world.volume("ucp-controller-server-certs/cert.pem");
    let mut command = Command::new("openssl");
    command
        .args(["x509", "-noout", "-ext", "subjectAltName", "-in"])
        .arg(&served);
    let shown = String::from_utf8(run(&mut command).await.stdout).unwrap();
    assert!(shown.contains("DNS:lb.example.com"), "{shown}");
    assert!(matches!(
        &reasons(&plan(&world, &[], None, now()))[..],
        [(Place::ControllerServer, Reason::Names { missing, extra })] if missing.is_empty() && *extra == lb
    ));

    // The node's own certificate lives 90 days, the others a year.
    assert!(plan(&world, &lb, None, now().plus(50 * DAY)).is_empty());
    let due = plan(&world, &lb, None, now().plus(61 * DAY));
    assert!(
        matches!(&reasons(&due)[..], [(Place::Node, Reason::Due { .. })]),
        "{due:?}"
    );
    let late = plan(&world, &lb, None, now().plus(400 * DAY));
    assert_eq!(reasons(&late).len(), Place::of(NodeRole::Manager).len());

    std::fs::write(world.volume("ucp-kv-certs/key.pem"), "damaged").unwrap();
    std::fs::remove_file(world.volume("ucp-auth-api-certs/cert.pem")).unwrap();
    let damaged = plan(&world, &lb, None, now());
    assert!(
        matches!(
            &reasons(&damaged)[..],
            [
                (Place::Kv, Reason::Unusable(_)),
                (Place::AuthApi, Reason::Missing)
            ]
        ),
        "{damaged:?}"
    );
    world.bring_up_to_date(&lb, now()).await;
    assert!(plan(&world, &lb, None, now()).is_empty());

    let other = Authority::create(AuthorityKind::Cluster, &world.cluster.id, now(), &mut rng()).unwrap();
    let (other, client_ca) = (other.certificate_pem(), world.client.certificate_pem());
    let target = world.target(&other, &client_ca, &lb);
    let observed = files::observe(&world.volumes(), NodeRole::Manager);
    let all = files::plan(&target, &observed, now());
    assert_eq!(reasons(&all).len(), Place::of(NodeRole::Manager).len());
    assert!(
        reasons(&all)
            .iter()
            .all(|(_, reason)| **reason == Reason::OtherAuthority),
        "{all:?}"
    );
}

/// Managers that are promoted together: whoever asks for a certificate was told of fewer managers than the authority knows by now.
/// The certificate is issued once, and not again before it is told of all; then it is right.
#[tokio::test(flavor = "multi_thread")]
async fn the_authority_knows_newer_names() {
    let world = World::start().await;
    let mut newer = world.cluster.clone();
    let mut another = newer.nodes[&world.node].clone();
    (another.hostname, another.addresses) = ("another".to_owned(), vec![[10, 0, 0, 9].into()]);
    newer.nodes.insert("another".to_owned(), another);
    let (cluster_ca, client_ca) = (world.authority.certificate_pem(), world.client.certificate_pem());
    let mut target = world.target(&cluster_ca, &client_ca, &[]);
    let look = |target: &files::Target<'_>| {
        let observed = files::observe(&world.volumes(), NodeRole::Manager);
        files::plan(target, &observed, now())
    };
    std::fs::remove_file(world.volume("ucp-controller-server-certs/cert.pem")).unwrap();
    let first = look(&target);
    let issuer = CaClient::at_hand(
        world.authority.clone(),
        world.node.clone(),
        Arc::new(newer.clone()),
        Arc::new(SystemClock),
    );
    let authorities = Authorities {
        cluster: None,
        client: None,
    };
    let done = files::apply(&world.volumes(), &target, &first, &issuer, &authorities).await;
    assert!(
        done.len() == 1 && done.iter().all(|outcome| outcome.result.is_ok()),
        "{done:?}"
    );
    let again = look(&target);
    assert!(
        matches!(&reasons(&again)[..], [(Place::ControllerServer, Reason::Names { missing, .. })] if missing.is_empty())
    );
    target.fresh = &[Place::ControllerServer];
    assert!(look(&target).is_empty());
    // Anything else is a reason all the same.
    std::fs::remove_file(world.volume("ucp-controller-server-certs/key.pem")).unwrap();
    assert_eq!(reasons(&look(&target)).len(), 1);
    files::apply(&world.volumes(), &target, &look(&target), &issuer, &authorities).await;
    target.fresh = &[];
    target.cluster = &newer;
    assert!(look(&target).is_empty());
}

/// PKI-004, PKI-005, INST-009: the operator's own certificate goes to every manager by the store, where it lies sealed; a manager
/// that has another one keeps it only when both share a name; its end is a problem for the operator, not a reason to issue.
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_certificate_is_shared() {
    let world = World::start().await;
    let shared = external(&["mke.example.com", "one.example.com"]);
    let store = SqliteStore::open(world.dir.path().join("store.db"), SqliteOptions::default()).unwrap();
    let sealing = SealingKey::generate(&mut rng());
    keys::publish_external(&store, &sealing, &shared).await.unwrap();
    keys::publish(&store, &sealing, AuthorityKind::Cluster, &world.authority)
        .await
        .unwrap();
    let raw = std::fs::read(world.dir.path().join("store.db")).unwrap();
    assert!(!String::from_utf8_lossy(&raw).contains("PRIVATE KEY"));
    let fetched = keys::fetch_external(&store, &sealing).await.unwrap().unwrap();
    assert_eq!(
        (&fetched.chain_pem, fetched.key.expose()),
        (&shared.chain_pem, shared.key.expose())
    );
    let authority = keys::fetch(&store, &sealing, AuthorityKind::Cluster)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(authority.certificate_der(), world.authority.certificate_der());
    assert!(
        keys::fetch(&store, &sealing, AuthorityKind::Client)
            .await
            .unwrap()
            .is_none()
    );
    let stolen = SealingKey::generate(&mut rng());
    assert!(keys::fetch_external(&store, &stolen).await.is_err());

    let promoted = plan(&world, &[], Some(&fetched), now());
    assert!(
        matches!(&promoted.actions[..], [Action::CopyExternal { .. }]),
        "{promoted:?}"
    );
    let (cluster_ca, client_ca) = (world.authority.certificate_pem(), world.client.certificate_pem());
    let mut target = world.target(&cluster_ca, &client_ca, &[]);
    target.external = Some(&fetched);
    target.keep_foreign = true;
    let issuer = mke_agent::ca::CaClient::new(&world.swarm_certificate(), Vec::new()).unwrap();
    let authorities = files::Authorities {
        cluster: None,
        client: None,
    };
    let outcomes = files::apply(&world.volumes(), &target, &promoted, &issuer, &authorities).await;
    assert!(outcomes[0].result.is_ok(), "{outcomes:?}");
    let served = std::fs::read_to_string(world.volume("ucp-controller-server-certs/cert.pem")).unwrap();
    assert_eq!(served, shared.chain_pem);
    let settled = plan(&world, &[], Some(&fetched), now());
    assert!(settled.is_empty() && settled.problems.is_empty(), "{settled:?}");
    let over = plan(&world, &[], Some(&fetched), now().plus(31 * DAY));
    assert!(matches!(&over.problems[..], [Problem::External(_)]), "{over:?}");
    assert!(!over.actions.iter().any(|action| matches!(
        action,
        Action::Issue {
            place: Place::ControllerServer,
            ..
        } | Action::CopyExternal { .. }
    )));

    for (names, problems) in [
        (&["two.example.com", "mke.example.com"][..], &[][..]),
        (&["two.example.com"][..], &[Problem::NoCommonName][..]),
    ] {
        let separate = external(names);
        write(&world, &separate);
        let plan = plan(&world, &[], Some(&fetched), now());
        assert!(plan.is_empty(), "{plan:?}");
        assert_eq!(plan.problems, problems);
    }
}

fn write(world: &World, external: &External) {
    let dir = world.volume("ucp-controller-server-certs");
    std::fs::write(dir.join("ca.pem"), &external.ca_pem).unwrap();
    std::fs::write(dir.join("cert.pem"), &external.chain_pem).unwrap();
    std::fs::write(dir.join("key.pem"), external.key.expose()).unwrap();
}

/// PKI-003, INST-009: both authorities live 20 years by OpenSSL's account; certificates that are kept keep their serial numbers,
/// and without that a new installation makes new ones. Half an authority is neither used nor overwritten.
#[tokio::test(flavor = "multi_thread")]
async fn authorities_live_long_and_can_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let make = |preserve| bootstrap::authority(dir.path(), AuthorityKind::Client, "c", preserve, now());
    let (first, made) = make(false).unwrap();
    assert!(made);
    let (kept, made) = make(true).unwrap();
    assert!(!made);
    assert_eq!(first.certificate_der(), kept.certificate_der());
    let cert = dir.path().join("ucp-client-root-ca/cert.pem");
    let mut command = Command::new("openssl");
    // A day less than 20 years.
    command
        .args(["x509", "-noout", "-checkend", "630720000", "-in"])
        .arg(&cert);
    let output = run(&mut command).await;
    assert!(output.status.success(), "{output:?}");
    let (second, made) = make(false).unwrap();
    assert!(made && second.certificate_der() != first.certificate_der());
    std::fs::remove_file(dir.path().join("ucp-client-root-ca/key.pem")).unwrap();
    assert!(make(true).is_err());
    assert_eq!(
        parse_certificates(&std::fs::read_to_string(&cert).unwrap()).unwrap()[0],
        second.certificate_der()
    );
    assert!(make(true).is_err());
}
