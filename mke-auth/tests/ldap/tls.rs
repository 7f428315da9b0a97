//! TLS: it comes about with a trusted server, or nothing is said at all.

use mke_auth::ldap::{LdapError, LoginFailure, SyncError, login};
use mke_core::config::Ldap;
use mke_core::secret::Secret;
use mke_core::time::Clock as _;
use mke_test_support::{Certificates, Ldif, Slapd, SlapdOptions};

use crate::fake::{Fake, message, outcome};
use crate::lab::{config, read};
use crate::support::World;

fn server(certificates: &Certificates) -> Slapd {
    let mut ldif = Ldif::domain("dc=example,dc=com");
    ldif.person("jane", "jane-secret");
    let options = SlapdOptions {
        certificates: Some(certificates),
        log: true,
        ..SlapdOptions::default()
    };
    Slapd::start_with(&ldif, &options)
}

/// ldap-07, LDAP-007: every combination of address, StartTLS, authority and the setting that looks away.
#[tokio::test]
async fn sec_ldap_07_trusted_or_not_at_all() {
    let world = World::new().await;
    let (right, wrong_name) = (
        Certificates::new("IP:127.0.0.1"),
        Certificates::new("DNS:elsewhere.example"),
    );
    let (trusted, misnamed) = (server(&right), server(&wrong_name));
    let (ca, other_ca) = (right.authority(), wrong_name.authority());
    for (what, slapd, tls_url, start_tls, root_certs, skip, good) in [
        ("ldaps", &trusted, true, false, &ca, false, true),
        ("StartTLS", &trusted, false, true, &ca, false, true),
        (
            "StartTLS means nothing for ldaps",
            &trusted,
            true,
            true,
            &ca,
            false,
            true,
        ),
        (
            "ldaps, other authority",
            &trusted,
            true,
            false,
            &other_ca,
            false,
            false,
        ),
        (
            "StartTLS, other authority",
            &trusted,
            false,
            true,
            &other_ca,
            false,
            false,
        ),
        (
            "ldaps, system's authorities",
            &trusted,
            true,
            false,
            &String::new(),
            false,
            false,
        ),
        (
            "ldaps, other authority, looks away",
            &trusted,
            true,
            false,
            &other_ca,
            true,
            true,
        ),
        (
            "StartTLS, looks away",
            &trusted,
            false,
            true,
            &String::new(),
            true,
            true,
        ),
        (
            "ldaps, other name",
            &misnamed,
            true,
            false,
            &other_ca,
            false,
            false,
        ),
        (
            "StartTLS, other name",
            &misnamed,
            false,
            true,
            &other_ca,
            false,
            false,
        ),
        (
            "ldaps, other name, looks away",
            &misnamed,
            true,
            false,
            &other_ca,
            true,
            true,
        ),
    ] {
        let settings = read(&Ldap {
            server_url: Some(if tls_url { slapd.tls_url() } else { slapd.url() }),
            start_tls,
            root_certs: root_certs.clone(),
            tls_skip_verify: skip,
            ..config(slapd)
        });
        let binds = |slapd: &Slapd| slapd.settled_log().matches("BIND").count();
        let before = binds(slapd);
        let outcome = login(&settings, "jane", &Secret::new("jane-secret"), world.clock.now()).await;
        if good {
            assert!(outcome.is_ok(), "{what}: {outcome:?}");
        } else {
            let tls = matches!(outcome, Err(LoginFailure::Unavailable(LdapError::Tls { .. })));
            assert!(tls, "{what}: {outcome:?}");
            assert_eq!(binds(slapd), before, "{what}: no password was sent");
            let failed = world.sync(&settings).await;
            assert!(matches!(failed, Err(SyncError::Fetch(_))), "{what}");
        }
    }
}

/// ldap-07: a server that refuses StartTLS, or whose answer is followed by something else, is not spoken with.
#[tokio::test]
async fn sec_ldap_07_no_way_back_to_plain() {
    let world = World::new().await;
    let yes = message(1, &outcome(0x78, 0, b""));
    // An answer to the bind that has not been asked for yet.
    let injected = [yes.clone(), message(2, &outcome(0x61, 0, b""))].concat();
    for (what, answer) in [
        ("no", message(1, &outcome(0x78, 2, b""))),
        ("unavailable", message(1, &outcome(0x78, 52, b""))),
        ("a referral", message(1, &outcome(0x78, 10, b""))),
        ("yes and more", injected),
        ("yes and no TLS", yes),
        ("nothing", Vec::new()),
    ] {
        let bind = message(2, &outcome(0x61, 0, b""));
        let fake = Fake::start(if answer.is_empty() {
            vec![answer]
        } else {
            vec![answer, bind]
        });
        let settings = read(&Ldap {
            start_tls: true,
            ..fake.config()
        });
        let outcome = login(&settings, "jane", &Secret::new("pw"), world.clock.now()).await;
        assert!(
            matches!(outcome, Err(LoginFailure::Unavailable(_))),
            "{what}: {outcome:?}"
        );
        assert!(world.sync(&settings).await.is_err(), "{what}");
    }
}
