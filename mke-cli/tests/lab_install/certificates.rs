//! Certificates that somebody puts into volumes before an installation.

use std::path::Path;
use std::time::Duration;

use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile};
use mke_core::time::{Clock as _, SystemClock};
use mke_test_support::lab::Node;

/// Puts files into a volume, as the guide says.
fn put(node: Node<'_>, dir: &Path, volume: &str, files: &[(&str, &str)]) {
    node.docker(&["volume", "create", volume]);
    let mount = format!("{volume}:/v");
    node.docker(&[
        "create",
        "--name",
        "put",
        "--volume",
        &mount,
        "mirantis/ucp:3.4.15",
    ]);
    for (name, text) in files {
        let file = dir.join(name);
        std::fs::write(&file, text).unwrap();
        node.docker(&["cp", file.to_str().unwrap(), "put:/v/"]);
    }
    node.docker(&["rm", "put"]);
}

/// A certificate of somebody else for this node in the volume of the API port, and an authority of the cluster in its own. Gives
/// both authorities.
pub(crate) fn put_certificates(node: Node<'_>) -> [String; 2] {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let now = SystemClock.now();
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::create(AuthorityKind::Cluster, "corporate", now, &mut rng).unwrap();
    let pair = KeyPair::generate(&mut rng).unwrap();
    let request = CertificateRequest {
        profile: Profile::Server,
        common_name: "mke.example.com".to_owned(),
        organization: None,
        organizational_unit: None,
        names: vec![
            "mke.example.com".parse().unwrap(),
            node.ip().to_string().parse().unwrap(),
        ],
        public_key: pair.public_key().clone(),
        validity: Duration::from_secs(30 * 86_400),
    };
    let served = authority.issue(&request, now, &mut rng).unwrap().pem();
    let key = pair.private_key_pem();
    let files = [
        ("ca.pem", &*authority.certificate_pem()),
        ("cert.pem", &*served),
        ("key.pem", key.expose()),
    ];
    put(node, dir.path(), "ucp-controller-server-certs", &files);
    let kept = Authority::create(AuthorityKind::Cluster, "earlier", now, &mut rng).unwrap();
    let key = kept.key_pem();
    let files = [("cert.pem", &*kept.certificate_pem()), ("key.pem", key.expose())];
    put(node, dir.path(), "ucp-cluster-root-ca", &files);
    [authority.certificate_pem(), kept.certificate_pem()]
}
