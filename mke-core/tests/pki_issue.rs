//! Issuing, read back by OpenSSL.

mod pki_support;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use mke_core::pki::{
    Authority, AuthorityKind, BACKDATE, CertificateRequest, KeyFault, KeyPair, MAX_NAMES, PkiError, Profile,
    PublicKey, SubjectAltName, parse_certificates, revoked_serials,
};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use pki_support::*;

/// PKI-002: what the cluster root issues for a node verifies with OpenSSL for both purposes, and for a server or a
/// user only for the one.
#[test]
fn openssl_accepts_what_we_issue() {
    let root = authority(AuthorityKind::Cluster);
    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    for (profile, server, client) in [
        (Profile::Node, true, true),
        (Profile::Server, true, false),
        (Profile::Client, false, true),
        (Profile::TokenSigner, false, false),
    ] {
        let (issued, key) = issue(&root, profile);
        ssl.write("cert.pem", &issued.pem());
        ssl.write("key.pem", key.private_key_pem().expose());
        for (purpose, expected) in [("sslserver", server), ("sslclient", client)] {
            let verified = ssl.try_run(&format!(
                "verify -x509_strict -purpose {purpose} -CAfile ca.pem cert.pem"
            ));
            assert_eq!(
                verified.is_ok(),
                expected,
                "{profile:?} as {purpose}: {verified:?}"
            );
        }
        // The key is read, and belongs to the certificate.
        ssl.run("pkey -in key.pem -check -noout");
        assert_eq!(ssl.run("pkey -in key.pem -pubout"), key.public_key().pem());
        assert_eq!(
            ssl.run("x509 -in cert.pem -pubkey -noout"),
            key.public_key().pem()
        );
        assert_eq!(
            ssl.run("x509 -in cert.pem -serial -noout").trim().to_lowercase(),
            format!("serial={}", issued.serial())
        );
        assert_eq!(
            PublicKey::of_certificate(issued.der()).unwrap().id(),
            key.public_key().id()
        );
    }
}

/// A list of revoked certificates is read by OpenSSL, with the serial numbers that were given and no others; a list of none is one too.
/// OpenSSL finds it by the key of the authority and refuses what is on it, and nothing else.
#[test]
fn openssl_reads_what_we_revoke() {
    let root = authority(AuthorityKind::Cluster);
    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    let (one, other) = (issue(&root, Profile::Node).0, issue(&root, Profile::Node).0);
    let serial = |issued: &mke_core::pki::IssuedCertificate| issued.serial().to_owned();
    for serials in [
        BTreeSet::new(),
        BTreeSet::from([serial(&one)]),
        BTreeSet::from([serial(&one), serial(&other)]),
    ] {
        let list = root.revocation_list(&serials, now()).unwrap();
        assert_eq!(revoked_serials(&list).unwrap(), serials);
        ssl.write("crl.pem", &list);
        let shown = ssl.run("crl -in crl.pem -text -noout");
        for issued in [&one, &other] {
            let line = format!("Serial Number: {}", issued.serial().to_uppercase());
            assert_eq!(
                shown.contains(&line),
                serials.contains(issued.serial()),
                "{shown}"
            );
            ssl.write("cert.pem", &issued.pem());
            let verified =
                ssl.try_run("verify -x509_strict -crl_check -CAfile ca.pem -CRLfile crl.pem cert.pem");
            assert_eq!(
                verified.is_err(),
                serials.contains(issued.serial()),
                "{verified:?}"
            );
            assert!(
                verified.is_ok() || format!("{verified:?}").contains("certificate revoked"),
                "{verified:?}"
            );
        }
    }
    let wrong = BTreeSet::from(["no number".to_owned()]);
    assert!(root.revocation_list(&wrong, now()).is_err());
    assert!(revoked_serials(&root.certificate_pem()).is_err());
}

/// PKI-003: the client root lives 20 years; and it may sign certificates, but not make further authorities.
#[test]
fn the_client_root_lives_twenty_years() {
    let created: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
    let root = Authority::create(AuthorityKind::Client, "c1", created, &mut rng()).unwrap();
    assert_eq!(root.not_after().to_string(), "2046-05-01T12:00:00.000Z");
    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    let text = ssl.run("x509 -in ca.pem -text -noout");
    for expected in [
        "CA:TRUE, pathlen:0",
        "Certificate Sign, CRL Sign",
        "Not After : May  1 12:00:00 2046 GMT",
        "OU = c1, CN = mke client root",
        "ecdsa-with-SHA256",
        "X509v3 Subject Key Identifier",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

/// PKI-010, PKI-013, pki-07: names of every kind arrive in the certificate as their own type, IPv6 and URI too.
#[test]
fn sec_pki_07_names_of_every_kind() {
    let root = authority(AuthorityKind::Cluster);
    let key = KeyPair::generate(&mut rng()).unwrap();
    let mut wanted = request(Profile::Server, key.public_key());
    wanted.names = names(&[
        "mke.example.com",
        "*.apps.example.com",
        "10.0.0.1",
        "[2001:db8::1]",
        "https://mke.example.com/login",
        "spiffe://cluster/manager",
        "xn--bcher-kva.example",
        "MKE.example.com",
    ]);
    let issued = root.issue(&wanted, now(), &mut rng()).unwrap();
    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    ssl.write("cert.pem", &issued.pem());
    let text = ssl.run("x509 -in cert.pem -noout -ext subjectAltName");
    for expected in [
        "DNS:mke.example.com",
        "DNS:*.apps.example.com",
        "IP Address:10.0.0.1",
        "IP Address:2001:DB8:0:0:0:0:0:1",
        "URI:https://mke.example.com/login",
        "URI:spiffe://cluster/manager",
        "DNS:xn--bcher-kva.example",
    ] {
        assert_eq!(text.matches(expected).count(), 1, "{expected} in {text}");
    }
    for (check, expected) in [
        ("-verify_hostname mke.example.com", true),
        ("-verify_hostname a.apps.example.com", true),
        ("-verify_ip 2001:db8::1", true),
        ("-verify_hostname other.example.com", false),
        ("-verify_hostname a.b.apps.example.com", false),
        ("-verify_ip 10.0.0.2", false),
    ] {
        let verified = ssl.try_run(&format!("verify -CAfile ca.pem {check} cert.pem"));
        assert_eq!(verified.is_ok(), expected, "{check}: {verified:?}");
    }
}

/// pki-07: a thousand names are issued and read, one more is refused, so are too many bytes and none at all.
#[test]
fn sec_pki_07_number_of_names_at_its_bounds() {
    let root = authority(AuthorityKind::Cluster);
    let key = KeyPair::generate(&mut rng()).unwrap();
    let many = |count: usize, suffix: &str| CertificateRequest {
        names: (0..count)
            .map(|at| format!("n{at}.{suffix}").parse().unwrap())
            .collect(),
        ..request(Profile::Server, key.public_key())
    };
    let issued = root
        .issue(&many(MAX_NAMES, "example.com"), now(), &mut rng())
        .unwrap();
    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    ssl.write("cert.pem", &issued.pem());
    ssl.run("verify -CAfile ca.pem -verify_hostname n999.example.com cert.pem");
    let long = ["a".repeat(60), "b".repeat(60)].join(".");
    for (request, unit) in [
        (many(MAX_NAMES + 1, "example.com"), "entries"),
        (many(MAX_NAMES, &long), "bytes"),
    ] {
        let error = root.issue(&request, now(), &mut rng()).unwrap_err();
        assert!(
            matches!(&error, PkiError::TooManyNames { unit: found, .. } if *found == unit),
            "{error}"
        );
    }
    for profile in [Profile::Server, Profile::Node] {
        let mut request = many(0, "");
        request.profile = profile;
        assert_eq!(
            root.issue(&request, now(), &mut rng()).unwrap_err(),
            PkiError::NoNames
        );
    }
}

/// Values that were not made by parsing are checked again when they are issued.
#[test]
fn hand_made_names_are_checked_again() {
    let root = authority(AuthorityKind::Cluster);
    let key = KeyPair::generate(&mut rng()).unwrap();
    for name in [
        SubjectAltName::Dns("a b".to_owned()),
        SubjectAltName::Dns("UPPER.example.com".to_owned()),
        SubjectAltName::Dns("10.0.0.1".to_owned()),
        SubjectAltName::Dns("https://x.example".to_owned()),
        SubjectAltName::Dns("a\0.example.com".to_owned()),
        SubjectAltName::Uri("mke.example.com".to_owned()),
        SubjectAltName::Ip("0.0.0.0".parse().unwrap()),
    ] {
        let mut request = request(Profile::Server, key.public_key());
        request.names.push(name.clone());
        let error = root.issue(&request, now(), &mut rng()).unwrap_err();
        assert!(matches!(error, PkiError::Name { .. }), "{name:?}: {error}");
    }
}

/// NUL, control characters and empty text in any field of the subject are refused; commas, quotes and other
/// signs with a meaning in text forms are plain text.
#[test]
fn subjects_hold_plain_text() {
    let root = authority(AuthorityKind::Client);
    let key = KeyPair::generate(&mut rng()).unwrap();
    let with = |cn: &str, o: Option<&str>, ou: Option<&str>| CertificateRequest {
        common_name: cn.to_owned(),
        organization: o.map(str::to_owned),
        organizational_unit: ou.map(str::to_owned),
        ..request(Profile::Client, key.public_key())
    };
    for refused in [
        with("", None, None),
        with("  ", None, None),
        with("admin\0.evil", None, None),
        with("a\nb", None, None),
        with("a\u{7f}", None, None),
        with("jane", Some(""), None),
        with("jane", Some("a\u{1b}[2J"), None),
        with("jane", None, Some("\0")),
        with(&"a".repeat(101), None, None),
    ] {
        let error = root.issue(&refused, now(), &mut rng()).unwrap_err();
        assert!(matches!(error, PkiError::Subject { .. }), "{refused:?}: {error}");
    }
    let ssl = OpenSsl::new();
    let tricky = "jane,CN=admin+O=x\"\\";
    let issued = root
        .issue(&with(tricky, Some("Büro"), None), now(), &mut rng())
        .unwrap();
    ssl.write("cert.pem", &issued.pem());
    let subject = ssl.run("x509 -in cert.pem -noout -subject -nameopt multiline,utf8,-esc_msb");
    assert_eq!(subject.matches("commonName").count(), 1, "{subject}");
    assert!(subject.contains("Büro"), "{subject}");
    assert!(
        root.issue(&with(&"a".repeat(100), None, None), now(), &mut rng())
            .is_ok()
    );
}

/// pki-09: a certificate never outlives its authority, is never longer than asked for, and a clock that went back
/// before the authority's start issues nothing.
#[test]
fn sec_pki_09_validity_under_a_bad_clock() {
    let created = now();
    let root = Authority::create(AuthorityKind::Client, "c1", created, &mut rng()).unwrap();
    let key = KeyPair::generate(&mut rng()).unwrap();
    let issue = |at: Timestamp, validity: Duration| {
        let request = CertificateRequest {
            validity,
            ..request(Profile::Client, key.public_key())
        };
        root.issue(&request, at, &mut rng())
    };

    let later = created.plus(100 * DAY);
    let issued = issue(later, 30 * DAY).unwrap();
    assert_eq!(issued.not_before(), later.minus(BACKDATE));
    assert_eq!(issued.not_after(), later.plus(30 * DAY));

    // A clock that is slightly behind the one that made the authority.
    let issued = issue(created.minus(Duration::from_secs(60)), DAY).unwrap();
    assert_eq!(
        issued.not_before(),
        created.minus(BACKDATE),
        "not before the authority"
    );
    assert!(issued.not_after() > created);

    for (at, what) in [
        (
            created.minus(BACKDATE + Duration::from_secs(1)),
            "before the start",
        ),
        (Timestamp::from_secs(0), "an unset clock"),
    ] {
        let error = issue(at, 30 * DAY).unwrap_err();
        assert!(
            matches!(error, PkiError::ClockBeforeAuthority { .. }),
            "{what}: {error}"
        );
    }

    let end = root.not_after();
    assert_eq!(issue(end.minus(DAY), 30 * DAY).unwrap().not_after(), end, "cut");
    assert_eq!(issue(created, Duration::MAX).unwrap().not_after(), end, "cut");
    for at in [end, end.plus(DAY)] {
        assert!(matches!(issue(at, DAY), Err(PkiError::AuthorityExpired { .. })));
    }
    for validity in [Duration::ZERO, Duration::from_millis(999)] {
        assert_eq!(issue(created, validity).unwrap_err(), PkiError::NoValidity);
    }
    let shortest = issue(created.plus(Duration::from_millis(999)), Duration::from_secs(1)).unwrap();
    assert!(shortest.not_after() > created, "still valid when it is issued");
}

/// pki-09: serials have 128 bits, are positive, and do not repeat, also when two threads issue at once.
#[test]
fn sec_pki_09_serials_do_not_collide() {
    let root = authority(AuthorityKind::Client);
    let key = KeyPair::generate(&mut rng()).unwrap();
    let request = request(Profile::Client, key.public_key());
    let issue_many = || {
        (0..200)
            .map(|_| root.issue(&request, now(), &mut rng()).unwrap())
            .collect::<Vec<_>>()
    };
    let mut issued = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(issue_many)).collect();
        for thread in threads {
            issued.extend(thread.join().unwrap());
        }
    });
    let serials: HashSet<&str> = issued.iter().map(|issued| issued.serial()).collect();
    assert_eq!(serials.len(), issued.len());
    for serial in serials {
        assert_eq!(serial.len(), 32, "{serial}");
        assert!(serial.as_bytes()[0] < b'8', "{serial} is positive");
    }
}

/// PKI-006: an authority comes back from its files, and is refused with another key, a leaf, or an RSA key.
#[test]
fn authorities_are_read_back_and_checked() {
    let root = authority(AuthorityKind::Cluster);
    let other = authority(AuthorityKind::Cluster);
    let again = Authority::from_pem(&root.certificate_pem(), &root.key_pem()).unwrap();
    assert_eq!(again.certificate_der(), root.certificate_der());
    assert_eq!(again.not_after(), root.not_after());

    let ssl = OpenSsl::new();
    ssl.write("ca.pem", &root.certificate_pem());
    ssl.write("cert.pem", &issue(&again, Profile::Node).0.pem());
    ssl.run("verify -CAfile ca.pem cert.pem");

    assert_eq!(
        Authority::from_pem(&root.certificate_pem(), &other.key_pem()).unwrap_err(),
        PkiError::KeyMismatch
    );
    let (leaf, leaf_key) = issue(&root, Profile::Node);
    assert_eq!(
        Authority::from_pem(&leaf.pem(), &leaf_key.private_key_pem()).unwrap_err(),
        PkiError::NotAuthority
    );
    ssl.root("rsa", "/CN=rsa");
    let rsa = Authority::from_pem(&ssl.read("rsa.pem"), &Secret::new(ssl.read("rsa.key")));
    assert!(matches!(
        rsa,
        Err(PkiError::Key {
            fault: KeyFault::NotP256,
            ..
        })
    ));
    for (certificate, key) in [
        ("", root.key_pem()),
        (root.certificate_pem().as_str(), Secret::new("")),
    ] {
        assert!(Authority::from_pem(certificate, &key).is_err(), "nothing given");
    }
}

/// An authority that OpenSSL made, with the key in its older form, can issue too.
#[test]
fn an_openssl_authority_can_issue() {
    let ssl = OpenSsl::new();
    ssl.run("ecparam -name prime256v1 -genkey -out ca.key");
    ssl.run("req -x509 -new -key ca.key -out ca.pem -days 30 -subj /O=Corp/CN=Corp+CN=Two");
    let root = Authority::from_pem(&ssl.read("ca.pem"), &Secret::new(ssl.read("ca.key"))).unwrap();
    let (issued, _) = issue(&root, Profile::Server);
    ssl.write("cert.pem", &issued.pem());
    ssl.run("verify -CAfile ca.pem cert.pem");
}

/// Debug output shows no key.
#[test]
fn debug_shows_no_key() {
    let root = authority(AuthorityKind::Client);
    let pem = root.key_pem();
    let body: String = pem
        .expose()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let shown = format!("{root:?} {:?}", issue(&root, Profile::Client).1);
    assert!(!shown.contains("PRIVATE"), "{shown}");
    assert!(!shown.contains(&body[..16]), "{shown}");
}

/// Bounds and mistakes at the door of the PEM reader.
#[test]
fn certificate_files_are_checked() {
    let root = authority(AuthorityKind::Client);
    let pem = root.certificate_pem();
    let commented = format!("subject=/CN=x\r\n{}\n# end\n", pem.replace('\n', "\r\n"));
    assert_eq!(parse_certificates(&commented).unwrap(), [root.certificate_der()]);
    assert_eq!(parse_certificates(&pem.repeat(256)).unwrap().len(), 256);
    for (bad, what) in [
        (String::new(), "empty"),
        ("hello".to_owned(), "no block"),
        (pem.repeat(257), "too many"),
        (" ".repeat(1024 * 1024 + 1), "too large"),
        (format!("{pem}{}", root.key_pem().expose()), "a private key"),
        (root.public_key().pem(), "a public key"),
        (pem.replace("END CERT", "END XERT"), "no end"),
        (pem.replace('M', "!"), "no base64"),
        (
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_owned(),
            "no certificate inside",
        ),
    ] {
        assert!(parse_certificates(&bad).is_err(), "{what}");
    }
}
