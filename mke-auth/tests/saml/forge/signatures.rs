//! Signatures: values, digests, algorithms, transforms, and none at all (saml-16 to saml-20, saml-30).

use super::*;

pub fn add(all: &mut Vec<Forgery>) {
    signature_values(all);
    digest_values(all);
    algorithms(all);
    transforms_(all);
    unsigned(all);
}

fn signature_values(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-16", &["Signature", "SignatureForm", "Structure"]);
    let other_message = Fields {
        id: "_assertion-9".into(),
        ..Fields::default()
    }
    .signed_assertion(&Signer::default());
    let other_value = part(&other_message, "<ds:SignatureValue>", "</ds:SignatureValue>");
    for (name, document) in originals() {
        let value = part(&document, "<ds:SignatureValue>", "</ds:SignatureValue>");
        let text = &value["<ds:SignatureValue>".len()..value.len() - "</ds:SignatureValue>".len()];
        let flipped = if text.starts_with('A') {
            format!("B{}", &text[1..])
        } else {
            format!("A{}", &text[1..])
        };
        for (what, content) in [
            ("empty", String::new()),
            ("zeros", "A".repeat(342) + "=="),
            ("a bit flipped", flipped),
            ("cut", text[..text.len() - 8].to_owned()),
            ("doubled", format!("{text}{text}")),
            ("no base64", "!!!!".to_owned()),
            ("too long", "A".repeat(4096)),
        ] {
            case.add(
                format!("{name}: {what}"),
                document.replacen(
                    &value,
                    &format!("<ds:SignatureValue>{content}</ds:SignatureValue>"),
                    1,
                ),
            );
        }
        case.add(
            format!("{name}: of another message"),
            document.replacen(&value, &other_value, 1),
        );
        case.add(format!("{name}: left out"), document.replacen(&value, "", 1));
    }
    for forgery in all
        .iter_mut()
        .filter(|forgery| forgery.case == "saml-16" && forgery.name.ends_with("too long"))
    {
        forgery.expected = vec!["TooMuch"];
    }
}

fn digest_values(all: &mut Vec<Forgery>) {
    let mut case = Case::new(
        all,
        "saml-17",
        &[
            "Markup",
            "Structure",
            "SignatureForm",
            "Digest",
            "Signature",
            "TooMuch",
        ],
    );
    let document = Fields::default().signed_assertion(&Signer::default());
    let value = part(&document, "<ds:DigestValue>", "</ds:DigestValue>");
    let text = &value["<ds:DigestValue>".len()..value.len() - "</ds:DigestValue>".len()];
    let (head, tail) = text.split_at(10);
    let forged = document.replace(">jane<", ">admin<");
    for (name, content) in [
        ("a comment", format!("{head}<!-- -->{tail}")),
        ("a comment before", format!("<!-- -->{text}")),
        ("white space", format!("{head} {tail}")),
        ("a line", format!("{text}\n")),
        ("an element between", format!("{head}<x/>{tail}")),
        ("two elements", format!("<a>{text}</a><b>{text}</b>")),
        ("an instruction", format!("{head}<?x?>{tail}")),
        ("CDATA", format!("<![CDATA[{text}]]>")),
        ("empty", String::new()),
        ("cut", head.to_owned()),
        ("cut to whole bytes", text[..8].to_owned()),
        ("doubled", format!("{text}{text}")),
        ("no base64", "!".repeat(44)),
        ("too long", "A".repeat(4096)),
    ] {
        // With the right digest in front, a reader of the first child only would be content.
        case.add(
            name,
            forged.replacen(&value, &format!("<ds:DigestValue>{content}</ds:DigestValue>"), 1),
        );
    }
    case.replaced("two values", &forged, &value, &format!("{value}{value}"));
    case.replaced(
        "in an attribute",
        &forged,
        "<ds:DigestValue>",
        &format!("<ds:DigestValue value=\"{text}\">"),
    );
}

fn algorithms(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-18", &["Algorithm"]);
    for method in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        " http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "none",
        "",
    ] {
        case.add(
            format!("signature by `{method}`"),
            Fields::default().signed_assertion(&Signer::with("rsa", method)),
        );
    }
    for digest in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
        "http://www.w3.org/2001/04/xmlenc#ripemd160",
        "none",
        "",
    ] {
        let signer = Signer {
            digest: digest.to_owned(),
            ..Signer::default()
        };
        case.add(
            format!("digest by `{digest}`"),
            Fields::default().signed_assertion(&signer),
        );
    }
    // The key is another family's, or too short to be one.
    let mut case = Case::new(all, "saml-18", &["Signature"]);
    let more = |method: &str| format!("http://www.w3.org/2001/04/xmldsig-more#{method}");
    for (key, method) in [
        ("rsa", "ecdsa-sha256"),
        ("rsa", "ecdsa-sha384"),
        ("p256", "rsa-sha256"),
        ("p384", "ecdsa-sha256"),
        ("p256", "ecdsa-sha384"),
        ("p384", "rsa-sha512"),
    ] {
        let document = Fields::default().signed_assertion(&Signer::with(key, &more(method)));
        case.add_for(format!("{key} with {method}"), document, &[key]);
    }
    let document = Fields::default().signed_assertion(&Signer::with("rsa-1024", RSA_SHA256));
    case.add_for(
        "RSA with 1024 bits beside a good key",
        document,
        &["rsa-1024", "rsa"],
    );
    let mut case = Case::new(all, "saml-18", &["SignatureForm"]);
    let document = Fields::default().signed_assertion(&Signer::default());
    let info = part(&document, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let truncated = info.replacen(
        "rsa-sha256\">",
        "rsa-sha256\"><ds:HMACOutputLength>0</ds:HMACOutputLength>",
        1,
    );
    let assertion = Signer::default().assemble(&Fields::default().assertion(), &truncated);
    case.add(
        "a parameter of the method",
        Fields::default().response(&assertion).replace(PLACE, ""),
    );

    let mut case = Case::new(all, "saml-19", &["Signature"]);
    for (key, method) in [("rsa-other", "rsa-sha256"), ("p256", "ecdsa-sha256")] {
        let signer = Signer::with(key, &more(method));
        case.add(
            format!("{key}'s own certificate"),
            Fields::default().signed_assertion(&signer),
        );
        case.add(
            format!("{key}'s own certificate, response"),
            Fields::default().signed_response(&signer),
        );
        let both = Signer {
            key_info: signer.key_info.replace(
                "<ds:X509Data>",
                &format!(
                    "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>",
                    certificate("rsa")
                ),
            ),
            ..signer.clone()
        };
        case.add(
            format!("{key}'s own and the provider's certificate"),
            Fields::default().signed_assertion(&both),
        );
        let named = Signer {
            key_info: format!(
                "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
                certificate("rsa")
            ),
            ..signer
        };
        case.add(
            format!("{key} under the provider's certificate"),
            Fields::default().signed_assertion(&named),
        );
    }
}

fn transforms_(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-20", &["Algorithm", "SignatureForm"]);
    const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let lists: &[&[&str]] = &[
        &[],
        &[ENVELOPED],
        &[EXC],
        &[EXC, ENVELOPED],
        &[ENVELOPED, C14N],
        &[ENVELOPED, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"],
        &[ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"],
        &[ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"],
        &[ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2"],
        &[ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116"],
        &[ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64"],
        &[
            ENVELOPED,
            "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
        ],
        &[ENVELOPED, EXC, EXC],
        &[ENVELOPED, ENVELOPED, EXC],
        &[ENVELOPED, ENVELOPED],
        &[ENVELOPED, "unknown"],
        &[ENVELOPED, ""],
    ];
    for list in lists {
        let signer = Signer {
            transforms: transforms(list),
            ..Signer::default()
        };
        case.add(format!("{list:?}"), Fields::default().signed_assertion(&signer));
    }
    for canonicalization in [
        C14N,
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "",
    ] {
        let signer = Signer {
            canonicalization: canonicalization.to_owned(),
            ..Signer::default()
        };
        case.add(
            format!("SignedInfo by `{canonicalization}`"),
            Fields::default().signed_assertion(&signer),
        );
    }
    let xpath = format!(
        "<ds:Transform Algorithm=\"{ENVELOPED}\"><ds:XPath>/</ds:XPath></ds:Transform><ds:Transform Algorithm=\"{EXC}\"></ds:Transform>"
    );
    let stylesheet = format!(
        "<ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXC}\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"></xsl:stylesheet></ds:Transform>"
    );
    for (name, content) in [
        ("a parameter of the first", xpath),
        ("a stylesheet in the second", stylesheet),
    ] {
        let signer = Signer {
            transforms: content,
            ..Signer::default()
        };
        case.add(name, Fields::default().signed_assertion(&signer));
    }
}

fn unsigned(all: &mut Vec<Forgery>) {
    for (name, document) in originals() {
        let mut case = Case::new(all, "saml-30", &["Unsigned", "Structure"]);
        let mut bare = document.clone();
        while bare.contains("<ds:Signature xmlns") {
            bare = bare.replace(&signature_of(&bare), "");
        }
        if name == "assertion signed" {
            case.add("no signature", &bare);
            case.add("no signature, another name", evil(&bare));
        }
        case.add(
            format!("{name}: the signature in a comment's clothes"),
            document
                .replace("ds:Signature ", "ds:Signature1 ")
                .replace("</ds:Signature>", "</ds:Signature1>"),
        );
    }
}
