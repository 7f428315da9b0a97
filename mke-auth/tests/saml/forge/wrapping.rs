//! Wrapping: signed elements moved, copied or hidden (saml-01 to saml-14).

use super::*;

const STRUCTURE: &[&str] = &["Structure", "SignatureForm", "DuplicateId"];

pub fn add(all: &mut Vec<Forgery>) {
    responses(all);
    assertions(all);
    two_assertions(all);
    roots(all);
    ids(all);
    references(all);
    places(all);
}

/// Variants 1 and 2 cover a response.
fn responses(all: &mut Vec<Forgery>) {
    let signed = Fields::default().signed_response(&Signer::default());
    let signature = signature_of(&signed);
    let bare = signed.replace(&signature, "");
    let opened = signature.replace("</ds:Signature>", "");
    for (suffix, forged) in [
        ("", evil(&bare)),
        (", same ids", bare.replace(">jane<", ">admin<")),
    ] {
        let with = |inside: &str| {
            let at = forged.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
            format!("{}{inside}{}", &forged[..at], &forged[at..])
        };
        let mut case = Case::new(all, "saml-01", STRUCTURE);
        case.add(
            format!("inside the signature{suffix}"),
            with(&format!("{opened}{bare}</ds:Signature>")),
        );
        case.add(
            format!("inside an object{suffix}"),
            with(&format!("{opened}<ds:Object>{bare}</ds:Object></ds:Signature>")),
        );
        case.add(
            format!("inside KeyInfo{suffix}"),
            with(&signature.replace("</ds:KeyInfo>", &format!("{bare}</ds:KeyInfo>"))),
        );
        let mut case = Case::new(all, "saml-02", STRUCTURE);
        case.add(
            format!("before the signature{suffix}"),
            with(&format!("{bare}{signature}")),
        );
        case.add(
            format!("after the signature{suffix}"),
            with(&format!("{signature}{bare}")),
        );
        case.add(
            format!("at the end{suffix}"),
            forged.replace(
                "</samlp:Response>",
                &format!("{signature}{bare}</samlp:Response>"),
            ),
        );
        case.add(
            format!("in the status{suffix}"),
            with(&signature).replacen("<samlp:Status>", &format!("<samlp:Status>{bare}"), 1),
        );
    }
}

/// Variants 3 to 8 cover an assertion.
fn assertions(all: &mut Vec<Forgery>) {
    let signed = Fields::default().signed_assertion(&Signer::default());
    let assertion = assertion_of(&signed);
    let signature = signature_of(&assertion);
    let bare = assertion.replace(&signature, "");
    let opened = signature.replace("</ds:Signature>", "");
    let around = |content: &str| signed.replace(&assertion, content);
    for (suffix, forged) in [
        ("", evil(&bare)),
        (", same id", bare.replace(">jane<", ">admin<")),
    ] {
        let issuer_end = forged.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
        let with = |inside: &str| format!("{}{inside}{}", &forged[..issuer_end], &forged[issuer_end..]);
        let mut case = Case::new(all, "saml-03", STRUCTURE);
        case.add(
            format!("forged first{suffix}"),
            around(&format!("{forged}{assertion}")),
        );
        case.add(
            format!("forged last{suffix}"),
            around(&format!("{assertion}{forged}")),
        );
        let mut case = Case::new(all, "saml-04", STRUCTURE);
        case.add(
            format!("signed inside the forged{suffix}"),
            around(&forged.replace("</saml:Assertion>", &format!("{assertion}</saml:Assertion>"))),
        );
        case.add(
            format!("signed in the advice{suffix}"),
            around(&with(&format!("<saml:Advice>{assertion}</saml:Advice>"))),
        );
        case.add(
            format!("signed in an attribute value{suffix}"),
            around(&forged.replacen(">Jane Doe<", &format!(">{assertion}<"), 1)),
        );
        let mut case = Case::new(all, "saml-05", STRUCTURE);
        case.add(
            format!("signature moved, signed last{suffix}"),
            around(&format!("{}{bare}", with(&signature))),
        );
        case.add(
            format!("signature moved, signed first{suffix}"),
            around(&format!("{bare}{}", with(&signature))),
        );
        let mut case = Case::new(all, "saml-06", STRUCTURE);
        case.add(
            format!("signed inside the signature{suffix}"),
            around(&with(&format!("{opened}{bare}</ds:Signature>"))),
        );
        case.add(
            format!("signed inside SignedInfo{suffix}"),
            around(&with(
                &signature.replace("</ds:SignedInfo>", &format!("{bare}</ds:SignedInfo>")),
            )),
        );
        case.add(
            format!("signed inside KeyInfo{suffix}"),
            around(&with(
                &signature.replace("</ds:KeyInfo>", &format!("{bare}</ds:KeyInfo>")),
            )),
        );
        let mut case = Case::new(all, "saml-07", STRUCTURE);
        let extensions = |content: &str| format!("<samlp:Extensions>{content}</samlp:Extensions>");
        case.add(
            format!("forged in extensions{suffix}"),
            signed.replacen(
                "<samlp:Status>",
                &format!("{}<samlp:Status>", extensions(&forged)),
                1,
            ),
        );
        case.add(
            format!("signed in extensions{suffix}"),
            around(&with(&signature)).replacen(
                "<samlp:Status>",
                &format!("{}<samlp:Status>", extensions(&bare)),
                1,
            ),
        );
        let mut case = Case::new(all, "saml-08", STRUCTURE);
        case.add(
            format!("signed in an object{suffix}"),
            around(&with(&format!(
                "{opened}<ds:Object>{bare}</ds:Object></ds:Signature>"
            ))),
        );
        case.add(
            format!("signed in an object first{suffix}"),
            around(&with(&signature.replacen(
                "<ds:SignedInfo>",
                &format!("<ds:Object>{bare}</ds:Object><ds:SignedInfo>"),
                1,
            ))),
        );
    }
}

fn two_assertions(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-09", STRUCTURE);
    for (name, document) in originals() {
        let assertion = assertion_of(&document);
        let bare = assertion.replace(&signature_or_nothing(&assertion), "");
        let unsigned = evil(&bare);
        case.add(
            format!("{name}: unsigned after"),
            document.replace(&assertion, &format!("{assertion}{unsigned}")),
        );
        case.add(
            format!("{name}: unsigned before"),
            document.replace(&assertion, &format!("{unsigned}{assertion}")),
        );
    }
}

fn signature_or_nothing(text: &str) -> String {
    if text.contains("<ds:Signature xmlns") {
        signature_of(text)
    } else {
        "<none>".to_owned()
    }
}

fn roots(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-10", &["Xml", "Encoding", "DuplicateId", "Markup"]);
    for (name, document) in originals() {
        case.add(
            format!("{name}: a second root after"),
            format!("{document}{}", evil(&document)),
        );
        case.add(
            format!("{name}: a second root before"),
            format!("{}{document}", evil(&document)),
        );
        case.add(format!("{name}: text after"), format!("{document}text"));
        case.add(format!("{name}: text before"), format!("text{document}"));
        case.add(format!("{name}: an empty root after"), format!("{document}<x/>"));
    }
}

fn ids(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-11", &["DuplicateId", "Namespace"]);
    let document = Fields::default().signed_assertion(&Signer::default());
    case.replaced(
        "the response has the assertion's",
        &document,
        "ID=\"_response-1\"",
        "ID=\"_assertion-1\"",
    );
    for spelling in ["ID", "Id", "id"] {
        case.replaced(
            format!("`{spelling}` on the status"),
            &document,
            "<samlp:Status>",
            &format!("<samlp:Status {spelling}=\"_assertion-1\">"),
        );
        case.replaced(
            format!("`{spelling}` on the signature"),
            &document,
            "<ds:Signature xmlns",
            &format!("<ds:Signature {spelling}=\"_assertion-1\" xmlns"),
        );
    }
    case.replaced(
        "`xml:id`",
        &document,
        "<samlp:Status>",
        "<samlp:Status xml:id=\"_assertion-1\">",
    );
    case.replaced(
        "an id in a namespace",
        &document,
        "<samlp:Status>",
        "<samlp:Status samlp:ID=\"_other\">",
    );
    case.replaced(
        "both spellings on one element",
        &document,
        "ID=\"_response-1\"",
        "ID=\"_response-1\" Id=\"_response-1\"",
    );
}

fn references(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-12", &["SignatureForm"]);
    for uri in [
        "",
        "#",
        "_assertion-1",
        "#_assertion-2",
        "#_Assertion-1",
        "# _assertion-1",
        "#_assertion-1 ",
        "##_assertion-1",
        "#xpointer(/)",
        "#xpointer(id('_assertion-1'))",
        "https://idp.example.com/document#_assertion-1",
        "file:///etc/passwd",
        "#%5Fassertion-1",
    ] {
        let signer = Signer {
            uri: Some(uri.to_owned()),
            ..Signer::default()
        };
        case.add(
            format!("assertion refers to `{uri}`"),
            Fields::default().signed_assertion(&signer),
        );
    }
    for uri in ["", "#", "#_assertion-1"] {
        let signer = Signer {
            uri: Some(uri.to_owned()),
            ..Signer::default()
        };
        case.add(
            format!("response refers to `{uri}`"),
            Fields::default().signed_response(&signer),
        );
    }
    let signer = Signer {
        uri: Some("#_response-1".to_owned()),
        ..Signer::default()
    };
    case.add(
        "assertion refers to the response around it",
        Fields::default().signed_assertion(&signer),
    );

    let document = Fields::default().signed_assertion(&Signer::default());
    let reference = part(&document, "<ds:Reference", "</ds:Reference>");
    let bare = Fields::default().assertion();
    let sign_info = |info: &str| {
        let assertion = Signer::default().assemble(&bare, info);
        Fields::default().response(&assertion).replace(PLACE, "")
    };
    let info = part(&document, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let mut case = Case::new(all, "saml-13", &["SignatureForm"]);
    case.add("no reference", sign_info(&info.replace(&reference, "")));
    case.add(
        "two references",
        sign_info(&info.replace(&reference, &format!("{reference}{reference}"))),
    );
    let other = reference.replace("#_assertion-1", "#_response-1");
    case.add(
        "a reference to another element too",
        sign_info(&info.replace(&reference, &format!("{other}{reference}"))),
    );
    case.add(
        "a reference without an address",
        sign_info(&info.replace(" URI=\"#_assertion-1\"", " Type=\"x\"")).replace("URI", "Uri"),
    );
    let last = all.last_mut().unwrap();
    last.expected = vec!["Structure"];
}

fn places(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-14", STRUCTURE);
    let document = Fields::default().signed_assertion(&Signer::default());
    let signature = signature_of(&document);
    let without = document.replace(&signature, "");
    for (name, before) in [
        ("in the status", "</samlp:Status>"),
        ("in the subject", "</saml:Subject>"),
        ("in the conditions", "</saml:Conditions>"),
        ("in the attributes", "</saml:AttributeStatement>"),
        ("in the name", "</saml:NameID>"),
    ] {
        case.replaced(name, &without, before, &format!("{signature}{before}"));
    }
    case.replaced(
        "in the response, for the assertion",
        &without,
        "<samlp:Status>",
        &format!("{signature}<samlp:Status>"),
    );
    case.replaced("twice", &document, &signature, &format!("{signature}{signature}"));
}
