//! Rightly signed documents that mean somebody else, some other time or some other place (saml-31 to saml-36).

use super::*;

pub fn add(all: &mut Vec<Forgery>) {
    conditions(all);
    confirmation(all);
    destination(all);
    issuer_and_status(all);
    encrypted(all);
}

fn made(change: impl Fn(&mut Fields)) -> [(&'static str, String); 2] {
    let mut fields = Fields::default();
    change(&mut fields);
    let signer = Signer::default();
    [
        ("assertion signed", fields.signed_assertion(&signer)),
        ("response signed", fields.signed_response(&signer)),
    ]
}

fn add_made(case: &mut Case<'_>, name: &str, change: impl Fn(&mut Fields)) {
    for (what, document) in made(change) {
        case.add(format!("{name}, {what}"), document);
    }
}

fn conditions(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-31", &["Early"]);
    add_made(&mut case, "begins a second beyond the skew", |fields| {
        fields.not_before = Some("2026-03-04T05:07:08Z".into())
    });
    add_made(&mut case, "begins tomorrow", |fields| {
        fields.not_before = Some("2026-03-05T05:07:08Z".into())
    });
    add_made(&mut case, "is issued later", |fields| {
        fields.instant = "2026-03-04T05:07:08Z".into()
    });
    add_made(&mut case, "the response is issued later", |fields| {
        fields.response_instant = "2026-03-04T05:07:08Z".into()
    });
    add_made(&mut case, "logged in later", |fields| {
        fields.authn = fields.authn.replace(NOW, "2026-03-04T05:07:08Z")
    });
    let mut case = Case::new(all, "saml-31", &["Late"]);
    add_made(&mut case, "ended a second beyond the skew", |fields| {
        fields.not_on_or_after = Some("2026-03-04T05:05:07Z".into())
    });
    add_made(&mut case, "ended yesterday", |fields| {
        fields.not_on_or_after = Some("2026-03-03T05:05:07Z".into())
    });
    add_made(&mut case, "the provider's session is over", |fields| {
        fields.authn = fields
            .authn
            .replace(
                " SessionIndex=",
                " SessionNotOnOrAfter=\"2026-03-04T05:05:07Z\" SessionIndex=",
            )
            .replace(
                "SessionNotOnOrAfter=\"2026-03-04T05:05:07Z\" SessionIndex=\"_session-1\"",
                "SessionIndex=\"_session-1\" SessionNotOnOrAfter=\"2026-03-04T05:05:07Z\"",
            );
    });
    let mut case = Case::new(all, "saml-31", &["Audience"]);
    for audience in [
        "https://other.example/enzi/v0/saml/metadata",
        "https://mke.example.com/enzi/v0/saml/metadata/",
        "https://MKE.example.com/enzi/v0/saml/metadata",
        "https://mke.example.com",
        "",
    ] {
        add_made(&mut case, &format!("for `{audience}`"), |fields| {
            fields.audiences = vec![audience.into()]
        });
    }
    add_made(&mut case, "for nobody", |fields| fields.audiences = Vec::new());
    add_made(
        &mut case,
        "for others too, in a restriction of its own",
        |fields| {
            fields.conditions = Some(format!(
                "<saml:Conditions><saml:AudienceRestriction><saml:Audience>{ENTITY}</saml:Audience></saml:AudienceRestriction>\
             <saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
            ));
        },
    );
    let mut case = Case::new(all, "saml-31", &["Structure"]);
    add_made(&mut case, "no conditions", |fields| {
        fields.conditions = Some(String::new())
    });
    add_made(&mut case, "no audience", |fields| {
        fields.conditions =
            Some("<saml:Conditions NotOnOrAfter=\"2026-03-04T05:11:07Z\"></saml:Conditions>".into())
    });
    add_made(&mut case, "an unknown condition", |fields| {
        fields.conditions = Some(format!(
            "<saml:Conditions><saml:AudienceRestriction><saml:Audience>{ENTITY}</saml:Audience></saml:AudienceRestriction>\
             <saml:Condition></saml:Condition></saml:Conditions>"
        ));
    });
    add_made(&mut case, "conditions twice", |fields| {
        let one = format!(
            "<saml:Conditions><saml:AudienceRestriction><saml:Audience>{ENTITY}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        );
        fields.conditions = Some(format!("{one}{one}"));
    });
    for time in [
        "2026-03-04",
        "2026-03-04T05:11:07",
        "2026-03-04T05:11:07+02:00",
        "2026-03-04 05:11:07Z",
        "2026-13-04T05:11:07Z",
        "tomorrow",
        "",
    ] {
        add_made(&mut case, &format!("ends at `{time}`"), |fields| {
            fields.not_on_or_after = Some(time.into())
        });
    }
    add_made(&mut case, "no login", |fields| fields.authn = String::new());
    add_made(&mut case, "another version", |fields| {
        fields.version = "1.1".into()
    });
}

fn confirmation(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-32", &["Destination"]);
    for recipient in [
        "https://other.example/enzi/v0/saml/acs",
        "https://mke.example.com/enzi/v0/saml/acs/",
        "",
    ] {
        add_made(&mut case, &format!("for `{recipient}`"), |fields| {
            fields.recipient = recipient.into()
        });
    }
    let mut case = Case::new(all, "saml-32", &["Late"]);
    add_made(&mut case, "expired", |fields| {
        fields.confirmed_until = Some("2026-03-04T05:05:07Z".into())
    });
    let mut case = Case::new(all, "saml-32", &["Structure"]);
    add_made(&mut case, "without an end", |fields| {
        fields.confirmed_until = None
    });
    add_made(&mut case, "valid for years", |fields| {
        fields.confirmed_until = Some("2036-03-04T05:05:07Z".into())
    });
    add_made(&mut case, "holder of a key", |fields| {
        fields.method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key".into()
    });
    add_made(&mut case, "sender vouches", |fields| {
        fields.method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches".into()
    });
    add_made(&mut case, "no name", |fields| fields.name_id = String::new());
    let mut case = Case::new(all, "saml-32", &["Unsolicited"]);
    add_made(&mut case, "answers no request", |fields| {
        fields.in_response_to = None;
        fields.response_in_response_to = None;
    });
    let mut case = Case::new(all, "saml-32", &["OtherRequest"]);
    for request in ["_request-2", "_request-1 ", "_REQUEST-1", ""] {
        add_made(&mut case, &format!("answers `{request}`"), |fields| {
            fields.in_response_to = Some(request.into());
            fields.response_in_response_to = Some(request.into());
        });
    }
    add_made(&mut case, "the response answers another request", |fields| {
        fields.response_in_response_to = Some("_request-2".into())
    });
    add_made(&mut case, "only the response answers a request", |fields| {
        fields.in_response_to = None
    });
}

fn destination(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-34", &["Destination"]);
    for destination in [
        "https://MKE.example.com/enzi/v0/saml/acs",
        "https://mke.example.com:443/enzi/v0/saml/acs",
        "https://mke.example.com:8443/enzi/v0/saml/acs",
        "https://mke.example.com/enzi/v0/saml/acs/",
        "http://mke.example.com/enzi/v0/saml/acs",
        "HTTPS://mke.example.com/enzi/v0/saml/acs",
        "https://mke.example.com/enzi/v0/saml/acs?x=1",
        "https://mke.example.com/enzi/v0/saml/acs#x",
        "https://mke.example.com.evil.example/enzi/v0/saml/acs",
        "https://mke.example.com/enzi/v0/saml",
        " https://mke.example.com/enzi/v0/saml/acs",
        "//mke.example.com/enzi/v0/saml/acs",
        "",
    ] {
        add_made(&mut case, &format!("`{destination}`"), |fields| {
            fields.destination = Some(destination.into())
        });
    }
    let mut case = Case::new(all, "saml-34", &["Structure"]);
    add_made(&mut case, "none", |fields| fields.destination = None);
}

fn issuer_and_status(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-35", &["Issuer"]);
    for issuer in [
        "https://other.example/metadata",
        "https://idp.example.com/metadata/",
        "https://IDP.example.com/metadata",
        "",
    ] {
        add_made(&mut case, &format!("the assertion by `{issuer}`"), |fields| {
            fields.issuer = issuer.into()
        });
        add_made(&mut case, &format!("the response by `{issuer}`"), |fields| {
            fields.response_issuer = Some(issuer.into())
        });
    }
    let mut case = Case::new(all, "saml-35", &["Structure"]);
    let nobody = Fields {
        response_issuer: None,
        ..Fields::default()
    };
    case.add(
        "a signed response by nobody",
        nobody.signed_response(&Signer::default()),
    );
    let mut case = Case::new(all, "saml-35", &["Status"]);
    for status in ["Requester", "Responder", "AuthnFailed", "success", ""] {
        add_made(
            &mut case,
            &format!("status `{status}` with an assertion"),
            |fields| {
                fields.status = fields
                    .status
                    .replace("status:Success", &format!("status:{status}"));
            },
        );
    }
    add_made(&mut case, "success below a failure", |fields| {
        let success =
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>";
        fields.status = format!(
            "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">{success}</samlp:StatusCode></samlp:Status>"
        );
    });
    let failed = Fields {
        status: Fields::default()
            .status
            .replace("status:Success", "status:Responder"),
        ..Fields::default()
    };
    case.add(
        "a failure without an assertion",
        failed.response("").replace(PLACE, ""),
    );
    let mut case = Case::new(all, "saml-35", &["Structure"]);
    add_made(&mut case, "no status", |fields| fields.status = String::new());
    add_made(&mut case, "two statuses", |fields| {
        fields.status = fields.status.repeat(2)
    });
    add_made(&mut case, "a status without a code", |fields| {
        fields.status = "<samlp:Status></samlp:Status>".into()
    });
    case.add(
        "success without an assertion",
        Fields::default().response("").replace(PLACE, ""),
    );
}

fn encrypted(all: &mut Vec<Forgery>) {
    let mut case = Case::new(all, "saml-36", &["Encrypted"]);
    let data = |algorithm: &str, value: &str| {
        format!(
            "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"><xenc:EncryptionMethod \
             Algorithm=\"{algorithm}\"></xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{value}\
             </xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"
        )
    };
    let assertion = |content: &str| {
        format!("<saml:EncryptedAssertion xmlns:saml=\"{SAML}\">{content}</saml:EncryptedAssertion>")
    };
    let fields = Fields::default();
    for (name, algorithm, value) in [
        (
            "CBC",
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ),
        (
            "CBC, wrong padding",
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
        ),
        ("GCM", "http://www.w3.org/2009/xmlenc11#aes256-gcm", "AAAA"),
        ("nothing", "", ""),
    ] {
        let content = assertion(&data(algorithm, value));
        case.add(
            format!("{name}, unsigned"),
            fields.response(&content).replace(PLACE, ""),
        );
        case.add(
            format!("{name}, response signed"),
            Signer::default().sign(&fields.response(&content), "_response-1"),
        );
    }
    let plain = fields.signed_assertion(&Signer::default());
    let encrypted = assertion(&data("x", "AAAA"));
    case.replaced(
        "beside a signed one",
        &plain,
        "</samlp:Response>",
        &format!("{encrypted}</samlp:Response>"),
    );
    let id = fields.assertion().replace(
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">jane</saml:NameID>",
        "<saml:EncryptedID></saml:EncryptedID>",
    );
    let signed = Signer::default().sign(&id, "_assertion-1");
    case.add("the name is", fields.response(&signed).replace(PLACE, ""));
    let attribute = Fields {
        attributes: "<saml:AttributeStatement><saml:EncryptedAttribute></saml:EncryptedAttribute></saml:AttributeStatement>".into(),
        ..Fields::default()
    };
    case.add("an attribute is", attribute.signed_assertion(&Signer::default()));
}
