//! An identity provider for tests. It writes documents that are canonical as they stand, so that digests are taken
//! of text and no canonicalisation, ours least of all, has a part in making them. Shapes that are not canonical are
//! signed by the program `xmlsec1`.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_auth::saml::{IdentityProvider, Proven, Refusal, ServiceProvider, accept};
use mke_core::time::Timestamp;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};

pub const IDP: &str = "https://idp.example.com/metadata";
pub const HOST: &str = "mke.example.com";
pub const ACS: &str = "https://mke.example.com/enzi/v0/saml/acs";
pub const ENTITY: &str = "https://mke.example.com/enzi/v0/saml/metadata";
pub const REQUEST: &str = "_request-1";
pub const NOW: &str = "2026-03-04T05:06:07Z";

pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Where a signature goes in a text that is still without it.
pub const PLACE: &str = "<!--signature-->";

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn me() -> ServiceProvider {
    ServiceProvider::at(HOST).unwrap()
}

pub fn key_path(name: &str, extension: &str) -> std::path::PathBuf {
    // Tests of other crates use this file too.
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../mke-auth/tests/saml/keys");
    Path::new(keys).join(format!("{name}.{extension}"))
}

/// The PEM text without its frame.
fn pem(name: &str, extension: &str) -> String {
    let text = std::fs::read_to_string(key_path(name, extension)).unwrap();
    text.lines().filter(|line| !line.starts_with("-----")).collect()
}

pub fn certificate(name: &str) -> String {
    pem(name, "crt")
}

/// Metadata of an identity provider with these certificates.
pub fn metadata(certificates: &[&str]) -> String {
    let keys: String = certificates
        .iter()
        .map(|name| {
            let certificate = certificate(name);
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>\
                 {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- written by people -->\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"{SAMLP}\">{keys}\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/slo\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

pub fn provider(certificates: &[&str]) -> IdentityProvider {
    let text = metadata(certificates);
    IdentityProvider::from_metadata(text.as_bytes(), "https://idp.example.com/md", now()).unwrap()
}

/// Gives a document to the code under test, as the answer to [`REQUEST`].
pub fn judge_with(provider: &IdentityProvider, document: &str) -> Result<Proven, Refusal> {
    judge_bytes(provider, document.as_bytes())
}

pub fn judge_bytes(provider: &IdentityProvider, document: &[u8]) -> Result<Proven, Refusal> {
    accept(
        &STANDARD.encode(document),
        provider,
        &me(),
        &[REQUEST.to_owned()],
        now(),
    )
}

pub fn judge(document: &str) -> Result<Proven, Refusal> {
    judge_with(&provider(&["rsa"]), document)
}

/// The name of a refusal's kind.
pub fn kind(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    text.split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// What a document says. Every field is text, so that a test can make it wrong.
#[derive(Debug, Clone)]
pub struct Fields {
    pub id: String,
    pub response_id: String,
    pub issuer: String,
    pub response_issuer: Option<String>,
    pub destination: Option<String>,
    pub response_in_response_to: Option<String>,
    pub response_instant: String,
    pub status: String,
    pub instant: String,
    pub name_id: String,
    pub name_format: String,
    pub recipient: String,
    pub in_response_to: Option<String>,
    pub confirmed_until: Option<String>,
    pub method: String,
    pub not_before: Option<String>,
    pub not_on_or_after: Option<String>,
    pub audiences: Vec<String>,
    pub conditions: Option<String>,
    pub authn: String,
    pub attributes: String,
    pub version: String,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            id: "_assertion-1".into(),
            response_id: "_response-1".into(),
            issuer: IDP.into(),
            response_issuer: Some(IDP.into()),
            destination: Some(ACS.into()),
            response_in_response_to: Some(REQUEST.into()),
            response_instant: NOW.into(),
            status: "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">\
                     </samlp:StatusCode></samlp:Status>"
                .into(),
            instant: NOW.into(),
            name_id: "jane".into(),
            name_format: "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified".into(),
            recipient: ACS.into(),
            in_response_to: Some(REQUEST.into()),
            confirmed_until: Some("2026-03-04T05:11:07Z".into()),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".into(),
            not_before: Some("2026-03-04T05:05:07Z".into()),
            not_on_or_after: Some("2026-03-04T05:11:07Z".into()),
            audiences: vec![ENTITY.into()],
            conditions: None,
            authn: format!(
                "<saml:AuthnStatement AuthnInstant=\"{NOW}\" SessionIndex=\"_session-1\"><saml:AuthnContext>\
                 <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password\
                 </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            ),
            attributes: attributes(&[("fullname", &["Jane Doe"]), ("member-of", &["ops", "dev"])]),
            version: "2.0".into(),
        }
    }
}

/// An attribute statement.
pub fn attributes(list: &[(&str, &[&str])]) -> String {
    let all: String = list
        .iter()
        .map(|(name, values)| {
            let values: String = values
                .iter()
                .map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>"))
                .collect();
            format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
        })
        .collect();
    format!("<saml:AttributeStatement>{all}</saml:AttributeStatement>")
}

fn optional(name: &str, value: Option<&String>) -> String {
    value.map_or_else(String::new, |value| format!(" {name}=\"{value}\""))
}

impl Fields {
    /// The assertion in canonical form, with the place of its signature.
    pub fn assertion(&self) -> String {
        let conditions = self.conditions.clone().unwrap_or_else(|| {
            let audiences: String = self
                .audiences
                .iter()
                .map(|audience| format!("<saml:Audience>{audience}</saml:Audience>"))
                .collect();
            format!(
                "<saml:Conditions{}{}><saml:AudienceRestriction>{audiences}</saml:AudienceRestriction></saml:Conditions>",
                optional("NotBefore", self.not_before.as_ref()),
                optional("NotOnOrAfter", self.not_on_or_after.as_ref()),
            )
        });
        format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{}\" IssueInstant=\"{}\" Version=\"{}\">\
             <saml:Issuer>{}</saml:Issuer>{PLACE}<saml:Subject><saml:NameID Format=\"{}\">{}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{}\"><saml:SubjectConfirmationData{}{} Recipient=\"{}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>{conditions}{}{}</saml:Assertion>",
            self.id,
            self.instant,
            self.version,
            self.issuer,
            self.name_format,
            self.name_id,
            self.method,
            optional("InResponseTo", self.in_response_to.as_ref()),
            optional("NotOnOrAfter", self.confirmed_until.as_ref()),
            self.recipient,
            self.authn,
            self.attributes,
        )
    }

    /// The response around an assertion, in canonical form, with the place of its own signature.
    pub fn response(&self, assertion: &str) -> String {
        let issuer = self.response_issuer.as_ref().map_or_else(String::new, |issuer| {
            format!("<saml:Issuer xmlns:saml=\"{SAML}\">{issuer}</saml:Issuer>")
        });
        format!(
            "<samlp:Response xmlns:samlp=\"{SAMLP}\"{} ID=\"{}\"{} IssueInstant=\"{}\" Version=\"2.0\">{issuer}{PLACE}{}{assertion}</samlp:Response>",
            optional("Destination", self.destination.as_ref()),
            self.response_id,
            optional("InResponseTo", self.response_in_response_to.as_ref()),
            self.response_instant,
            self.status,
        )
    }

    /// A whole response whose assertion is signed.
    pub fn signed_assertion(&self, signer: &Signer) -> String {
        let assertion = signer.sign(&self.assertion(), &self.id);
        self.response(&assertion).replace(PLACE, "")
    }

    /// A whole response that is signed.
    pub fn signed_response(&self, signer: &Signer) -> String {
        let assertion = self.assertion().replace(PLACE, "");
        signer.sign(&self.response(&assertion), &self.response_id)
    }

    /// A whole response that is signed, with a signed assertion.
    pub fn signed_both(&self, signer: &Signer) -> String {
        let assertion = signer.sign(&self.assertion(), &self.id);
        signer.sign(&self.response(&assertion), &self.response_id)
    }
}

/// How something is signed. Every part is text, so that a test can make it wrong.
#[derive(Debug, Clone)]
pub struct Signer {
    pub key: &'static str,
    pub method: String,
    pub canonicalization: String,
    pub digest: String,
    /// The content of `Transforms`.
    pub transforms: String,
    /// The value of `URI`; `None` refers to the element.
    pub uri: Option<String>,
    /// What follows the reference in `SignedInfo`.
    pub more: String,
    pub key_info: String,
    /// Where the hash that is signed comes from; the digest's own by default.
    pub prefix: &'static str,
}

pub fn transforms(algorithms: &[&str]) -> String {
    algorithms
        .iter()
        .map(|algorithm| format!("<ds:Transform Algorithm=\"{algorithm}\"></ds:Transform>"))
        .collect()
}

impl Default for Signer {
    fn default() -> Self {
        Self::with("rsa", RSA_SHA256)
    }
}

impl Signer {
    pub fn with(key: &'static str, method: &str) -> Self {
        Self {
            key,
            method: method.to_owned(),
            canonicalization: EXC.to_owned(),
            digest: SHA256.to_owned(),
            transforms: transforms(&[ENVELOPED, EXC]),
            uri: None,
            more: String::new(),
            key_info: format!(
                "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
                certificate(key)
            ),
            prefix: "ds",
        }
    }

    /// Puts a signature into the first place of a canonical text, over that text without the place.
    pub fn sign(&self, text: &str, id: &str) -> String {
        self.sign_bytes(text, text.replacen(PLACE, "", 1).as_bytes(), id)
    }

    /// The same, over other bytes.
    pub fn sign_bytes(&self, text: &str, covered: &[u8], id: &str) -> String {
        let hash = if self.digest.ends_with("sha512") {
            &digest::SHA512
        } else if self.digest.ends_with("sha384") {
            &digest::SHA384
        } else if self.digest.ends_with("sha1") {
            &digest::SHA1_FOR_LEGACY_USE_ONLY
        } else {
            &digest::SHA256
        };
        let value = STANDARD.encode(digest::digest(hash, covered));
        let uri = self.uri.clone().unwrap_or_else(|| format!("#{id}"));
        let info = format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod><ds:Reference URI=\"{uri}\"><ds:Transforms>{}\
             </ds:Transforms><ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{value}\
             </ds:DigestValue></ds:Reference>{}</ds:SignedInfo>",
            self.canonicalization, self.method, self.transforms, self.digest, self.more
        );
        self.assemble(text, &info)
    }

    /// Signs `SignedInfo` and puts the signature into its place.
    pub fn assemble(&self, text: &str, info: &str) -> String {
        let prefix = self.prefix;
        let dressed = |text: &str| match prefix {
            "ds" => text.to_owned(),
            "" => text.replace("<ds:", "<").replace("</ds:", "</"),
            other => text.replace("ds:", &format!("{other}:")),
        };
        let declaration = match prefix {
            "" => format!(" xmlns=\"{DS}\""),
            other => format!(" xmlns:{other}=\"{DS}\""),
        };
        let info = dressed(info);
        let name = dressed("<ds:SignedInfo>");
        let open = name.trim_end_matches('>');
        let canonical = info.replacen(&name, &format!("{open}{declaration}>"), 1);
        let value = STANDARD.encode(raw_signature(self.key, &self.method, canonical.as_bytes()));
        let rest = dressed(&format!(
            "<ds:SignatureValue>{value}</ds:SignatureValue>{}</ds:Signature>",
            self.key_info
        ));
        let head = dressed("<ds:Signature>");
        let head = format!("{}{declaration}>", head.trim_end_matches('>'));
        text.replacen(PLACE, &format!("{head}{info}{rest}"), 1)
    }
}

/// A signature over bytes, by one of the keys here.
pub fn raw_signature(key: &str, method: &str, message: &[u8]) -> Vec<u8> {
    let der = STANDARD.decode(pem(key, "key")).unwrap();
    let rng = SystemRandom::new();
    if key.starts_with("p256") {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &rng).unwrap();
        return pair.sign(&rng, message).unwrap().as_ref().to_vec();
    }
    if key.starts_with("p384") {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &der, &rng).unwrap();
        return pair.sign(&rng, message).unwrap().as_ref().to_vec();
    }
    if key == "rsa-1024" {
        // `ring` does not sign with keys that it would not verify.
        return sign_by_openssl(key, message);
    }
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let padding: &dyn ring::signature::RsaEncoding = if method.ends_with("sha512") {
        &RSA_PKCS1_SHA512
    } else if method.ends_with("sha384") {
        &RSA_PKCS1_SHA384
    } else {
        &RSA_PKCS1_SHA256
    };
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(padding, &rng, message, &mut signature).unwrap();
    signature
}

fn sign_by_openssl(key: &str, message: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("message");
    std::fs::write(&path, message).unwrap();
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .arg(key_path(key, "key"))
        .arg(path)
        .output()
        .expect("openssl runs: install the Debian package `openssl`");
    assert!(output.status.success());
    output.stdout
}

/// An empty signature for `xmlsec1` to fill in.
pub fn template(id: &str, method: &str, digest: &str, prefixes: &str) -> String {
    let list = if prefixes.is_empty() {
        String::new()
    } else {
        format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXC}\" PrefixList=\"{prefixes}\"/>")
    };
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXC}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{EXC}\">{list}</ds:Transform>\
         </ds:Transforms><ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>"
    )
}

/// Runs `xmlsec1`, of the Debian package of that name.
fn xmlsec1(arguments: &[&str], key: &str, document: &str) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("document.xml");
    std::fs::write(&path, document).unwrap();
    let key = match arguments.first() {
        Some(&"--sign") => vec![
            "--privkey-pem".to_owned(),
            format!(
                "{},{}",
                key_path(key, "key").display(),
                key_path(key, "crt").display()
            ),
        ],
        _ => vec![
            "--pubkey-cert-pem".to_owned(),
            key_path(key, "crt").display().to_string(),
        ],
    };
    let output = Command::new("xmlsec1")
        .args(arguments)
        .args(key)
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
        .arg(path)
        .output()
        .expect("xmlsec1 runs: install the Debian package `xmlsec1`");
    let text = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Fills in the first signature of a document by `xmlsec1`.
pub fn sign_elsewhere(document: &str, key: &str) -> String {
    let (done, text) = xmlsec1(&["--sign"], key, document);
    assert!(done, "xmlsec1 signs: {text}");
    text
}

/// Whether `xmlsec1` finds the first signature of a document right.
pub fn right_elsewhere(document: &str, key: &str) -> bool {
    xmlsec1(&["--verify", "--enabled-key-data", "rsa,ecdsa"], key, document).0
}

/// What `xmlsec1` digested for the first signature of a document, when that is right.
pub fn digested_elsewhere(document: &str, key: &str) -> Option<String> {
    let arguments = [
        "--verify",
        "--enabled-key-data",
        "rsa,ecdsa",
        "--store-references",
        "--print-debug",
    ];
    let (right, text) = xmlsec1(&arguments, key, document);
    right.then_some(text)
}
