//! The two authorities over the network.

use std::process::Command;

use mke_agent::ca::{Asked, CaClient, CaError, Component, Wanted};
use mke_agent::mtls::Material;
use mke_core::pki::{
    Authority, AuthorityKind, Holder, KeyPair, Profile, SigningRequest, SubjectAltName, parse_certificates,
};
use mke_core::render::NodeRole;
use mke_core::secret::Secret;

use crate::world::{World, curl, now, rng, run};

fn holder(pem: &str) -> Holder {
    Holder::of(&parse_certificates(pem).unwrap()[0]).unwrap()
}

/// PKI-002, PKI-003, pki-01: a node joins with the certificate that the real swarm gave it, renews with the one it got, gets
/// the certificates of a manager's components, and its controller those of users; OpenSSL verifies each for its purpose and
/// refuses it for the other one. Nobody gets what is another's.
#[tokio::test(flavor = "multi_thread")]
async fn sec_pki_01_a_manager_gets_its_certificates() {
    let world = World::start().await;
    let cluster = world.ca(AuthorityKind::Cluster).await;
    let client = world.ca(AuthorityKind::Client).await;

    let joining = CaClient::new(&world.swarm_certificate(), vec![cluster]).unwrap();
    let node = joining
        .issue(Wanted::Node(NodeRole::Manager), Vec::new())
        .await
        .unwrap();
    let says = holder(&node.chain_pem);
    assert_eq!(says.common_name, world.node);
    assert_eq!(says.organizational_unit.as_deref(), Some("ucp-manager"));
    assert_eq!(says.organization.as_deref(), Some(&*world.cluster.id));
    assert!(says.names.contains(&SubjectAltName::Dns(world.node.clone())));
    let days = says.not_after.since(says.not_before).as_secs() / 86_400;
    assert_eq!(days, 90);
    // The certificate of the swarm is for the node alone.
    for wanted in [Wanted::Component(Component::Kv), Wanted::TokenSigner] {
        let refused = joining.issue(wanted, Vec::new()).await;
        assert!(matches!(refused, Err(CaError::Refused { .. })), "{refused:?}");
    }

    let ca_pem = world.authority.certificate_pem();
    let material = Material::from_pem("the test", &ca_pem, &node.chain_pem, &node.key).unwrap();
    let manager = CaClient::new(&material, vec![cluster]).unwrap();
    let renewed = manager
        .issue(Wanted::Node(NodeRole::Manager), Vec::new())
        .await
        .unwrap();
    assert_ne!(holder(&renewed.chain_pem).serial, says.serial);
    let hosts: Vec<SubjectAltName> = vec![
        "lb.example.com".parse().unwrap(),
        "spiffe://c/ui".parse().unwrap(),
    ];
    let server = Wanted::Component(Component::ControllerServer);
    let server = manager.issue(server, hosts.clone()).await.unwrap();
    for name in &hosts {
        assert!(holder(&server.chain_pem).names.contains(name), "{name}");
    }
    let own = manager
        .issue(Wanted::Component(Component::ControllerClient), Vec::new())
        .await
        .unwrap();
    assert!(matches!(
        manager.issue(Wanted::TokenSigner, Vec::new()).await,
        Err(CaError::Refused { .. })
    ));

    let material = Material::from_pem("the test", &ca_pem, &own.chain_pem, &own.key).unwrap();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let csr = SigningRequest::create(&pair, "whoever").unwrap();
    let user = Asked {
        wanted: Some(Wanted::User),
        common_name: Some("alice".to_owned()),
        ..Asked::default()
    };
    let signer = CaClient::new(&material, vec![cluster]).unwrap();
    let signer = signer.issue(Wanted::TokenSigner, Vec::new()).await.unwrap();
    let signs = holder(&signer.chain_pem);
    assert!(!signs.may_serve && !signs.may_call, "tokens are no connections");
    let controller = CaClient::new(&material, vec![client]).unwrap();
    let alice = controller.sign(&csr, &user).await.unwrap();
    assert_eq!(holder(&alice).common_name, "alice");
    assert_eq!(holder(&alice).public_key, *pair.public_key());
    // The node itself, however much a manager, gets no certificates of users.
    let material = Material::from_pem("the test", &ca_pem, &renewed.chain_pem, &renewed.key).unwrap();
    let refused = CaClient::new(&material, vec![client])
        .unwrap()
        .sign(&csr, &user)
        .await;
    assert!(matches!(refused, Err(CaError::Refused { .. })), "{refused:?}");

    let client_ca = world.client.certificate_pem();
    for (what, ca, chain, serves, calls) in [
        ("node", &ca_pem, &renewed.chain_pem, true, true),
        ("server", &ca_pem, &server.chain_pem, true, false),
        ("controller", &ca_pem, &own.chain_pem, false, true),
        ("user", &client_ca, &alice, false, true),
        ("user of the wrong authority", &ca_pem, &alice, false, false),
    ] {
        let dir = world.files("verify", chain, &Secret::new(""));
        std::fs::write(dir.join("ca.pem"), ca).unwrap();
        for (purpose, expected) in [("sslserver", serves), ("sslclient", calls)] {
            let mut command = Command::new("openssl");
            command.args(["verify", "-x509_strict", "-purpose", purpose, "-CAfile"]);
            let output = run(command.arg(dir.join("ca.pem")).arg(dir.join("cert.pem"))).await;
            assert_eq!(
                output.status.success(),
                expected,
                "{what} as {purpose}: {output:?}"
            );
        }
    }
}

/// PKI-002, PKI-003, pki-01: strangers do not get through the handshake at either authority; parts of the cluster that may not
/// ask get a reason; requests whose signature, key or form is wrong are refused.
#[tokio::test(flavor = "multi_thread")]
async fn sec_pki_01_strangers_get_nothing() {
    let world = World::start().await;
    let foreign = Authority::create(AuthorityKind::Cluster, "x", now(), &mut rng()).unwrap();
    let strangers = [
        (
            "another authority",
            world.certificate("foreign", &foreign, Some("ucp-manager"), Profile::Node),
        ),
        (
            "a user",
            world.certificate("user", &world.client, Some("ucp-manager"), Profile::Client),
        ),
        (
            "a server only",
            world.certificate("server", &world.authority, Some("ucp-manager"), Profile::Server),
        ),
    ];
    let worker = world.certificate("worker", &world.authority, Some("ucp-worker"), Profile::Node);
    let nobody = world.certificate("nobody", &world.authority, Some("ucp-kv"), Profile::Node);
    let manager = world.volume("ucp-node-certs");
    let ca = manager.join("ca.pem");
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let csr = SigningRequest::create(&pair, "node").unwrap().pem();
    let body = |profile: &str, csr: &str| {
        serde_json::json!({ "certificate_request": csr, "profile": profile }).to_string()
    };
    for (kind, profile) in [(AuthorityKind::Cluster, "kv"), (AuthorityKind::Client, "user")] {
        let url = format!("https://{}/api/v1/cfssl/sign", world.ca(kind).await);
        let post = body(profile, &csr);
        assert_eq!(
            curl(&url, &ca, None, &["-d", &post]).await.0,
            None,
            "without a certificate"
        );
        for (what, dir) in &strangers {
            assert_eq!(curl(&url, &ca, Some(dir), &["-d", &post]).await.0, None, "{what}");
        }
        for dir in [&worker, &nobody] {
            let (status, text) = curl(&url, &ca, Some(dir), &["-d", &post]).await;
            assert_eq!(status, Some(403), "{text}");
            assert!(
                text.contains("\"success\":false") && !text.contains("BEGIN CERTIFICATE"),
                "{text}"
            );
        }
    }
    let base = format!("https://{}/api/v1/cfssl", world.ca(AuthorityKind::Cluster).await);
    let url = format!("{base}/sign");
    let (status, text) = curl(&url, &ca, Some(&manager), &["-d", &body("kv", &csr)]).await;
    assert_eq!(status, Some(200), "{text}");
    let (status, text) = curl(&format!("{base}/info"), &ca, Some(&manager), &[]).await;
    let info: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &info["result"]["certificate"]),
        (Some(200), &world.authority.certificate_pem().into())
    );
    // Somebody else's key under the own signature, a key that is too short, and forms that are none.
    let forged = forged(&csr, &KeyPair::generate(&mut rng()).unwrap());
    let short = openssl_request(&["-newkey", "rsa:1024"]).await;
    let good = openssl_request(&["-newkey", "rsa:2048"]).await;
    assert_eq!(
        curl(&url, &ca, Some(&manager), &["-d", &body("kv", &good)])
            .await
            .0,
        Some(200)
    );
    for (what, post) in [
        ("forged", body("kv", &forged)),
        ("short key", body("kv", &short)),
        ("no request", body("kv", "")),
        ("a certificate", body("kv", &world.authority.certificate_pem())),
        (
            "unknown field",
            body("kv", &csr).replacen('{', "{\"ca\":true,", 1),
        ),
        ("no JSON", "x".to_owned()),
        (
            "bad name",
            body("controller", &csr).replacen('{', "{\"hosts\":[\"a b\"],", 1),
        ),
    ] {
        let (status, text) = curl(&url, &ca, Some(&manager), &["-d", &post]).await;
        assert_eq!(status, Some(400), "{what}: {text}");
    }
    assert_eq!(curl(&url, &ca, Some(&manager), &[]).await.0, Some(405));
    assert_eq!(
        curl(&format!("{base}/authsign"), &ca, Some(&manager), &["-d", "{}"])
            .await
            .0,
        Some(404)
    );
    let large = format!("@{}", world.dir.path().join("large").display());
    std::fs::write(world.dir.path().join("large"), vec![b'x'; 300 * 1024]).unwrap();
    assert_eq!(
        curl(&url, &ca, Some(&manager), &["--data-binary", &large])
            .await
            .0,
        Some(413)
    );
}

/// The request with the key of another pair in place of its own.
fn forged(csr: &str, other: &KeyPair) -> String {
    let own = SigningRequest::from_pem(csr).unwrap().public_key().der().to_vec();
    let der = parse_pem(csr);
    let at = der.windows(own.len()).position(|window| window == own).unwrap();
    let mut forged = der.clone();
    forged[at..at + own.len()].copy_from_slice(other.public_key().der());
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(forged);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n")
}

fn parse_pem(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

async fn openssl_request(key: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-new", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"])
        .args(key);
    let output = run(&mut command).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
