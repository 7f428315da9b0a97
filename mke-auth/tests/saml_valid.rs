//! Responses that must be accepted, in the shapes that providers send, and what is read from them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking, and share an identity provider of which each uses a part"
)]

mod saml;

use mke_auth::saml::{Proven, Refusal};
use saml::*;

/// A response that must be accepted: what it is, the document, the certificates of its provider.
struct Valid {
    name: String,
    document: String,
    keys: Vec<&'static str>,
}

fn valid(name: impl Into<String>, document: String, keys: &[&'static str]) -> Valid {
    Valid {
        name: name.into(),
        document,
        keys: keys.to_vec(),
    }
}

const ALGORITHMS: &[(&str, &str, &str)] = &[
    ("rsa", "rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
    (
        "rsa",
        "rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
    ),
    ("rsa", "rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
    (
        "rsa-4096",
        "rsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
    ),
    ("p256", "ecdsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
    (
        "p384",
        "ecdsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
    ),
];

fn signer(key: &'static str, method: &str, digest: &str) -> Signer {
    Signer {
        digest: digest.to_owned(),
        ..Signer::with(key, &format!("http://www.w3.org/2001/04/xmldsig-more#{method}"))
    }
}

/// What is signed, times how.
fn by_algorithm() -> Vec<Valid> {
    let mut all = Vec::new();
    for (key, method, digest) in ALGORITHMS {
        let signer = signer(key, method, digest);
        let fields = Fields::default();
        all.push(valid(
            format!("assertion, {key} {method}"),
            fields.signed_assertion(&signer),
            &[key],
        ));
        all.push(valid(
            format!("response, {key} {method}"),
            fields.signed_response(&signer),
            &[key],
        ));
        all.push(valid(
            format!("both, {key} {method}"),
            fields.signed_both(&signer),
            &[key],
        ));
    }
    all
}

/// Forms of the same that digests do not see, or that are canonical in another way.
fn by_form() -> Vec<Valid> {
    let plain = Fields::default().signed_assertion(&Signer::default());
    let rsa = &["rsa"][..];
    let mut all = vec![
        valid(
            "declaration",
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{plain}"),
            rsa,
        ),
        valid(
            "declaration and line",
            format!("<?xml version='1.0' encoding='utf-8' standalone='no'?>\n{plain}\n"),
            rsa,
        ),
        valid("white space around", format!("\n  {plain}\n\n"), rsa),
        valid(
            "single quotes",
            plain.replace("Version=\"2.0\"", "Version='2.0'"),
            rsa,
        ),
        valid(
            "other order of attributes",
            plain.replace(
                "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
                "<samlp:StatusCode   Value = \"urn:oasis:names:tc:SAML:2.0:status:Success\" />",
            ),
            rsa,
        ),
        valid(
            "empty elements written short",
            plain.replace("></saml:SubjectConfirmationData>", "/>"),
            rsa,
        ),
        valid(
            "a reference in a name",
            plain.replace(">jane<", ">j&#x61;ne<"),
            rsa,
        ),
        valid(
            "spaces in tags",
            plain.replace("<saml:Subject>", "<saml:Subject  >"),
            rsa,
        ),
        valid("two keys, the second signs", plain.clone(), &["rsa-other", "rsa"]),
        valid("keys of two families", plain.clone(), &["p256", "rsa"]),
    ];
    let with = |change: &dyn Fn(&mut Signer)| {
        let mut signer = Signer::default();
        change(&mut signer);
        Fields::default().signed_assertion(&signer)
    };
    all.push(valid(
        "no KeyInfo",
        with(&|signer| signer.key_info = String::new()),
        rsa,
    ));
    all.push(valid("dsig prefix", with(&|signer| signer.prefix = "dsig"), rsa));
    all.push(valid(
        "no prefix in the signature",
        with(&|signer| signer.prefix = ""),
        rsa,
    ));
    let split = with(&|_| {});
    let (head, tail) = split.split_once("<ds:SignatureValue>").unwrap();
    let (value, tail) = tail.split_once("</ds:SignatureValue>").unwrap();
    let lines: Vec<&str> = value
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let wrapped = format!(
        "{head}<ds:SignatureValue>\n{}\n</ds:SignatureValue>{tail}",
        lines.join("\n")
    );
    all.push(valid("signature in lines", wrapped, rsa));
    all
}

/// What the fields say.
fn by_content() -> Vec<Valid> {
    let make = |name: &str, change: &dyn Fn(&mut Fields)| {
        let mut fields = Fields::default();
        change(&mut fields);
        valid(name, fields.signed_assertion(&Signer::default()), &["rsa"])
    };
    vec![
        make("ADFS: transient name", &|fields| {
            fields.name_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient".into();
        }),
        make("no statement of attributes", &|fields| {
            fields.attributes = String::new()
        }),
        make("no issuer of the unsigned response", &|fields| {
            fields.response_issuer = None
        }),
        make("no InResponseTo in the response", &|fields| {
            fields.response_in_response_to = None
        }),
        make("no begin", &|fields| fields.not_before = None),
        make("only the confirmation ends", &|fields| {
            fields.not_on_or_after = None
        }),
        make("begin at the edge of the skew", &|fields| {
            fields.not_before = Some("2026-03-04T05:07:07Z".into())
        }),
        make("end at the edge of the skew", &|fields| {
            fields.not_on_or_after = Some("2026-03-04T05:05:08Z".into());
            fields.confirmed_until = Some("2026-03-04T05:05:08Z".into());
        }),
        make("fractions of seconds", &|fields| {
            fields.instant = "2026-03-04T05:06:06.123456Z".into();
            fields.not_before = Some("2026-03-04T05:05:07.1Z".into());
        }),
        make("several audiences", &|fields| {
            fields.audiences = vec!["https://other.example".into(), ENTITY.into()];
        }),
        make("used once", &|fields| {
            fields.conditions = Some(format!(
                "<saml:Conditions><saml:OneTimeUse></saml:OneTimeUse><saml:AudienceRestriction><saml:Audience>{ENTITY}\
                 </saml:Audience></saml:AudienceRestriction></saml:Conditions>"
            ));
        }),
        make("an empty group and unknown attributes", &|fields| {
            fields.attributes = attributes(&[("member-of", &["", "ops"]), ("mail", &["jane@example.com"])]);
        }),
        make("groups in two attributes", &|fields| {
            fields.attributes = attributes(&[("member-of", &["ops"]), ("member-of", &["dev"])]);
        }),
        make("two statements of attributes", &|fields| {
            fields.attributes = format!(
                "{}{}",
                attributes(&[("member-of", &["ops"])]),
                attributes(&[("member-of", &["dev"])])
            );
        }),
        make("a thousand groups", &|fields| {
            let groups: Vec<String> = (0..1000)
                .map(|i| format!("CN=group-{i},OU=groups,DC=example,DC=com"))
                .collect();
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            fields.attributes = attributes(&[("member-of", &groups)]);
        }),
    ]
}

/// Documents as Okta, ADFS and others write them, signed by `xmlsec1`: prefixes, lists of inclusive prefixes, types.
fn by_provider() -> Vec<Valid> {
    let xs = "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"";
    let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let okta_assertion = |signature: &str| {
        format!(
            "<saml2:Assertion xmlns:saml2=\"{SAML}\" {xs} ID=\"id1\" IssueInstant=\"{NOW}\" Version=\"2.0\">\n\
         <saml2:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{IDP}</saml2:Issuer>{signature}\n\
         <saml2:Subject><saml2:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">jane</saml2:NameID>\
         <saml2:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml2:SubjectConfirmationData \
         InResponseTo=\"{REQUEST}\" NotOnOrAfter=\"2026-03-04T05:11:07.000Z\" Recipient=\"{ACS}\"/>\
         </saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore=\"2026-03-04T05:01:07.000Z\" \
         NotOnOrAfter=\"2026-03-04T05:11:07.000Z\"><saml2:AudienceRestriction><saml2:Audience>{ENTITY}</saml2:Audience>\
         </saml2:AudienceRestriction></saml2:Conditions>\n<saml2:AuthnStatement AuthnInstant=\"{NOW}\" SessionIndex=\"_session-1\">\
         <saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
         </saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>\
         <saml2:Attribute Name=\"fullname\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified\">\
         <saml2:AttributeValue {xs} {xsi} xsi:type=\"xs:string\">Jane Doe</saml2:AttributeValue></saml2:Attribute>\
         <saml2:Attribute Name=\"member-of\"><saml2:AttributeValue {xs} {xsi} xsi:type=\"xs:string\">ops</saml2:AttributeValue>\
         <saml2:AttributeValue {xs} {xsi} xsi:type=\"xs:string\">dev</saml2:AttributeValue></saml2:Attribute>\
         </saml2:AttributeStatement></saml2:Assertion>"
        )
    };
    let okta = |assertion: &str, signature: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><saml2p:Response xmlns:saml2p=\"{SAMLP}\" {xs} Destination=\"{ACS}\" ID=\"id2\" \
         InResponseTo=\"{REQUEST}\" IssueInstant=\"{NOW}\" Version=\"2.0\"><saml2:Issuer xmlns:saml2=\"{SAML}\" \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{IDP}</saml2:Issuer>{signature}<saml2p:Status \
         xmlns:saml2p=\"{SAMLP}\"><saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></saml2p:Status>\
         {assertion}</saml2p:Response>"
        )
    };
    let adfs = |signature: &str| {
        format!(
            "<samlp:Response ID=\"_2\" Version=\"2.0\" IssueInstant=\"{NOW}\" Destination=\"{ACS}\" \
         Consent=\"urn:oasis:names:tc:SAML:2.0:consent:unspecified\" InResponseTo=\"{REQUEST}\" xmlns:samlp=\"{SAMLP}\">\
         <Issuer xmlns=\"{SAML}\">{IDP}</Issuer><samlp:Status><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\" /></samlp:Status><Assertion ID=\"_1\" IssueInstant=\"{NOW}\" \
         Version=\"2.0\" xmlns=\"{SAML}\"><Issuer>{IDP}</Issuer>{signature}<Subject><NameID \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">jane</NameID><SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><SubjectConfirmationData InResponseTo=\"{REQUEST}\" \
         NotOnOrAfter=\"2026-03-04T05:11:07.000Z\" Recipient=\"{ACS}\" /></SubjectConfirmation></Subject><Conditions \
         NotBefore=\"2026-03-04T05:06:07.000Z\" NotOnOrAfter=\"2026-03-04T06:06:07.000Z\"><AudienceRestriction><Audience>\
         {ENTITY}</Audience></AudienceRestriction></Conditions><AttributeStatement><Attribute Name=\"fullname\">\
         <AttributeValue>Jane Doe</AttributeValue></Attribute><Attribute Name=\"member-of\"><AttributeValue>ops\
         </AttributeValue><AttributeValue>dev</AttributeValue></Attribute></AttributeStatement><AuthnStatement \
         AuthnInstant=\"{NOW}\" SessionIndex=\"_session-1\"><AuthnContext><AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</AuthnContextClassRef></AuthnContext>\
         </AuthnStatement></Assertion></samlp:Response>"
        )
    };
    let sign = |document: &str| sign_elsewhere(document, "rsa");
    let template = |id: &str, prefixes: &str| template(id, RSA_SHA256, sha256, prefixes);
    let both = sign(&okta(&okta_assertion(&template("id1", "xs")), ""));
    // The assertion is signed by now; the response is next, and comes first in the document.
    let issuer_end = both.find("</saml2:Issuer>").unwrap() + "</saml2:Issuer>".len();
    let both = format!(
        "{}{}{}",
        &both[..issuer_end],
        template("id2", "xs"),
        &both[issuer_end..]
    );
    let mut all = vec![
        valid(
            "Okta: assertion, prefixes xs",
            sign(&okta(&okta_assertion(&template("id1", "xs")), "")),
            &["rsa"],
        ),
        valid(
            "Okta: response, prefixes xs",
            sign(&okta(&okta_assertion(""), &template("id2", "xs"))),
            &["rsa"],
        ),
        valid("Okta: both", sign(&both), &["rsa"]),
        valid(
            "Okta: no list of prefixes",
            sign(&okta(&okta_assertion(&template("id1", "")), "")),
            &["rsa"],
        ),
        valid(
            "prefixes that are not there",
            sign(&okta(&okta_assertion(&template("id1", "xs none samlp")), "")),
            &["rsa"],
        ),
        valid(
            "the default namespace in the list",
            sign(&adfs(&template("_1", "#default samlp"))),
            &["rsa"],
        ),
        valid("ADFS: no prefixes", sign(&adfs(&template("_1", ""))), &["rsa"]),
    ];
    let inherited = okta(&okta_assertion(&template("id1", "xs")), "")
        .replace(
            &format!("<saml2:AttributeValue {xs} {xsi}"),
            "<saml2:AttributeValue",
        )
        .replace("<saml2p:Response ", &format!("<saml2p:Response {xsi} "));
    all.push(valid("prefixes declared at the root", sign(&inherited), &["rsa"]));
    all.push(valid(
        "characters that canonicalisation escapes",
        sign(
            &adfs(&template("_1", ""))
                .replace("Jane Doe", "Jane &amp; &lt;Doe&gt; &#13;&#10;\t\"'")
                .replace("Consent=\"", "Consent=\"&#9;&#10;&quot;&amp;"),
        ),
        &["rsa"],
    ));
    all
}

fn all() -> Vec<Valid> {
    let mut all = by_algorithm();
    all.extend(by_form());
    all.extend(by_content());
    all.extend(by_provider());
    all
}

/// SAML-003, SAML-005: at least forty shapes, among them those of Okta and ADFS, are accepted and name the same person.
#[test]
fn shapes_that_are_accepted() {
    let all = all();
    assert!(all.len() >= 40, "{} shapes", all.len());
    for case in &all {
        let proven = judge_with(&provider(&case.keys), &case.document);
        let proven = proven.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", case.name));
        assert_eq!(proven.name_id.value, "jane", "{}", case.name);
        assert_eq!(proven.in_response_to, REQUEST, "{}", case.name);
        assert_eq!(
            proven.session_index.as_deref(),
            Some("_session-1"),
            "{}",
            case.name
        );
        assert!(!proven.person.is_admin, "{}", case.name);
    }
}

/// saml-16: no shape is accepted by another provider's keys.
#[test]
fn sec_saml_16_other_keys_accept_nothing() {
    for case in all() {
        for others in [&["rsa-other"][..], &["p384", "rsa-other"]] {
            if case.keys.iter().any(|key| others.contains(key)) {
                continue;
            }
            assert_eq!(
                judge_with(&provider(others), &case.document),
                Err(Refusal::Signature),
                "{}",
                case.name
            );
        }
    }
}

/// The second implementation, libxmlsec1, agrees with every shape that has one signature.
#[test]
fn libxmlsec1_agrees() {
    for case in all().iter().filter(|case| case.keys.len() == 1) {
        assert!(right_elsewhere(&case.document, case.keys[0]), "{}", case.name);
    }
}

fn person(list: &[(&str, &[&str])]) -> Result<Proven, Refusal> {
    let fields = Fields {
        attributes: attributes(list),
        ..Fields::default()
    };
    judge(&fields.signed_assertion(&Signer::default()))
}

/// SAML-003, SAML-005: full name, groups, and who is an administrator, in the spellings of the documents.
#[test]
fn what_is_read_about_a_person() {
    let read = person(&[
        ("fullname", &["Jane Doe"]),
        ("member-of", &["ops", "dev", "ops", ""]),
    ])
    .unwrap()
    .person;
    assert_eq!(read.full_name.as_deref(), Some("Jane Doe"));
    assert_eq!(read.groups, ["dev", "ops"]);
    for (name, values, admin) in [
        ("is-admin", &["1"][..], true),
        ("is-admin", &["true"], true),
        ("is-admin", &["True"], true),
        ("is-admin", &["1", "true"], true),
        ("is*admin", &["1"], true),
        ("is-admin", &["0"], false),
        ("is-admin", &["false"], false),
        ("is-admin", &["yes"], false),
        ("is-admin", &["11"], false),
        ("is-admin", &[" 1"], false),
        ("is-admin", &[""], false),
        ("is-admin", &[], false),
        ("Is-Admin", &["1"], false),
        ("is_admin", &["1"], false),
        ("member-of", &["is-admin"], false),
    ] {
        let read = person(&[(name, values)]).unwrap().person;
        assert_eq!(read.is_admin, admin, "{name} {values:?}");
    }
}

/// saml-39: an attribute that decides something and has two values refuses the login.
#[test]
fn sec_saml_39_ambiguous_administrators() {
    for list in [
        &[("is-admin", &["1", "0"][..])][..],
        &[("is-admin", &["0", "1"])],
        &[("is-admin", &["1"]), ("is-admin", &["0"])],
        &[("is-admin", &["1"]), ("is*admin", &["false"])],
        &[("fullname", &["Jane", "Root"])],
    ] {
        assert!(matches!(person(list), Err(Refusal::Ambiguous(_))), "{list:?}");
    }
    assert!(!person(&[]).unwrap().person.is_admin);
}

/// saml-33: of several confirmations that fit, the last to end says how long the assertion is remembered, in whichever
/// order they stand: until then it would be accepted again.
#[test]
fn an_assertion_is_remembered_as_long_as_any_confirmation_fits() {
    let until = |end: &str| {
        let fields = Fields {
            confirmed_until: Some(end.to_owned()),
            ..Fields::default()
        };
        let assertion = fields.assertion();
        let begin = assertion.find("<saml:SubjectConfirmation ").unwrap();
        let end = assertion.find("</saml:Subject>").unwrap();
        assertion[begin..end].to_owned()
    };
    let (short, long) = (until("2026-03-04T05:07:07Z"), until("2026-03-04T06:00:00Z"));
    let fields = Fields::default();
    let usual = until(fields.confirmed_until.as_deref().unwrap());
    for both in [format!("{short}{long}"), format!("{long}{short}")] {
        let assertion = fields.assertion().replace(&usual, &both);
        let assertion = Signer::default().sign(&assertion, &fields.id);
        let document = fields.response(&assertion).replace(PLACE, "");
        let proven = judge(&document).unwrap();
        assert_eq!(proven.usable_until, "2026-03-04T06:01:00Z".parse().unwrap());
    }
}
