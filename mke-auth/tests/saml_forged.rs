//! Documents that must be refused: generated forgeries, each with the kinds of refusal that it may meet, so that none
//! of them is refused by accident.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::manual_strip,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking, and share an identity provider of which each uses a part"
)]

#[path = "saml/forge/mod.rs"]
mod forge;
mod saml;

use std::collections::HashSet;

use forge::Forgery;
use saml::*;

/// Judges every forgery of a security case.
fn refuse(case: &str, at_least: usize) {
    let all: Vec<Forgery> = forge::all()
        .into_iter()
        .filter(|forgery| forgery.case == case)
        .collect();
    assert!(all.len() >= at_least, "{case}: {} forgeries", all.len());
    for forgery in &all {
        let judged = judge_bytes(&provider(&forgery.keys), &forgery.document);
        let refusal = match judged {
            Err(refusal) => refusal,
            Ok(proven) => panic!("{case}, {}: accepted as {proven:?}", forgery.name),
        };
        let kind = kind(&refusal);
        assert!(
            forgery.expected.contains(&kind.as_str()),
            "{case}, {}: refused as {refusal:?}, expected {:?}",
            forgery.name,
            forgery.expected
        );
    }
}

/// At least 250 different documents are refused.
#[test]
fn there_are_enough_forgeries() {
    let all = forge::all();
    let different: HashSet<&[u8]> = all.iter().map(|forgery| forgery.document.as_slice()).collect();
    assert!(different.len() >= 250, "{} forgeries", different.len());
}

/// saml-01: wrapping, variant 1: the signed response inside the signature of the forged one.
#[test]
fn sec_saml_01_wrapping_1() {
    refuse("saml-01", 4);
}

/// saml-02: wrapping, variant 2: the signed response before the signature of the forged one.
#[test]
fn sec_saml_02_wrapping_2() {
    refuse("saml-02", 4);
}

/// saml-03: wrapping, variant 3: the forged assertion before the signed one.
#[test]
fn sec_saml_03_wrapping_3() {
    refuse("saml-03", 4);
}

/// saml-04: wrapping, variant 4: the signed assertion inside the forged one.
#[test]
fn sec_saml_04_wrapping_4() {
    refuse("saml-04", 4);
}

/// saml-05: wrapping, variant 5: the signature in the forged assertion, the signed one at the end.
#[test]
fn sec_saml_05_wrapping_5() {
    refuse("saml-05", 4);
}

/// saml-06: wrapping, variant 6: the signed assertion inside the signature of the forged one.
#[test]
fn sec_saml_06_wrapping_6() {
    refuse("saml-06", 4);
}

/// saml-07: wrapping, variant 7: the forged assertion in `Extensions`.
#[test]
fn sec_saml_07_wrapping_7() {
    refuse("saml-07", 4);
}

/// saml-08: wrapping, variant 8: the signed assertion in an `Object` of the forged one's signature.
#[test]
fn sec_saml_08_wrapping_8() {
    refuse("saml-08", 4);
}

/// saml-09: two assertions, one of them signed, in both orders.
#[test]
fn sec_saml_09_two_assertions() {
    refuse("saml-09", 4);
}

/// saml-10: a second root, or text beside the root.
#[test]
fn sec_saml_10_one_root() {
    refuse("saml-10", 4);
}

/// saml-11: an identifier twice, in any spelling.
#[test]
fn sec_saml_11_duplicate_ids() {
    refuse("saml-11", 6);
}

/// saml-12: references to nothing, to everything, elsewhere.
#[test]
fn sec_saml_12_references() {
    refuse("saml-12", 12);
}

/// saml-13: no reference, or two.
#[test]
fn sec_saml_13_one_reference() {
    refuse("saml-13", 3);
}

/// saml-14: a signature that is no child of what it covers.
#[test]
fn sec_saml_14_place_of_the_signature() {
    refuse("saml-14", 4);
}

/// saml-16: signature values that nobody made.
#[test]
fn sec_saml_16_signature_values() {
    refuse("saml-16", 10);
}

/// saml-17: digest values in pieces.
#[test]
fn sec_saml_17_digest_values() {
    refuse("saml-17", 10);
}

/// saml-18: weak, symmetric and unknown algorithms, and keys of another family.
#[test]
fn sec_saml_18_algorithms() {
    refuse("saml-18", 14);
}

/// saml-19: the certificate inside the message is not trusted.
#[test]
fn sec_saml_19_key_info() {
    refuse("saml-19", 4);
}

/// saml-20: transforms.
#[test]
fn sec_saml_20_transforms() {
    refuse("saml-20", 14);
}

/// saml-22: tricks with namespaces.
#[test]
fn sec_saml_22_namespaces() {
    refuse("saml-22", 12);
}

/// saml-23: document types, with entities or without.
#[test]
fn sec_saml_23_document_types() {
    refuse("saml-23", 7);
}

/// saml-25: comments in names, values and signatures.
#[test]
fn sec_saml_25_comments() {
    refuse("saml-25", 10);
}

/// saml-26: CDATA sections and processing instructions.
#[test]
fn sec_saml_26_cdata_and_instructions() {
    refuse("saml-26", 6);
}

/// saml-27: sizes.
#[test]
fn sec_saml_27_sizes() {
    refuse("saml-27", 2);
}

/// saml-28: encodings.
#[test]
fn sec_saml_28_encodings() {
    refuse("saml-28", 12);
}

/// saml-29: many attributes, deep nesting, long values.
#[test]
fn sec_saml_29_amounts() {
    refuse("saml-29", 6);
}

/// saml-30: nothing signed.
#[test]
fn sec_saml_30_unsigned() {
    refuse("saml-30", 4);
}

/// saml-31: conditions, on both sides of the skew by one second.
#[test]
fn sec_saml_31_conditions() {
    refuse("saml-31", 20);
}

/// saml-32: confirmations of the subject.
#[test]
fn sec_saml_32_confirmation() {
    refuse("saml-32", 12);
}

/// saml-34: addresses that differ in anything.
#[test]
fn sec_saml_34_destination() {
    refuse("saml-34", 14);
}

/// saml-35: other issuers, and statuses that are no success.
#[test]
fn sec_saml_35_issuer_and_status() {
    refuse("saml-35", 12);
}

/// saml-36: encrypted parts are refused before anything is decrypted, all with the same words, whatever is inside.
#[test]
fn sec_saml_36_encrypted() {
    refuse("saml-36", 6);
}

/// G-01: any change of signed text is noticed.
#[test]
fn sec_saml_changed_content() {
    refuse("changed", 20);
}

/// saml-27: base64 that is none, twice base64, or too long is refused before anything is parsed.
#[test]
fn sec_saml_27_base64() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use mke_auth::saml::{MAX_ENCODED_BYTES, accept};
    let document = Fields::default().signed_assertion(&Signer::default());
    let good = STANDARD.encode(&document);
    let ask = |text: &str| accept(text, &provider(&["rsa"]), &me(), &[REQUEST.to_owned()], now());
    assert!(ask(&good).is_ok());
    let wrapped: Vec<&str> = good
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    assert!(
        ask(&wrapped.join("\r\n")).is_ok(),
        "lines are how some providers write base64"
    );
    let twice = STANDARD.encode(&good);
    for (name, text) in [
        ("junk before", format!("!{good}")),
        ("junk inside", format!("{}*{}", &good[..100], &good[100..])),
        ("junk after", format!("{good}!")),
        ("two documents", format!("{good}{good}")),
        ("the other alphabet", good.replace('+', "-").replace('/', "_")),
        ("percent-encoded once more", good.replace('=', "%3D")),
        ("no padding", good.trim_end_matches('=').to_owned() + "A"),
        ("twice", twice),
        ("empty", String::new()),
        ("plain XML", document.clone()),
        ("too long", "A".repeat(MAX_ENCODED_BYTES + 4)),
    ] {
        assert!(ask(&text).is_err(), "{name}");
    }
    assert_eq!(
        kind(&ask(&"A".repeat(MAX_ENCODED_BYTES + 1)).unwrap_err()),
        "TooMuch"
    );
}

/// saml-15: what is read is what was verified: a document whose unsigned parts say otherwise changes nothing.
#[test]
fn sec_saml_15_only_verified_bytes_are_read() {
    let fields = Fields::default();
    let document = fields.signed_assertion(&Signer::default());
    // The response around it is not signed. Whatever it says, the person comes from the assertion.
    let around = document.replacen("ID=\"_response-1\"", "ID=\"_response-2\" Consent=\"admin\"", 1);
    assert_ne!(around, document);
    let proven = judge(&around).unwrap();
    assert_eq!(proven.name_id.value, "jane");
    assert_eq!(proven.assertion_id, "_assertion-1");
    // When the response is signed, the assertion is read from the response's bytes.
    let proven = judge(&fields.signed_response(&Signer::default())).unwrap();
    assert_eq!(proven.name_id.value, "jane");
}

/// saml-25, saml-26: what is accepted is the whole text, also when references make it up.
#[test]
fn sec_saml_26_references_are_read_in_full() {
    for (written, read) in [
        ("j&#97;ne", "jane"),
        ("jane&#46;doe", "jane.doe"),
        ("&#x6a;&#x61;&#x6e;&#x65;", "jane"),
        ("jane&amp;doe", "jane&doe"),
    ] {
        // The digest is taken of what the references mean.
        let covered = Fields {
            name_id: read.replace('&', "&amp;"),
            ..Fields::default()
        };
        let document = covered.signed_assertion(&Signer::default());
        let document = document.replacen(&format!(">{}<", covered.name_id), &format!(">{written}<"), 1);
        assert_eq!(judge(&document).unwrap().name_id.value, read, "{written}");
    }
}

/// saml-30: there is no provider without a usable certificate, whatever its metadata leaves out.
#[test]
fn sec_saml_30_no_provider_without_a_key() {
    use mke_auth::saml::{IdentityProvider, Refusal};
    let read =
        |text: &str| IdentityProvider::from_metadata(text.as_bytes(), "https://idp.example.com/md", now());
    assert!(read(&metadata(&["rsa"])).is_ok());
    assert_eq!(read(&metadata(&[])).unwrap_err(), Refusal::NoKey);
    // Too short, too long a curve, another family: none of them can verify anything here (saml-18).
    for weak in ["rsa-1024", "p521", "ed25519"] {
        assert_eq!(read(&metadata(&[weak])).unwrap_err(), Refusal::NoKey, "{weak}");
    }
    let for_encryption = metadata(&["rsa"]).replace("use=\"signing\"", "use=\"encryption\"");
    assert_eq!(read(&for_encryption).unwrap_err(), Refusal::NoKey);
    let mut record = provider(&["rsa"]).record().clone();
    for certificates in [vec![], vec![String::new()], vec!["AAAA".to_owned()]] {
        record.certificates = certificates;
        assert_eq!(IdentityProvider::from_record(record.clone()), Err(Refusal::NoKey));
    }
    let some = read(&metadata(&["rsa-1024", "rsa"])).unwrap();
    assert_eq!(some.keys().len(), 1);
    assert_eq!(
        some.record().warnings.len(),
        1,
        "the one that is left out is named"
    );
}

/// saml-21: the digest of nothing, rightly signed, stands for nothing: the canonical form of an element is never empty.
#[test]
fn sec_saml_21_void_canonicalisation() {
    let signer = Signer::default();
    let fields = Fields::default();
    let bare = fields.assertion();
    let without = bare.replace(PLACE, "");
    for covered in [
        &b""[..],
        b" ",
        b"<",
        without.as_bytes().split_at(without.len() - 1).0,
    ] {
        let assertion = signer.sign_bytes(&bare, covered, &fields.id);
        let document = fields.response(&assertion).replace(PLACE, "");
        assert_eq!(kind(&judge(&document).unwrap_err()), "Digest");
    }
    // What other canonicalisers stumble over never gets that far.
    for trick in [
        "xmlns:a=\"relative\"",
        "xmlns:a=\"\"",
        "xmlns=\"..\"",
        "xmlns:a=\"1:\"",
    ] {
        let forged = without.replacen("<saml:Subject>", &format!("<saml:Subject {trick}>"), 1);
        let place = forged.find("<saml:Subject").unwrap();
        let forged = format!("{}{PLACE}{}", &forged[..place], &forged[place..]);
        let assertion = signer.sign_bytes(&forged, b"", &fields.id);
        let document = fields.response(&assertion).replace(PLACE, "");
        assert_eq!(kind(&judge(&document).unwrap_err()), "Namespace", "{trick}");
    }
}

/// saml-24: nothing that the controller is built of can read XML but the one parser.
#[test]
fn sec_saml_24_one_parser() {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "mke-agent",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8_lossy(&output.stdout);
    let packages: HashSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(
        packages.contains("roxmltree"),
        "the tree is that of the controller"
    );
    let of_xml: Vec<&str> = packages
        .into_iter()
        .filter(|name| {
            let name = name.to_ascii_lowercase();
            name.contains("xml") || name.contains("html5ever") || name.contains("expat") || name == "minidom"
        })
        .collect();
    assert_eq!(of_xml, ["roxmltree"]);
    let versions: HashSet<&str> = tree
        .lines()
        .filter(|line| line.starts_with("roxmltree "))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert_eq!(versions.len(), 1, "and one version of it");
    // And in this crate one place calls it.
    let callers: Vec<_> = sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))
        .into_iter()
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("Document::parse"))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    assert_eq!(callers.len(), 1, "{callers:?}");
    assert!(callers[0].ends_with("saml/xml.rs"));
}

fn sources(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .collect()
}
