//! Tokens for registries, verified by OpenSSL and read again by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use getrandom::{SysRng, rand_core::UnwrapErr};
use mke_auth::registry::{Access, Claims, LIFETIME, SigningKey};
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile, certificate_to_pem};
use mke_core::time::Timestamp;
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

/// A key with a certificate, and the authority in PEM.
fn key() -> (SigningKey, String) {
    let mut rng = UnwrapErr(SysRng);
    let root = Authority::create(AuthorityKind::Cluster, "c1", now(), &mut rng).unwrap();
    let pair = KeyPair::generate(&mut rng).unwrap();
    let request = CertificateRequest {
        profile: Profile::TokenSigner,
        common_name: "tokens".to_owned(),
        organization: None,
        organizational_unit: None,
        names: Vec::new(),
        public_key: pair.public_key().clone(),
        validity: LIFETIME,
    };
    let certificate = root.issue(&request, now(), &mut rng).unwrap();
    let key = SigningKey::new(pair, certificate.der().to_vec()).unwrap();
    (key, root.certificate_pem())
}

fn token(key: &SigningKey) -> String {
    let actions = ["pull".to_owned(), "push".to_owned()];
    let access = [Access {
        kind: "repository",
        name: "acme/app",
        actions: &actions,
    }];
    let claims = Claims {
        issuer: "mke",
        subject: "jane",
        audience: "registry.example.com",
        id: "t1",
        issued: now(),
        access: &access,
    };
    key.sign(&claims).unwrap().expose().to_owned()
}

fn part(token: &str, position: usize) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(token.split('.').nth(position).unwrap())
        .unwrap()
}

fn run(directory: &Path, script: &str) -> (bool, String) {
    let output = Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {script}")])
        .current_dir(directory)
        .output()
        .expect("`bash` starts");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).trim().to_owned(),
    )
}

/// `ECDSA-Sig-Value` of RFC 3279, which OpenSSL reads, of the plain form.
fn der(plain: &[u8]) -> Vec<u8> {
    let integer = |half: &[u8]| {
        let start = half.iter().position(|byte| *byte != 0).unwrap();
        let mut value = half[start..].to_vec();
        if value[0] >= 0x80 {
            value.insert(0, 0);
        }
        [vec![2, u8::try_from(value.len()).unwrap()], value].concat()
    };
    let inner = [integer(&plain[..32]), integer(&plain[32..])].concat();
    [vec![0x30, u8::try_from(inner.len()).unwrap()], inner].concat()
}

/// MSR-001: OpenSSL verifies the signature with the key of the certificate, the certificate with the authority, and
/// computes the same id; any change of what was signed breaks the signature.
#[test]
fn openssl_verifies_tokens() {
    let (key, ca) = key();
    let token = token(&key);
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let header: Value = serde_json::from_slice(&part(&token, 0)).unwrap();
    let certificate = STANDARD.decode(header["x5c"][0].as_str().unwrap()).unwrap();
    std::fs::write(at.join("ca.pem"), ca).unwrap();
    std::fs::write(at.join("cert.pem"), certificate_to_pem(&certificate)).unwrap();
    let signature = part(&token, 2);
    assert_eq!(signature.len(), 64);
    std::fs::write(at.join("signature"), der(&signature)).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    std::fs::write(at.join("signed"), signed).unwrap();
    let verify = "openssl dgst -sha256 -verify key.pem -signature signature";
    let (good, text) = run(
        at,
        &format!(
            "openssl verify -x509_strict -attime {} -purpose any -CAfile ca.pem cert.pem && \
             openssl x509 -in cert.pem -pubkey -noout > key.pem && {verify} signed",
            NOW + 60
        ),
    );
    assert!(good, "{text}: `openssl` of package openssl is needed");
    // The certificate opens no connection, neither as a server nor as a client.
    for purpose in ["sslserver", "sslclient"] {
        let script = format!(
            "openssl verify -attime {} -purpose {purpose} -CAfile ca.pem cert.pem",
            NOW + 60
        );
        assert!(!run(at, &script).0, "{purpose}");
    }
    let (good, id) = run(
        at,
        "openssl pkey -pubin -in key.pem -outform DER | openssl dgst -sha256 -binary | head -c 30 | base32 -w0 | fold -w4 | paste -sd:",
    );
    assert!(good, "{id}");
    assert_eq!(header["kid"], json!(id));
    for position in [0, signed.len() / 2, signed.len() - 1] {
        let mut other = signed.as_bytes().to_vec();
        other[position] ^= 1;
        std::fs::write(at.join("other"), other).unwrap();
        assert!(!run(at, &format!("{verify} other")).0, "byte {position}");
    }
}

/// What stands in a token and in the set of keys, whole.
#[test]
fn what_a_token_says() {
    let (key, _) = key();
    let token = token(&key);
    let header: Value = serde_json::from_slice(&part(&token, 0)).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("JWT")));
    assert_eq!(header.as_object().unwrap().len(), 4);
    let claims: Value = serde_json::from_slice(&part(&token, 1)).unwrap();
    let expected = json!({
        "iss": "mke", "sub": "jane", "aud": "registry.example.com", "jti": "t1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 300,
        "access": [{ "type": "repository", "name": "acme/app", "actions": ["pull", "push"] }],
    });
    assert_eq!(claims, expected);
    let jwk = key.public().to_jwk();
    assert_eq!(
        (&jwk["kty"], &jwk["crv"], &jwk["use"]),
        (&json!("EC"), &json!("P-256"), &json!("sig"))
    );
    assert_eq!((&jwk["kid"], &jwk["x5c"]), (&header["kid"], &header["x5c"]));
    assert_eq!(jwk.as_object().unwrap().len(), 8, "no private part: {jwk}");
    for coordinate in ["x", "y"] {
        let bytes = URL_SAFE_NO_PAD.decode(jwk[coordinate].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
    }
    // The same claims give the same token, so signing needs no randomness that could fail.
    assert_eq!(self::token(&key), token);
}
