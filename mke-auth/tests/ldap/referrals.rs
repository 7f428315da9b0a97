//! Parts of the tree that other servers hold (ldap-06).

use mke_auth::ldap::SyncError;
use mke_core::config::Ldap;
use mke_core::secret::Secret;
use mke_test_support::{Ldif, READER_PASSWORD, Slapd, SlapdOptions};

use crate::lab::{config, domain, read};
use crate::support::World;

fn logged(entries: &Ldif) -> Slapd {
    let options = SlapdOptions {
        log: true,
        ..SlapdOptions::default()
    };
    Slapd::start_with(entries, &options)
}

/// A server with one person and a reference to this address.
fn referring(address: &str) -> Slapd {
    let mut entries = Ldif::domain("dc=example,dc=com");
    entries.person("near", "pw");
    entries.referral("ou=far,ou=people", address);
    logged(&entries)
}

/// ldap-06: a referral to a server of the settings is followed, with that server's own reader.
#[tokio::test]
async fn sec_ldap_06_to_a_configured_server() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=far,dc=com");
    entries.person("far", "pw");
    let far = logged(&entries);
    let near = referring(&format!("{}/ou=people,dc=far,dc=com??sub", far.url()));
    let settings = read(&Ldap {
        additional_domains: vec![domain(&far)],
        ..config(&near)
    });
    world.sync(&settings).await.unwrap();
    assert_eq!(world.active().await, ["admin", "far", "near"]);
    assert!(far.settled_log().contains("BIND dn=\"cn=reader,dc=far,dc=com\""));
    assert!(!far.settled_log().contains("dc=example"), "{}", far.settled_log());
    assert!(world.ldap_login(&settings, "far", "pw").await.is_ok());
}

/// ldap-06: a referral to any other server is left alone: nobody connects to it, and nothing goes wrong.
#[tokio::test]
async fn sec_ldap_06_to_any_other_server() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=far,dc=com");
    entries.person("far", "pw");
    let far = logged(&entries);
    let near = referring(&format!("{}/ou=people,dc=far,dc=com??sub", far.url()));
    world.sync(&read(&config(&near))).await.unwrap();
    assert_eq!(world.active().await, ["admin", "near"]);
    // The one is ours, to see that it has started.
    assert_eq!(
        far.settled_log().matches("ACCEPT").count(),
        1,
        "{}",
        far.settled_log()
    );
}

/// ldap-06, LDAP-020: a referral to a server of the settings that does not answer ends the synchronisation, and everybody
/// stays.
#[tokio::test]
async fn sec_ldap_06_to_a_dead_server() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=far,dc=com");
    entries.person("far", "pw");
    let mut far = logged(&entries);
    let near = referring(&format!("{}/ou=people,dc=far,dc=com??sub", far.url()));
    let settings = read(&Ldap {
        additional_domains: vec![domain(&far)],
        ..config(&near)
    });
    world.sync(&settings).await.unwrap();
    far.stop();
    let before = world.revision().await;
    let failed = world.sync(&settings).await.unwrap_err();
    assert!(matches!(failed, SyncError::Fetch(_)), "{failed}");
    assert_eq!(world.revision().await, before);
    assert_eq!(world.active().await, ["admin", "far", "near"]);
}

/// ldap-06: the fourth referral in a row is not followed, and neither is one in a circle.
#[tokio::test]
async fn sec_ldap_06_chains_and_circles() {
    let world = World::new().await;
    let entries = |number: usize, next: Option<String>| {
        let mut ldif = Ldif::domain(&format!("dc=s{number},dc=com"));
        ldif.person(&format!("p{number}"), "pw");
        if let Some(next) = next {
            ldif.referral("ou=far,ou=people", &next);
        }
        ldif
    };
    let base = |server: &Slapd| format!("{}/ou=people,{}??sub", server.url(), server.suffix());
    for (length, works) in [(3, true), (4, false)] {
        let mut servers: Vec<Slapd> = Vec::new();
        for number in 0..=length {
            let next = servers.last().map(base);
            servers.push(Slapd::start(&entries(number, next)));
        }
        let first = servers.last().unwrap();
        let settings = read(&Ldap {
            additional_domains: servers.iter().map(domain).collect(),
            ..config(first)
        });
        let outcome = world.sync(&settings).await;
        assert_eq!(outcome.is_ok(), works, "{length}: {outcome:?}");
    }
    let circle = Slapd::start(&entries(9, None));
    circle.modify(&format!(
        "dn: ou=far,ou=people,dc=s9,dc=com\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\nref: {}\n",
        base(&circle)
    ));
    let failed = world.sync(&read(&config(&circle))).await.unwrap_err();
    assert!(failed.to_string().contains("refers on"), "{failed}");
}

/// ldap-06: a bind that is answered with a referral takes the password nowhere.
#[tokio::test]
async fn sec_ldap_06_no_password_goes_along() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=far,dc=com");
    entries.person("far", "pw");
    let far = logged(&entries);
    let bind_elsewhere = crate::fake::message(
        1,
        &crate::fake::outcome(
            0x61,
            10,
            &crate::fake::tlv(0xa3, &crate::fake::tlv(4, far.url().as_bytes())),
        ),
    );
    let fake = crate::fake::Fake::start(vec![bind_elsewhere]);
    let settings = read(&Ldap {
        reader_dn: Some("cn=reader".to_owned()),
        reader_password: Some(Secret::new(READER_PASSWORD)),
        additional_domains: vec![domain(&far)],
        ..fake.config()
    });
    assert!(world.sync(&settings).await.is_err());
    // The one is ours, to see that it has started.
    assert_eq!(
        far.settled_log().matches("ACCEPT").count(),
        1,
        "{}",
        far.settled_log()
    );
}
