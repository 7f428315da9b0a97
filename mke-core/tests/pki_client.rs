//! Which client certificates open a connection.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stop them too")]

mod pki_support;

use mke_core::pki::chain::{MAX_INTERMEDIATES, verify_client};
use mke_core::pki::{Authority, AuthorityKind, Distrust, PkiError, Profile, parse_certificates};
use mke_core::time::Timestamp;
use pki_support::*;

fn der(pem: &str) -> Vec<u8> {
    parse_certificates(pem).unwrap().remove(0)
}

fn roots(authority: &Authority) -> Vec<Vec<u8>> {
    vec![authority.certificate_der().to_vec()]
}

/// The reason for which a certificate is not trusted.
fn reason(leaf: &[u8], roots: &[Vec<u8>], at: Timestamp) -> Distrust {
    match verify_client(leaf, &[], roots, at) {
        Err(PkiError::Untrusted { reason }) => reason,
        other => panic!("expected distrust, got {other:?}"),
    }
}

/// PKI-003: bundle certificates of the client root are accepted, and so are those of nodes by the cluster root.
#[test]
fn own_certificates_are_accepted() {
    for (kind, profile) in [
        (AuthorityKind::Client, Profile::Client),
        (AuthorityKind::Cluster, Profile::Node),
    ] {
        let root = authority(kind);
        let (issued, _) = issue(&root, profile);
        for at in [issued.not_before(), now(), issued.not_after()] {
            assert_eq!(
                verify_client(issued.der(), &[], &roots(&root), at),
                Ok(()),
                "{kind:?} at {at}"
            );
        }
    }
}

/// pki-01: an authority with the same subject but another key signs nothing that counts.
#[test]
fn sec_pki_01_other_authority_with_the_same_subject() {
    let (root, twin) = (authority(AuthorityKind::Client), authority(AuthorityKind::Client));
    let (issued, _) = issue(&twin, Profile::Client);
    assert_eq!(verify_client(issued.der(), &[], &roots(&twin), now()), Ok(()));
    assert_eq!(
        reason(issued.der(), &roots(&root), now()),
        Distrust::UnknownIssuer
    );
    // Sending the foreign authority along does not help.
    let sent = [twin.certificate_der().to_vec()];
    assert!(verify_client(issued.der(), &sent, &roots(&root), now()).is_err());
}

/// pki-01: what the cluster root signed is refused on the endpoint for users, and the reverse.
#[test]
fn sec_pki_01_cluster_and_client_roots_are_kept_apart() {
    let (cluster, client) = (
        authority(AuthorityKind::Cluster),
        authority(AuthorityKind::Client),
    );
    for (signer, endpoint) in [(&cluster, &client), (&client, &cluster)] {
        for profile in [Profile::Client, Profile::Node] {
            let (issued, _) = issue(signer, profile);
            assert_eq!(verify_client(issued.der(), &[], &roots(signer), now()), Ok(()));
            assert_eq!(
                reason(issued.der(), &roots(endpoint), now()),
                Distrust::UnknownIssuer,
                "{profile:?}"
            );
        }
    }
}

/// pki-01: before its start, after its end, and after the end of the root.
#[test]
fn sec_pki_01_expired_and_not_yet_valid() {
    let root = authority(AuthorityKind::Client);
    let (issued, _) = issue(&root, Profile::Client);
    let second = std::time::Duration::from_secs(1);
    let before = issued.not_before().minus(second);
    let later = root
        .issue(
            &request(Profile::Client, root.public_key()),
            now().plus(DAY),
            &mut rng(),
        )
        .unwrap();
    assert_eq!(reason(later.der(), &roots(&root), now()), Distrust::NotYetValid);
    assert_eq!(
        reason(issued.der(), &roots(&root), issued.not_after().plus(second)),
        Distrust::Expired
    );
    for at in [before, root.not_after().plus(second)] {
        assert_eq!(
            verify_client(issued.der(), &[], &roots(&root), at),
            Err(PkiError::NoRoots),
            "the root itself is not valid at {at}"
        );
    }
}

/// pki-01: a certificate for servers, one without a stated purpose, CA:true, self-signed ones, and the root itself.
#[test]
fn sec_pki_01_wrong_purpose_authorities_and_self_signed() {
    let root = authority(AuthorityKind::Client);
    let (server, _) = issue(&root, Profile::Server);
    assert_eq!(reason(server.der(), &roots(&root), now()), Distrust::WrongPurpose);
    assert_eq!(
        reason(root.certificate_der(), &roots(&root), now()),
        Distrust::IsAuthority,
        "the root is no client"
    );

    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    ssl.write("ca.key", root.key_pem().expose());
    let key = "-newkey rsa:2048";
    ssl.leaf(
        "good",
        "ca",
        key,
        "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n",
    );
    assert_eq!(
        verify_client(&der(&ssl.read("good.pem")), &[], &roots(&root), now()),
        Ok(())
    );
    for (name, extensions, expected) in [
        (
            "authority",
            "basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth\n",
            Distrust::IsAuthority,
        ),
        (
            "email",
            "extendedKeyUsage=emailProtection\n",
            Distrust::WrongPurpose,
        ),
        ("nothing", "basicConstraints=CA:FALSE\n", Distrust::WrongPurpose),
    ] {
        ssl.leaf(name, "ca", key, extensions);
        let leaf = der(&ssl.read(&format!("{name}.pem")));
        assert_eq!(reason(&leaf, &roots(&root), now()), expected, "{name}");
    }

    ssl.run(
        "req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.pem -days 9 -subj /CN=jane \
         -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=clientAuth",
    );
    let leaf = der(&ssl.read("self.pem"));
    assert_eq!(reason(&leaf, &roots(&root), now()), Distrust::UnknownIssuer);
}

/// pki-01: pathlen 0 holds, so a leaf or an authority below our root cannot bring further certificates in.
#[test]
fn sec_pki_01_no_authority_below_the_root() {
    let root = authority(AuthorityKind::Client);
    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    ssl.write("ca.key", root.key_pem().expose());
    ssl.leaf(
        "below",
        "ca",
        "-newkey rsa:2048",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n",
    );
    ssl.leaf(
        "leaf",
        "below",
        "-newkey rsa:2048",
        "extendedKeyUsage=clientAuth\n",
    );
    let (leaf, below) = (der(&ssl.read("leaf.pem")), der(&ssl.read("below.pem")));
    assert!(matches!(
        verify_client(&leaf, &[below], &roots(&root), now()),
        Err(PkiError::Untrusted { .. })
    ));

    let (user, user_key) = issue(&root, Profile::Client);
    ssl.write("user.pem", &user.pem());
    ssl.write("user.key", user_key.private_key_pem().expose());
    ssl.leaf(
        "forged",
        "user",
        "-newkey rsa:2048",
        "extendedKeyUsage=clientAuth\n",
    );
    let forged = der(&ssl.read("forged.pem"));
    assert!(verify_client(&forged, &[user.der().to_vec()], &roots(&root), now()).is_err());
}

/// Nothing to verify with, or nothing that can be verified, is a refusal; and so is too much.
#[test]
fn absence_and_excess_are_refused() {
    let root = authority(AuthorityKind::Client);
    let (issued, _) = issue(&root, Profile::Client);
    assert_eq!(
        verify_client(issued.der(), &[], &[], now()),
        Err(PkiError::NoRoots)
    );
    assert!(verify_client(issued.der(), &[], &[b"no certificate".to_vec()], now()).is_err());
    for broken in [&[][..], b"x", &issued.der()[..issued.der().len() - 1]] {
        assert!(verify_client(broken, &[], &roots(&root), now()).is_err());
    }
    let mut changed = issued.der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert!(verify_client(&changed, &[], &roots(&root), now()).is_err());
    let many = vec![issued.der().to_vec(); MAX_INTERMEDIATES + 1];
    assert!(matches!(
        verify_client(issued.der(), &many, &roots(&root), now()),
        Err(PkiError::Untrusted {
            reason: Distrust::TooManyIntermediates { .. }
        })
    ));
    assert_eq!(
        verify_client(issued.der(), &many[..MAX_INTERMEDIATES], &roots(&root), now()),
        Ok(())
    );
}
