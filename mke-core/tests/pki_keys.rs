//! Public keys that people upload, made by OpenSSL.

#![expect(clippy::panic, reason = "helpers of tests stop them too")]

mod pki_support;

use mke_core::pki::{KeyFault, KeyPair, PkiError, PublicKey};
use mke_core::secret::Secret;
use pki_support::*;

fn fault(pem: &str) -> KeyFault {
    match PublicKey::from_pem(pem) {
        Err(PkiError::Key { fault, .. }) => fault,
        other => panic!("expected a refused key, got {other:?} for {pem}"),
    }
}

/// pki-12: the kinds that are accepted keep their DER form, and the id is the SHA-256 that OpenSSL computes.
#[test]
fn sec_pki_12_good_keys_are_accepted() {
    let ssl = OpenSsl::new();
    for kind in [
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "RSA -pkeyopt rsa_keygen_bits:3072",
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "ED25519",
    ] {
        ssl.run(&format!("genpkey -out k.key -algorithm {kind}"));
        let pem = ssl.run("pkey -in k.key -pubout");
        let key = PublicKey::from_pem(&pem).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(key.pem(), pem, "{kind}");
        assert_eq!(PublicKey::from_der(key.der()).unwrap(), key);
        assert_eq!(
            PublicKey::from_pem(&format!("\n{}\r\n", pem.replace('\n', "\r\n"))).unwrap(),
            key
        );
        ssl.run("pkey -in k.key -pubout -outform DER -out k.der");
        let digest = ssl.run("dgst -sha256 -r k.der");
        assert_eq!(digest.split(' ').next(), Some(key.id().as_str()), "{kind}");
    }
}

/// pki-12: each mistake is named by what it is.
#[test]
fn sec_pki_12_mistakes_are_named() {
    let ssl = OpenSsl::new();
    ssl.run("genpkey -algorithm RSA -out k.key");
    let public = ssl.run("pkey -in k.key -pubout");
    for private in [
        ssl.read("k.key"),
        ssl.run("rsa -in k.key -traditional"),
        ssl.run("pkcs8 -topk8 -in k.key -passout pass:x"),
        ssl.run("ecparam -name prime256v1 -genkey"),
        format!("{public}{}", ssl.read("k.key")),
        "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
    ] {
        assert_eq!(fault(&private), KeyFault::Private, "{private}");
    }
    ssl.root("cert", "/CN=x");
    assert_eq!(fault(&ssl.read("cert.pem")), KeyFault::Certificate);
    assert_eq!(fault(&ssl.run("rsa -in k.key -RSAPublicKey_out")), KeyFault::Form);
    assert_eq!(fault("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 jane"), KeyFault::Form);
    for broken in [
        String::new(),
        "jane".to_owned(),
        public.repeat(2),
        public
            .replace("END PUBLIC", "END PRIVATE ")
            .replace("PRIVATE ", "OTHER"),
        public.replacen('M', "!", 1),
        public[..public.len() / 2].to_owned(),
        format!("{public}trailing"),
        format!("{}{public}", "x".repeat(9000)),
    ] {
        assert_eq!(fault(&broken), KeyFault::Pem, "{broken}");
    }
    // Intact PEM around bytes that are cut.
    let der = PublicKey::from_pem(&public).unwrap().der().to_vec();
    for cut in [0, 1, der.len() / 2, der.len() - 1] {
        assert!(PublicKey::from_der(&der[..cut]).is_err(), "cut at {cut}");
    }
    let mut longer = der.clone();
    longer.push(0);
    assert!(PublicKey::from_der(&longer).is_err(), "trailing byte");
}

/// pki-12: short moduli, weak exponents, and algorithms that TLS here cannot verify.
#[test]
fn sec_pki_12_weak_and_foreign_keys_are_refused() {
    let ssl = OpenSsl::new();
    let made = |kind: &str| {
        ssl.run(&format!("genpkey -out k.key -algorithm {kind}"));
        fault(&ssl.run("pkey -in k.key -pubout"))
    };
    let short = |found| KeyFault::TooShort { found, min: 2048 };
    for (kind, expected) in [
        ("RSA -pkeyopt rsa_keygen_bits:1024", short(1024)),
        ("RSA -pkeyopt rsa_keygen_bits:2047", short(2047)),
        (
            "RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
            KeyFault::Exponent,
        ),
        ("EC -pkeyopt ec_paramgen_curve:P-521", KeyFault::Algorithm),
        ("EC -pkeyopt ec_paramgen_curve:secp256k1", KeyFault::Algorithm),
        (
            "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
            KeyFault::Algorithm,
        ),
        ("X25519", KeyFault::Algorithm),
        ("ED448", KeyFault::Algorithm),
    ] {
        assert_eq!(made(kind), expected, "{kind}");
    }
    ssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.key");
    let compressed = ssl.run("ec -in k.key -pubout -conv_form compressed");
    assert_eq!(fault(&compressed), KeyFault::Point);
    let mut der = KeyPair::generate(&mut rng()).unwrap().public_key().der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    assert!(
        matches!(
            PublicKey::from_der(&der),
            Err(PkiError::Key {
                fault: KeyFault::Point,
                ..
            })
        ),
        "a point beside the curve"
    );
}

/// A pair that was made here is read back in all forms, and anything else is refused by name.
#[test]
fn own_pairs_are_read_back() {
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let again = KeyPair::from_pem(&pair.private_key_pem()).unwrap();
    assert_eq!(again.public_key(), pair.public_key());
    assert_eq!(again.private_key_pem().expose(), pair.private_key_pem().expose());
    assert_ne!(
        KeyPair::generate(&mut rng()).unwrap().public_key().id(),
        pair.public_key().id()
    );
    let ssl = OpenSsl::new();
    ssl.write("k.key", pair.private_key_pem().expose());
    let old = KeyPair::from_pem(&Secret::new(ssl.run("ec -in k.key"))).unwrap();
    assert_eq!(old.public_key(), pair.public_key());

    ssl.run("genpkey -algorithm RSA -out rsa.key");
    for (pem, expected) in [
        (
            ssl.run("pkcs8 -topk8 -in k.key -passout pass:x"),
            KeyFault::Encrypted,
        ),
        (ssl.read("rsa.key"), KeyFault::NotP256),
        (ssl.run("rsa -traditional -in rsa.key"), KeyFault::NotP256),
        (ssl.run("genpkey -algorithm ED25519"), KeyFault::NotP256),
        (pair.public_key().pem(), KeyFault::Pem),
        (String::new(), KeyFault::Pem),
    ] {
        match KeyPair::from_pem(&Secret::new(pem)) {
            Err(PkiError::Key { fault, .. }) => assert_eq!(fault, expected),
            other => panic!("expected {expected:?}, got {other:?}"),
        }
    }
}

/// pki-12: no single changed byte makes a reader stop, or lets a key through that is not kept byte for byte.
#[test]
fn sec_pki_12_changed_bytes_are_survived() {
    let ssl = OpenSsl::new();
    ssl.run("genpkey -algorithm RSA -out k.key");
    let rsa = PublicKey::from_pem(&ssl.run("pkey -in k.key -pubout")).unwrap();
    let own = KeyPair::generate(&mut rng()).unwrap();
    for der in [rsa.der(), own.public_key().der()] {
        for at in 0..der.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff, der[at] ^ 1] {
                let mut changed = der.to_vec();
                changed[at] = value;
                if let Ok(key) = PublicKey::from_der(&changed) {
                    assert_eq!(key.der(), changed);
                }
            }
        }
    }
}
