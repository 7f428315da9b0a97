//! Signed text that was changed afterwards: each change must be noticed.

use super::*;

pub fn add(all: &mut Vec<Forgery>) {
    let changes: &[(&str, &str, &str)] = &[
        ("another name", ">jane<", ">admin<"),
        ("a longer name", ">jane<", ">janes<"),
        ("a name with space", ">jane<", ">jane <"),
        ("another group", ">ops<", ">root<"),
        (
            "one more group",
            ">dev</saml:AttributeValue>",
            ">dev</saml:AttributeValue><saml:AttributeValue>root</saml:AttributeValue>",
        ),
        ("an administrator", "Name=\"fullname\"", "Name=\"is-admin\""),
        (
            "a later end",
            "NotOnOrAfter=\"2026-03-04T05:11:07Z\"",
            "NotOnOrAfter=\"2026-03-04T05:59:07Z\"",
        ),
        (
            "another session",
            "SessionIndex=\"_session-1\"",
            "SessionIndex=\"_session-2\"",
        ),
        (
            "another format",
            "nameid-format:unspecified",
            "nameid-format:persistent",
        ),
        ("space between elements", "<saml:Subject>", " <saml:Subject>"),
        ("a line at the end", "</saml:Assertion>", "\n</saml:Assertion>"),
        (
            "one more attribute",
            "<saml:Subject>",
            "<saml:Subject Extra=\"1\">",
        ),
        (
            "one statement less",
            "<saml:Attribute Name=\"member-of\"><saml:AttributeValue>ops</saml:AttributeValue>",
            "<saml:Attribute Name=\"member-of\">",
        ),
        (
            "the order of groups",
            "<saml:AttributeValue>ops</saml:AttributeValue><saml:AttributeValue>dev</saml:AttributeValue>",
            "<saml:AttributeValue>dev</saml:AttributeValue><saml:AttributeValue>ops</saml:AttributeValue>",
        ),
    ];
    for (name, document) in originals() {
        let mut case = Case::new(all, "changed", &["Digest"]);
        for (what, from, to) in changes {
            case.replaced(format!("{name}: {what}"), &document, from, to);
        }
    }
    let mut case = Case::new(all, "changed", &["Digest"]);
    let response = Fields::default().signed_response(&Signer::default());
    case.replaced(
        "response: the status",
        &response,
        "status:Success",
        "status:Successful",
    );
    case.replaced(
        "response: the request",
        &response,
        "InResponseTo=\"_request-1\"",
        "InResponseTo=\"_request-2\"",
    );
    case.replaced(
        "response: the prefix",
        &response,
        "xmlns:samlp=",
        "xmlns:unused=\"urn:x\" xmlns:samlp=",
    );
    // An unused declaration is not part of what exclusive canonicalisation covers.
    all.pop();
    let mut case = Case::new(all, "changed", &["Signature", "Digest"]);
    for (name, document) in originals() {
        let value = part(&document, "<ds:DigestValue>", "</ds:DigestValue>");
        let forged = document.replace(">jane<", ">admin<");
        case.replaced(
            format!("{name}: another digest"),
            &forged,
            &value,
            "<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue>",
        );
    }
}
