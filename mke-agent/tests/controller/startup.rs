//! Starting, stopping and starting again.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use mke_agent::controller::{Options, StartError};
use serde_json::{Value, json};

use crate::support::client::{Bundle, Client, Identity};
use crate::support::{ADMIN, Controller, PASSWORD};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// ARCH-012: everything outlives a restart: accounts, sessions, bundles, the cluster's identity, its authorities.
#[tokio::test]
async fn a_restart_keeps_everything() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let token = admin.token.clone();
    let identity = admin.bundle().await.identity();
    admin
        .post("/collections", json!({ "name": "prod" }))
        .await
        .created();
    let data = controller.dir.path().join("data");
    let files = ["cluster-id", "ca.pem", "cert.pem", "cluster-ca.pem"];
    let before: Vec<_> = files
        .iter()
        .map(|name| std::fs::read(data.join(name)).unwrap())
        .collect();
    let dir = controller.stop().await;
    let controller = Controller::start_in(dir, |options| options.admin_password = None).await;
    let after: Vec<_> = files
        .iter()
        .map(|name| std::fs::read(data.join(name)).unwrap())
        .collect();
    assert_eq!(before, after);
    let mut admin = controller.anonymous();
    admin.token = token;
    assert_eq!(admin.get("/collectionByPath?path=/prod").await.status, 200);
    assert_eq!(
        controller.with_certificate(&identity).get("/id").await.ok()["name"],
        ADMIN
    );
    controller.login(ADMIN, PASSWORD).await;
}

/// authn-14: a second start makes no second administrator and changes no password.
#[tokio::test]
async fn sec_authn_14_the_first_administrator_is_made_once() {
    let dir = Controller::start().await.stop().await;
    let controller = Controller::start_in(dir, |options| {
        options.admin_username = "other".parse().unwrap();
        options.admin_password = Some("another password".to_owned().into());
    })
    .await;
    let admin = controller.admin().await;
    assert_eq!(admin.get("/accounts/other").await.status, 404);
    assert_eq!(
        admin.get("/accounts?filter=admins").await.ok()["resourceCount"],
        1
    );
}

/// What the first start writes: credentials and bundle for their owner only, a ready file when requests are answered.
#[tokio::test]
async fn the_first_start_hands_out_credentials() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let (credentials, bundle, ready) = (
        dir.path().join("credentials.json"),
        dir.path().join("bundle"),
        dir.path().join("ready.json"),
    );
    let controller = Controller::start_in(dir.clone(), |options| {
        options.admin_password = None;
        options.initial_credentials = Some(credentials.clone());
        options.admin_bundle = Some(bundle.clone());
        options.ready_file = Some(ready.clone());
    })
    .await;
    let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let given = read(&credentials);
    assert_eq!(given["username"], ADMIN);
    assert_eq!(given["url"], format!("https://127.0.0.1:{}", controller.port()));
    controller.login(ADMIN, given["password"].as_str().unwrap()).await;
    assert_eq!(read(&ready)["pid"], std::process::id());
    let text = |name: &str| std::fs::read_to_string(bundle.join(name)).unwrap();
    let identity = Identity {
        certificate: text("cert.pem"),
        key: text("key.pem"),
    };
    assert_eq!(
        controller.with_certificate(&identity).get("/id").await.ok()["name"],
        ADMIN
    );
    let data = dir.path().join("data");
    for private in [
        credentials.clone(),
        bundle.join("key.pem"),
        data.join("sealing.key"),
        data.join("store.db"),
    ] {
        assert_eq!(mode(&private), 0o600, "{}", private.display());
    }
    assert_eq!((mode(&data), mode(&bundle)), (0o700, 0o700));
}

/// pki-08: the keys in the store are sealed; without the sealing key there is no start, and none is made in its place.
#[tokio::test]
async fn sec_pki_08_keys_are_sealed_at_rest() {
    let dir = Controller::start().await.stop().await;
    let data = dir.path().join("data");
    for entry in std::fs::read_dir(&data).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("PRIVATE KEY"));
    }
    let key = std::fs::read(data.join("sealing.key")).unwrap();
    std::fs::remove_file(data.join("sealing.key")).unwrap();
    let refused = Controller::try_start_in(dir.clone(), |_| {}).await;
    assert!(matches!(refused, Err(StartError::Setup(_))));
    assert!(!data.join("sealing.key").exists());
    std::fs::write(data.join("sealing.key"), [7; 32]).unwrap();
    let refused = Controller::try_start_in(dir.clone(), |_| {}).await;
    assert!(matches!(refused, Err(StartError::Authority(_))));
    std::fs::write(data.join("sealing.key"), key).unwrap();
    Controller::start_in(dir, |_| {}).await;
}

/// A port in use and a data directory in use are named.
#[tokio::test]
async fn what_is_in_use_is_named() {
    let controller = Controller::start().await;
    let port = controller.port();
    let fresh = Arc::new(tempfile::tempdir().unwrap());
    let busy = Controller::try_start_in(fresh, |options| {
        options.listen = vec![([127, 0, 0, 1], port).into()];
    })
    .await;
    let error = busy.err().unwrap();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    let same = Controller::try_start_in(controller.dir.clone(), |_| {}).await;
    assert!(matches!(same, Err(StartError::Store(_))));
}

/// PKI-004: an operator's own certificate is served after it was checked.
#[tokio::test]
async fn an_external_certificate_is_checked() {
    use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile};
    use mke_core::time::{Clock, SystemClock};
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let now = SystemClock.now();
    let authority = Authority::create(AuthorityKind::Cluster, "corporate", now, &mut rng).unwrap();
    let pair = KeyPair::generate(&mut rng).unwrap();
    let mut request = CertificateRequest {
        profile: Profile::Server,
        common_name: "mke.example.com".to_owned(),
        organization: None,
        organizational_unit: None,
        names: vec!["localhost".parse().unwrap()],
        public_key: pair.public_key().clone(),
        validity: std::time::Duration::from_secs(3600),
    };
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let folder = dir.path().join("certs");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("ca.pem", &authority.certificate_pem());
    write("key.pem", pair.private_key_pem().expose());
    write(
        "cert.pem",
        &authority.issue(&request, now, &mut rng).unwrap().pem(),
    );
    let start = async || {
        Controller::try_start_in(dir.clone(), |options| {
            options.external_server_cert = Some(folder.clone())
        })
        .await
    };
    let refused = start().await.err().unwrap();
    let StartError::Authority(problem) = refused else {
        panic!("{refused}")
    };
    assert!(problem.to_string().contains("127.0.0.1"), "{problem}");
    request.names.push("127.0.0.1".parse().unwrap());
    write(
        "cert.pem",
        &authority.issue(&request, now, &mut rng).unwrap().pem(),
    );
    let controller = start().await.unwrap();
    let ca = authority.certificate_pem();
    let client = Client::new(controller.port(), ca.as_bytes(), None);
    assert_eq!(client.get("/ca").await.text(), ca);
    let bundle: Bundle = controller.admin().await.bundle().await;
    assert_eq!(bundle.text("ca.pem"), ca);
    controller.stop().await;
    std::fs::remove_file(folder.join("key.pem")).unwrap();
    assert!(start().await.is_err());
}

/// Stopping finishes: the port is free again and the store is closed.
#[tokio::test]
async fn stopping_frees_everything() {
    let port = mke_test_support::free_port();
    let there = |options: &mut Options| options.listen = vec![([127, 0, 0, 1], port).into()];
    let controller = Controller::start_in(Arc::new(tempfile::tempdir().unwrap()), there).await;
    let client = controller.admin().await;
    let dir = controller.stop().await;
    assert!(client.try_send(client.request("GET", "/ca")).await.is_err());
    Controller::start_in(dir, there).await;
}
