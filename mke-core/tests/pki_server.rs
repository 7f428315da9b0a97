//! Server certificates that an administrator brings, made by OpenSSL.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod pki_support;

use mke_core::pki::chain::{ChainPart, ChainProblem, ServerIdentity, verify_server_bundle};
use mke_core::pki::{AuthorityKind, KeyFault, PkiError, Profile, PublicKey};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use pki_support::*;

const SERVER: &str = "subjectAltName=DNS:mke.example.com,DNS:*.apps.example.com,IP:10.0.0.1,IP:2001:db8::1,\
                      URI:https://mke.example.com/\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n";

/// A root, an intermediate below it, and a server's certificate `server` below that one.
fn corporate(key_kind: &str) -> OpenSsl {
    let ssl = OpenSsl::new();
    ssl.root("root", "/CN=root");
    ssl.leaf(
        "middle",
        "root",
        "-newkey rsa:2048",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n",
    );
    ssl.leaf("server", "middle", key_kind, SERVER);
    ssl
}

struct Bundle {
    ca: String,
    chain: String,
    key: String,
}

impl Bundle {
    fn of(ssl: &OpenSsl) -> Self {
        Self {
            ca: ssl.read("root.pem"),
            chain: ssl.read("server.pem") + &ssl.read("middle.pem"),
            key: ssl.read("server.key"),
        }
    }

    fn verify(&self, addresses: &[&str], at: Timestamp) -> Result<ServerIdentity, Vec<ChainProblem>> {
        verify_server_bundle(
            &self.ca,
            &self.chain,
            &Secret::new(self.key.as_str()),
            &names(addresses),
            at,
        )
    }

    fn problems(&self, addresses: &[&str]) -> Vec<ChainProblem> {
        self.verify(addresses, now()).unwrap_err()
    }
}

/// PKI-004, PKI-010: chains with RSA, P-256, P-384 and Ed25519 keys, each key in every form that OpenSSL writes.
#[test]
fn openssl_chains_are_accepted() {
    for (kind, old_form) in [
        ("-newkey rsa:2048", Some("rsa -traditional")),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-256", Some("ec")),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-384", Some("ec")),
        ("-newkey ed25519", None),
    ] {
        let ssl = corporate(kind);
        let mut bundle = Bundle::of(&ssl);
        let addresses = [
            "mke.example.com",
            "a.apps.example.com",
            "*.apps.example.com",
            "10.0.0.1",
            "2001:db8::1",
            "https://mke.example.com/",
        ];
        let identity = bundle
            .verify(&addresses, now())
            .unwrap_or_else(|found| panic!("{kind}: {found:?}"));
        assert_eq!(identity.chain().len(), 2);
        assert_eq!(
            identity.public_key(),
            &PublicKey::from_pem(&ssl.run("x509 -in server.pem -pubkey -noout")).unwrap()
        );
        if let Some(old_form) = old_form {
            bundle.key = ssl.run(&format!("{old_form} -in server.key"));
            assert!(!bundle.key.contains("BEGIN PRIVATE KEY"), "{kind}");
            let again = bundle
                .verify(&addresses, now())
                .unwrap_or_else(|found| panic!("{kind}: {found:?}"));
            assert_eq!(again.public_key(), identity.public_key(), "{kind}");
        }
        assert!(!format!("{identity:?}").contains("key: ["));
    }
}

/// PKI-004: what this project issued for a server is accepted the same way.
#[test]
fn own_server_certificates_are_accepted() {
    let root = authority(AuthorityKind::Cluster);
    let (issued, key) = issue(&root, Profile::Server);
    let identity = verify_server_bundle(
        &root.certificate_pem(),
        &issued.pem(),
        &key.private_key_pem(),
        &names(&["mke.example.com"]),
        now(),
    )
    .unwrap();
    assert_eq!(identity.not_after(), issued.not_after());
    assert_eq!(identity.chain(), [issued.der()]);
}

/// PKI-006: the key of another certificate, of another kind, encrypted, or no key at all.
#[test]
fn keys_must_belong_to_the_certificate() {
    let ssl = corporate("-newkey ec -pkeyopt ec_paramgen_curve:P-256");
    let mut bundle = Bundle::of(&ssl);
    ssl.run("genpkey -algorithm ED25519 -out ed.key");
    ssl.run("ecparam -name prime256v1 -genkey -out p256.key");
    ssl.run("ecparam -name prime256v1 -genkey -noout -out p256-bare.key");
    ssl.run("ecparam -name secp384r1 -genkey -noout -out p384.key");
    ssl.run("rsa -traditional -in root.key -out rsa.key");
    for other in [
        "root.key",
        "middle.key",
        "ed.key",
        "p256-bare.key",
        "p384.key",
        "rsa.key",
    ] {
        bundle.key = ssl.read(other);
        assert_eq!(bundle.problems(&[]), [ChainProblem::KeyMismatch], "{other}");
    }
    let unreadable = |fault| ChainProblem::Unreadable {
        part: ChainPart::Key,
        fault: PkiError::Key {
            what: "private key",
            fault,
        },
    };
    ssl.run("pkcs8 -topk8 -in server.key -out new-encrypted.key -passout pass:x");
    ssl.run("ec -aes128 -in server.key -out old-encrypted.key -passout pass:x");
    for (file, fault) in [
        ("new-encrypted.key", KeyFault::Encrypted),
        ("old-encrypted.key", KeyFault::Encrypted),
        ("server.pem", KeyFault::Certificate),
        ("server.csr", KeyFault::Pem),
        ("server.ext", KeyFault::Pem),
    ] {
        bundle.key = ssl.read(file);
        assert_eq!(bundle.problems(&[]), [unreadable(fault)], "{file}");
    }
    bundle.key = ssl.read("server.key").repeat(2);
    assert_eq!(bundle.problems(&[]), [unreadable(KeyFault::Pem)], "two keys");
    bundle.key = String::new();
    assert_eq!(
        bundle.problems(&[]),
        [ChainProblem::Missing { part: ChainPart::Key }]
    );
}

/// PKI-010: every address that the certificate does not name is reported.
#[test]
fn addresses_must_be_named() {
    let ssl = corporate("-newkey rsa:2048");
    let bundle = Bundle::of(&ssl);
    let refused = [
        "lb.example.com",
        "example.com",
        "apps.example.com",
        "a.b.apps.example.com",
        "10.0.0.2",
        "::1",
        "https://lb.example.com/",
        "*.example.com",
    ];
    let mut asked = vec!["mke.example.com", "10.0.0.1"];
    asked.extend(refused);
    let expected: Vec<_> = names(&refused)
        .into_iter()
        .map(|address| ChainProblem::NameNotCovered { address })
        .collect();
    assert_eq!(bundle.problems(&asked), expected);
}

/// PKI-004: missing intermediates, wrong order, a foreign authority, a self-signed certificate as its own.
#[test]
fn chains_must_be_complete() {
    let ssl = corporate("-newkey rsa:2048");
    ssl.root("other", "/CN=root");
    let with = |ca: &str, chain: String, key: &str| Bundle {
        ca: ssl.read(ca),
        chain,
        key: ssl.read(key),
    };
    let whole = || ssl.read("server.pem") + &ssl.read("middle.pem");
    let good = with("root.pem", whole() + &ssl.read("root.pem"), "server.key");
    assert!(good.verify(&[], now()).is_ok(), "the root may be sent along");
    let good = with("middle.pem", ssl.read("server.pem"), "server.key");
    assert!(
        good.verify(&[], now()).is_ok(),
        "an intermediate may be the authority"
    );

    let incomplete = [ChainProblem::Incomplete];
    assert_eq!(
        with("root.pem", ssl.read("server.pem"), "server.key").problems(&[]),
        incomplete
    );
    assert_eq!(with("other.pem", whole(), "server.key").problems(&[]), incomplete);
    let turned = with(
        "root.pem",
        ssl.read("middle.pem") + &ssl.read("server.pem"),
        "server.key",
    );
    assert_eq!(
        turned.problems(&[]),
        [ChainProblem::KeyMismatch, ChainProblem::IsAuthority]
    );
    let long = with(
        "root.pem",
        whole() + &ssl.read("middle.pem").repeat(8),
        "server.key",
    );
    assert_eq!(long.problems(&[]), [ChainProblem::TooLong { found: 10, max: 9 }]);
    let not_authority = with("server.pem", whole(), "server.key");
    assert!(matches!(
        not_authority.problems(&[])[..],
        [
            ChainProblem::NotAuthority { position: 1, .. },
            ChainProblem::Incomplete
        ]
    ));
}

/// PKI-006: everything that is wrong is said at once.
#[test]
fn all_problems_come_at_once() {
    let ssl = corporate("-newkey rsa:2048");
    ssl.leaf(
        "client",
        "middle",
        "-newkey rsa:2048",
        "extendedKeyUsage=clientAuth\n",
    );
    let bundle = Bundle {
        ca: ssl.read("root.pem"),
        chain: ssl.read("client.pem"),
        key: ssl.read("server.key"),
    };
    let late = now().plus(25 * DAY);
    let problems = bundle.verify(&["mke.example.com"], late).unwrap_err();
    assert!(
        matches!(
            problems[..],
            [
                ChainProblem::KeyMismatch,
                ChainProblem::Expired {
                    part: ChainPart::Chain,
                    position: 1,
                    ..
                },
                ChainProblem::WrongPurpose,
                ChainProblem::NameNotCovered { .. },
                ChainProblem::Incomplete,
            ]
        ),
        "{problems:?}"
    );

    let whole = Bundle::of(&ssl);
    let problems = whole.verify(&[], now().minus(DAY)).unwrap_err();
    assert_eq!(
        problems.len(),
        3,
        "each of the three is not valid yet: {problems:?}"
    );
    assert!(
        problems
            .iter()
            .all(|problem| matches!(problem, ChainProblem::NotYetValid { .. }))
    );
    let problems = whole.verify(&[], now().plus(40 * DAY)).unwrap_err();
    assert_eq!(problems.len(), 3, "each of the three has expired: {problems:?}");

    let nothing = verify_server_bundle(" \n", "", &Secret::default(), &[], now()).unwrap_err();
    assert_eq!(
        nothing,
        [ChainPart::Authority, ChainPart::Chain, ChainPart::Key].map(|part| ChainProblem::Missing { part })
    );
}

/// pki-12: a chain with a short RSA key does not serve.
#[test]
fn sec_pki_12_short_server_keys_are_refused() {
    let ssl = corporate("-newkey rsa:1024");
    let problems = Bundle::of(&ssl).problems(&[]);
    assert!(
        problems.iter().any(|problem| matches!(
            problem,
            ChainProblem::Unreadable {
                part: ChainPart::Chain,
                fault: PkiError::Key {
                    fault: KeyFault::TooShort { found: 1024, .. },
                    ..
                }
            }
        )),
        "{problems:?}"
    );
}
