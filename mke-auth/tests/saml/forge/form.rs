//! Forms: namespaces, markup, encodings, sizes (saml-22 to saml-29).

use super::*;

pub fn add(all: &mut Vec<Forgery>) {
    namespaces(all);
    markup(all);
    encodings(all);
    amounts(all);
}

fn namespaces(all: &mut Vec<Forgery>) {
    let mut case = Case::new(
        all,
        "saml-22",
        &["Namespace", "Xml", "Structure", "SignatureForm", "Unsigned"],
    );
    let document = Fields::default().signed_assertion(&Signer::default());
    let root = "<samlp:Response ";
    case.replaced(
        "ds means something else outside",
        &document,
        root,
        "<samlp:Response xmlns:ds=\"urn:evil\" ",
    );
    case.replaced(
        "saml means something else outside",
        &document,
        root,
        "<samlp:Response xmlns:saml=\"urn:evil\" ",
    );
    case.replaced(
        "saml means the protocol inside",
        &document,
        "<saml:Subject>",
        &format!("<saml:Subject xmlns:saml=\"{SAMLP}\">"),
    );
    case.replaced(
        "samlp means assertions inside",
        &document,
        "<samlp:Status>",
        &format!("<samlp:Status xmlns:samlp=\"{SAML}\">"),
    );
    case.replaced(
        "ds means something else inside",
        &document,
        "<ds:KeyInfo>",
        "<ds:KeyInfo xmlns:ds=\"urn:evil\">",
    );
    case.replaced(
        "a relative namespace",
        &document,
        root,
        "<samlp:Response xmlns:x=\"relative\" ",
    );
    case.replaced(
        "a relative namespace with a dot",
        &document,
        root,
        "<samlp:Response xmlns:x=\"./1\" ",
    );
    case.replaced(
        "a relative default namespace",
        &document,
        root,
        "<samlp:Response xmlns=\"relative\" ",
    );
    case.replaced(
        "an empty namespace of a prefix",
        &document,
        root,
        "<samlp:Response xmlns:x=\"\" ",
    );
    case.replaced(
        "xml means something else",
        &document,
        root,
        "<samlp:Response xmlns:xml=\"urn:evil\" ",
    );
    case.replaced(
        "another prefix means xml",
        &document,
        root,
        "<samlp:Response xmlns:x=\"http://www.w3.org/XML/1998/namespace\" ",
    );
    case.replaced(
        "xmlns is declared",
        &document,
        root,
        "<samlp:Response xmlns:xmlns=\"urn:evil\" ",
    );
    case.replaced(
        "a prefix is declared twice",
        &document,
        root,
        "<samlp:Response xmlns:x=\"urn:a\" xmlns:x=\"urn:b\" ",
    );
    case.replaced(
        "two default namespaces",
        &document,
        root,
        "<samlp:Response xmlns=\"urn:a\" xmlns=\"urn:b\" ",
    );
    case.replaced(
        "an attribute twice by namespaces",
        &document,
        root,
        "<samlp:Response xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:c=\"1\" b:c=\"2\" ",
    );
    case.replaced(
        "an attribute twice",
        &document,
        "Version=\"2.0\"",
        "Version=\"2.0\" Version=\"2.0\"",
    );
    case.replaced(
        "a prefix nobody declared",
        &document,
        "<samlp:Status>",
        "<samlp:Status nobody:x=\"1\">",
    );
    case.replaced(
        "xml:base",
        &document,
        root,
        "<samlp:Response xml:base=\"https://evil.example/\" ",
    );
    case.replaced(
        "xml:space",
        &document,
        "<saml:Subject>",
        "<saml:Subject xml:space=\"preserve\">",
    );
    case.add(
        "assertions of another namespace",
        document.replace(SAML, "urn:oasis:names:tc:SAML:1.0:assertion"),
    );
    case.add(
        "a protocol of another namespace",
        document.replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol"),
    );
    case.add(
        "signatures of another namespace",
        document.replace(DS, "http://www.w3.org/2000/09/xmldsig"),
    );
}

fn markup(all: &mut Vec<Forgery>) {
    for (name, document) in originals() {
        let mut case = Case::new(all, "saml-23", &["Markup", "Encoding"]);
        for (what, head) in [
            ("empty", "<!DOCTYPE samlp:Response>".to_owned()),
            ("billion laughs", "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>".to_owned()),
            ("external", "<!DOCTYPE r SYSTEM \"https://evil.example/x.dtd\">".to_owned()),
            ("external entity", "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned()),
            ("parameter", "<!DOCTYPE r [<!ENTITY % p SYSTEM \"https://evil.example/\">%p;]>".to_owned()),
            ("ids by declaration", "<!DOCTYPE r [<!ATTLIST x y ID #IMPLIED>]>".to_owned()),
        ] {
            case.add(format!("{name}: {what}"), format!("{head}{document}"));
        }
        case.add(
            format!("{name}: after the declaration"),
            format!("<?xml version=\"1.0\"?><!DOCTYPE r>{document}"),
        );
        let mut case = Case::new(all, "saml-25", &["Markup"]);
        for (what, from, to) in [
            ("in the name", ">jane<", ">jane<!-- --><"),
            ("in the middle of the name", ">jane<", ">ja<!---->ne<"),
            ("before the name", ">jane<", "><!--x-->jane<"),
            ("in a group", ">ops<", ">op<!-- -->s<"),
            (
                "in the audience",
                &format!(">{ENTITY}<"),
                &format!("><!-- -->{ENTITY}<"),
            ),
            ("between elements", "<saml:Subject>", "<!-- --><saml:Subject>"),
        ] {
            case.replaced(format!("{name}: {what}"), &document, from, to);
        }
        case.add(format!("{name}: before the root"), format!("<!-- -->{document}"));
        let mut case = Case::new(all, "saml-26", &["Markup"]);
        for (what, from, to) in [
            ("CDATA as the name", ">jane<", "><![CDATA[jane]]><"),
            ("CDATA in the name", ">jane<", ">ja<![CDATA[ne]]><"),
            ("an instruction in the name", ">jane<", ">ja<?x y?>ne<"),
        ] {
            case.replaced(format!("{name}: {what}"), &document, from, to);
        }
        case.add(
            format!("{name}: an instruction before the root"),
            format!("<?xml-stylesheet href=\"https://evil.example/\"?>{document}"),
        );
    }
    for forgery in all
        .iter_mut()
        .filter(|forgery| forgery.name.ends_with("an instruction before the root"))
    {
        forgery.expected.push("Encoding");
    }
    let mut case = Case::new(all, "saml-26", &["Xml", "Digest"]);
    let document = Fields::default().signed_assertion(&Signer::default());
    case.replaced("an entity that nobody declared", &document, ">jane<", ">&admin;<");
    case.replaced(
        "a reference to a character that is none",
        &document,
        ">jane<",
        ">jane&#0;<",
    );
    case.replaced("a reference to another name", &document, ">jane<", ">&#97;dmin<");
}

fn encodings(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-28", &["Encoding"]);
    let document = Fields::default().signed_assertion(&Signer::default());
    let wide = |mark: &[u8], big: bool, text: &str| {
        let mut bytes = mark.to_vec();
        for unit in text.encode_utf16() {
            bytes.extend_from_slice(&if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            });
        }
        bytes
    };
    case.add("UTF-16, little-endian", wide(&[0xff, 0xfe], false, &document));
    case.add("UTF-16, big-endian", wide(&[0xfe, 0xff], true, &document));
    case.add("UTF-16 without a mark", wide(&[], false, &document));
    case.add(
        "UTF-16 with a declaration",
        wide(
            &[0xff, 0xfe],
            false,
            &format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{document}"),
        ),
    );
    case.add(
        "UTF-8 with a mark",
        [&[0xef, 0xbb, 0xbf], document.as_bytes()].concat(),
    );
    case.add("UTF-7", document.replace('<', "+ADw-").replace('>', "+AD4-"));
    case.add(
        "no UTF-8 in a name",
        document
            .replace(">jane<", ">jane\u{0}<")
            .replace('\u{0}', "\u{fffd}")
            .into_bytes()
            .iter()
            .map(|byte| if *byte == 0xef { 0xff } else { *byte })
            .collect::<Vec<u8>>(),
    );
    for encoding in [
        "UTF-16",
        "UTF-7",
        "ISO-8859-1",
        "utf8",
        "US-ASCII",
        "windows-1252",
        "UTF-8 ",
        "",
    ] {
        case.add(
            format!("declared as `{encoding}`"),
            format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{document}"),
        );
    }
    case.add(
        "version 1.1",
        format!("<?xml version=\"1.1\" encoding=\"UTF-8\"?>{document}"),
    );
    case.add("no version", format!("<?xml encoding=\"UTF-8\"?>{document}"));
    case.add(
        "two declarations in one",
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\" encoding=\"UTF-16\"?>{document}"),
    );
    case.add("empty", "");
    case.add("white space", " \n ");
    // A second declaration, or one that comes late.
    let mut case = Case::new(all, "saml-28", &["Markup", "Encoding", "Xml"]);
    case.add(
        "a late declaration",
        format!(" <?xml version=\"1.0\"?>{document}"),
    );
    case.add(
        "two declarations",
        format!("<?xml version=\"1.0\"?><?xml version=\"1.0\" encoding=\"UTF-16\"?>{document}"),
    );
    case.add(
        "a byte that is no character",
        document.replace(">jane<", ">jane\u{1}<"),
    );
}

fn amounts(all: &mut Vec<Forgery>) {
    let document = Fields::default().signed_assertion(&Signer::default());
    let mut case = Case::new(all, "saml-27", &["TooMuch"]);
    case.replaced(
        "one byte beyond the limit",
        &document,
        ">Jane Doe<",
        &format!(">{}<", "x".repeat(192 * 1024 - document.len() + 9)),
    );
    case.replaced(
        "twice the limit",
        &document,
        ">Jane Doe<",
        &format!(">{}<", "x".repeat(2 * 192 * 1024)),
    );
    let mut case = Case::new(all, "saml-29", &["TooMuch", "Xml"]);
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"\"")).collect();
    case.replaced(
        "100,000 attributes",
        &document,
        "<samlp:Status>",
        &format!("<samlp:Status{attributes}>"),
    );
    let attributes: String = (0..15_000).map(|i| format!(" a{i}=\"\"")).collect();
    case.replaced(
        "15,000 attributes within the size",
        &document,
        "<samlp:Status>",
        &format!("<samlp:Status{attributes}>"),
    );
    let attributes: String = (0..65).map(|i| format!(" a{i}=\"\"")).collect();
    case.replaced(
        "65 attributes",
        &document,
        "<samlp:Status>",
        &format!("<samlp:Status{attributes}>"),
    );
    let declarations: String = (0..65).map(|i| format!(" xmlns:n{i}=\"urn:{i}\"")).collect();
    case.replaced(
        "65 namespaces",
        &document,
        "<samlp:Status>",
        &format!("<samlp:Status{declarations}>"),
    );
    let deep = |n: usize| format!("{}{}", "<x>".repeat(n), "</x>".repeat(n));
    case.replaced(
        "10,000 levels",
        &document,
        "<samlp:Status>",
        &format!("{}<samlp:Status>", deep(10_000)),
    );
    case.replaced(
        "32 levels inside the response",
        &document,
        "<samlp:Status>",
        &format!("{}<samlp:Status>", deep(32)),
    );
    case.replaced(
        "10,000 levels of declarations",
        &document,
        "<samlp:Status>",
        &format!(
            "{}<samlp:Status>",
            (0..5000)
                .map(|i| format!("<x xmlns:n{i}=\"urn:x\">"))
                .collect::<String>()
        ),
    );
    case.replaced(
        "levels hidden behind a quote",
        &document,
        "<samlp:Status>",
        &format!("{}<samlp:Status>", "<x a=\"/>\">".repeat(5000)),
    );
    case.replaced(
        "9,000 elements",
        &document,
        "<samlp:Status>",
        &format!("{}<samlp:Status>", "<x/>".repeat(9000)),
    );
    case.replaced(
        "an attribute of one megabyte",
        &document,
        "<samlp:Status>",
        &format!("<samlp:Status a=\"{}\">", "x".repeat(1 << 20)),
    );
    case.add("an endless tag", format!("<{}", "a ".repeat(50_000)));
    case.add("only openings", "<a>".repeat(40));
    case.replaced(
        "more closed than opened",
        &document,
        "</samlp:Response>",
        "</samlp:Response></x>",
    );
}
