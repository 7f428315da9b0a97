//! Several roots at once: rotation, and roots of others.

mod pki_support;

use mke_core::pki::chain::verify_client;
use mke_core::pki::{AuthorityKind, MAX_ROOTS, PkiError, Profile, TrustSet, TrustedRoot, parse_certificates};
use pki_support::*;

/// pki-08: while one root replaces the other, certificates of both are accepted; after the window only those of
/// the new one.
#[test]
fn sec_pki_08_both_roots_are_trusted_during_rotation() {
    let (old, new) = (authority(AuthorityKind::Client), authority(AuthorityKind::Client));
    let (old_leaf, new_leaf) = (issue(&old, Profile::Client).0, issue(&new, Profile::Client).0);
    let mut set = TrustSet::new(old.certificate_der()).unwrap();
    assert!(
        verify_client(new_leaf.der(), &[], &set.roots(now()), now()).is_err(),
        "not yet"
    );

    let until = now().plus(7 * DAY);
    set.rotate(new.certificate_der(), until).unwrap();
    assert_eq!(set.current(), new.certificate_der());
    let within = until.minus(std::time::Duration::from_millis(1));
    for at in [now(), within] {
        for leaf in [&old_leaf, &new_leaf] {
            assert_eq!(verify_client(leaf.der(), &[], &set.roots(at), at), Ok(()));
        }
    }
    assert!(verify_client(old_leaf.der(), &[], &set.roots(until), until).is_err());
    assert_eq!(
        verify_client(new_leaf.der(), &[], &set.roots(until), until),
        Ok(())
    );

    let bundle = parse_certificates(&set.bundle_pem(now())).unwrap();
    assert_eq!(bundle, [new.certificate_der(), old.certificate_der()]);
    assert_eq!(
        parse_certificates(&set.bundle_pem(until)).unwrap(),
        [new.certificate_der()]
    );

    assert_eq!(set.expire(within), 0);
    assert_eq!(set.expire(until), 1);
    assert_eq!(set.roots(now()), [new.certificate_der()]);
}

/// pki-08: doing the same step twice, as after a crash in between, changes nothing; and going back works.
#[test]
fn sec_pki_08_rotation_can_be_repeated_and_undone() {
    let (old, new) = (authority(AuthorityKind::Client), authority(AuthorityKind::Client));
    let mut set = TrustSet::new(old.certificate_der()).unwrap();
    let until = now().plus(DAY);
    set.rotate(new.certificate_der(), until).unwrap();
    let once = set.clone();
    set.rotate(new.certificate_der(), now()).unwrap();
    assert_eq!(set, once);
    set.rotate(old.certificate_der(), until).unwrap();
    assert_eq!(set.current(), old.certificate_der());
    assert_eq!(set.roots(now()).len(), 2);
}

/// PKI-008: a root of the organization is added to the internal one and never replaces it; neither adding it again
/// nor adding the current one with a deadline takes anything away.
#[test]
fn other_roots_are_added_not_put_in_place() {
    let (own, corporate) = (authority(AuthorityKind::Client), authority(AuthorityKind::Client));
    let mut set = TrustSet::new(own.certificate_der()).unwrap();
    set.add(corporate.certificate_der(), None).unwrap();
    set.add(corporate.certificate_der(), None).unwrap();
    set.add(own.certificate_der(), Some(now())).unwrap();
    assert_eq!(set.current(), own.certificate_der());
    assert_eq!(
        set.roots(now()),
        [own.certificate_der(), corporate.certificate_der()]
    );
    for authority in [&own, &corporate] {
        let (leaf, _) = issue(authority, Profile::Client);
        assert_eq!(verify_client(leaf.der(), &[], &set.roots(now()), now()), Ok(()));
    }
    set.add(corporate.certificate_der(), Some(now())).unwrap();
    assert_eq!(set.roots(now()), [own.certificate_der()], "its deadline has come");
}

/// A certificate that may not issue others, or no certificate, is no root. The number of roots is bounded.
#[test]
fn only_authorities_are_roots() {
    let root = authority(AuthorityKind::Client);
    let (leaf, _) = issue(&root, Profile::Client);
    assert_eq!(TrustSet::new(leaf.der()).unwrap_err(), PkiError::NotAuthority);
    assert!(TrustSet::new(b"nothing").is_err());
    let mut set = TrustSet::new(root.certificate_der()).unwrap();
    assert_eq!(set.add(leaf.der(), None), Err(PkiError::NotAuthority));
    assert_eq!(set.rotate(leaf.der(), now()), Err(PkiError::NotAuthority));
    assert_eq!(set.current(), root.certificate_der());
    for _ in 1..MAX_ROOTS {
        set.add(authority(AuthorityKind::Client).certificate_der(), None)
            .unwrap();
    }
    let more = authority(AuthorityKind::Client);
    let refused = Err(PkiError::TooManyRoots {
        found: MAX_ROOTS + 1,
        max: MAX_ROOTS,
    });
    assert_eq!(set.add(more.certificate_der(), None), refused);
    assert_eq!(set.rotate(more.certificate_der(), now()), refused);
}

/// The set is stored and read back; an empty or doubtful one does not load.
#[test]
fn sets_are_stored() {
    let (old, new) = (authority(AuthorityKind::Client), authority(AuthorityKind::Client));
    let mut set = TrustSet::new(old.certificate_der()).unwrap();
    set.rotate(new.certificate_der(), now().plus(DAY)).unwrap();
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<TrustSet>(&text).unwrap(), set);

    let one = |certificate: String| {
        TrustSet::try_from(vec![TrustedRoot {
            certificate,
            until: None,
        }])
    };
    assert_eq!(TrustSet::try_from(Vec::new()), Err(PkiError::NoRoots));
    assert!(serde_json::from_str::<TrustSet>("[]").is_err());
    assert!(one(old.certificate_pem()).is_ok());
    assert!(
        one(old.certificate_pem() + &new.certificate_pem()).is_err(),
        "two in one entry"
    );
    assert!(one(String::new()).is_err());
}
