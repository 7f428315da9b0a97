//! What this project reads from certificates, and the extensions that it writes into its own.

use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5String, ObjectIdentifier, OctetString, Uint};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlNumber, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName as AltNames, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::authority::{Profile, encode_failed};
use super::error::PkiError;
use super::name::SubjectAltName;
use super::pem::decode_certificate;
use super::public_key::PublicKey;
use crate::time::Timestamp;

/// `id-kp-oauthAccessTokenSigning` (RFC 9509 section 3).
const TOKEN_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.39");
/// RFC 5280 section 4.2.1.12.
pub(super) const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
pub(super) const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// What matters about one certificate.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) subject: Name,
    /// `SubjectPublicKeyInfo` in DER.
    pub(super) public_key: Vec<u8>,
    /// What its certificates name as the key of their issuer.
    pub(super) key_id: Vec<u8>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// CA:true, and no key usage that forbids it.
    pub(super) may_sign_certificates: bool,
    /// CA:true.
    pub(super) is_authority: bool,
    /// The stated purposes; `None` when it states none.
    pub(super) purposes: Option<Vec<ObjectIdentifier>>,
    /// The names that it states, wildcards as they are written.
    pub(super) names: Vec<SubjectAltName>,
    /// In hexadecimal, small letters.
    pub(super) serial: String,
}

impl Facts {
    pub(super) fn read(der: &[u8]) -> Result<Self, PkiError> {
        Self::of(&decode_certificate(der)?).map_err(|error| PkiError::Certificate {
            fault: error.to_string(),
        })
    }

    fn of(certificate: &Certificate) -> x509_cert::der::Result<Self> {
        let tbs = certificate.tbs_certificate();
        let is_authority = tbs
            .get_extension::<BasicConstraints>()?
            .is_some_and(|(_, constraints)| constraints.ca);
        let may_sign = tbs
            .get_extension::<KeyUsage>()?
            .is_none_or(|(_, usage)| usage.key_cert_sign());
        let public_key = tbs.subject_public_key_info().to_der()?;
        let key_id = match tbs.get_extension::<SubjectKeyIdentifier>()? {
            Some((_, id)) => id.0.as_bytes().to_vec(),
            None => short_hash(&public_key)?,
        };
        let names = tbs
            .get_extension::<AltNames>()?
            .map(|(_, names)| names.0.iter().filter_map(to_name).collect())
            .unwrap_or_default();
        let seconds = |duration: std::time::Duration| {
            Timestamp::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
        };
        Ok(Self {
            subject: tbs.subject().clone(),
            public_key,
            key_id,
            not_before: seconds(tbs.validity().not_before.to_unix_duration()),
            not_after: seconds(tbs.validity().not_after.to_unix_duration()),
            may_sign_certificates: is_authority && may_sign,
            is_authority,
            purposes: tbs.get_extension::<ExtendedKeyUsage>()?.map(|(_, usage)| usage.0),
            names,
            serial: hex::encode(tbs.serial_number().as_bytes()),
        })
    }

    pub(super) fn valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// The kinds that matter here; mail addresses and the like are skipped.
fn to_name(name: &GeneralName) -> Option<SubjectAltName> {
    match name {
        GeneralName::DnsName(name) => Some(SubjectAltName::Dns(name.as_str().to_ascii_lowercase())),
        GeneralName::UniformResourceIdentifier(uri) => Some(SubjectAltName::Uri(uri.as_str().to_owned())),
        GeneralName::IpAddress(bytes) => match *bytes.as_bytes() {
            [a, b, c, d] => Some(SubjectAltName::Ip([a, b, c, d].into())),
            ref bytes => <[u8; 16]>::try_from(bytes)
                .ok()
                .map(|bytes| SubjectAltName::Ip(bytes.into())),
        },
        _ => None,
    }
}

/// RFC 7093 section 2 method 1: the first 160 bits of the SHA-256 of the key. SHA-1 has no place here.
fn short_hash(spki: &[u8]) -> x509_cert::der::Result<Vec<u8>> {
    let key = SubjectPublicKeyInfoRef::from_der(spki)?;
    Ok(Sha256::digest(key.subject_public_key.raw_bytes())[..20].to_vec())
}

pub(super) fn key_identifier(key: &PublicKey) -> Result<Vec<u8>, PkiError> {
    short_hash(key.der()).map_err(encode_failed)
}

/// Collects extensions; each carries its usual criticality.
struct Extensions {
    list: Vec<Extension>,
    subject: Name,
}

impl Extensions {
    fn new() -> Self {
        Self {
            list: Vec::new(),
            subject: Name::default(),
        }
    }

    fn add<E>(&mut self, extension: E) -> Result<(), PkiError>
    where
        E: ToExtension<Error = x509_cert::der::Error>,
    {
        let extension = extension
            .to_extension(&self.subject, &self.list)
            .map_err(encode_failed)?;
        self.list.push(extension);
        Ok(())
    }
}

/// A root: CA:true, no further authority below it, signs certificates and revocation lists.
pub(super) fn authority_extensions(key_id: &[u8]) -> Result<Vec<Extension>, PkiError> {
    let mut extensions = Extensions::new();
    extensions.add(&BasicConstraints {
        ca: true,
        path_len_constraint: Some(0),
    })?;
    extensions.add(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
    extensions.add(&SubjectKeyIdentifier(octets(key_id)?))?;
    Ok(extensions.list)
}

/// A leaf: CA:false, signs only handshakes, states its purposes and names.
pub(super) fn leaf_extensions(
    profile: Profile,
    names: &[SubjectAltName],
    key_id: &[u8],
    issuer_key_id: &[u8],
) -> Result<Vec<Extension>, PkiError> {
    let mut extensions = Extensions::new();
    extensions.add((
        true,
        &BasicConstraints {
            ca: false,
            path_len_constraint: None,
        },
    ))?;
    extensions.add(&KeyUsage(KeyUsages::DigitalSignature.into()))?;
    extensions.add(&ExtendedKeyUsage(match profile {
        Profile::Server => vec![SERVER_AUTH],
        Profile::Client => vec![CLIENT_AUTH],
        Profile::Node => vec![SERVER_AUTH, CLIENT_AUTH],
        Profile::TokenSigner => vec![TOKEN_SIGNING],
    }))?;
    extensions.add(&SubjectKeyIdentifier(octets(key_id)?))?;
    extensions.add(&issuer_key(issuer_key_id)?)?;
    if !names.is_empty() {
        let names = names.iter().map(to_general).collect::<Result<_, _>>()?;
        // Not critical, because the subject is never empty (RFC 5280 section 4.2.1.6).
        extensions.add((false, &AltNames(names)))?;
    }
    Ok(extensions.list)
}

/// A list of revoked certificates: its number, and the key that signed it by the name that the root gives it, by which OpenSSL looks for
/// the list.
pub(super) fn revocation_extensions(number: Uint, issuer_key_id: &[u8]) -> Result<Vec<Extension>, PkiError> {
    let mut extensions = Extensions::new();
    extensions.add(&CrlNumber(number))?;
    extensions.add(&issuer_key(issuer_key_id)?)?;
    Ok(extensions.list)
}

fn issuer_key(id: &[u8]) -> Result<AuthorityKeyIdentifier, PkiError> {
    Ok(AuthorityKeyIdentifier {
        key_identifier: Some(octets(id)?),
        ..AuthorityKeyIdentifier::default()
    })
}

fn octets(bytes: &[u8]) -> Result<OctetString, PkiError> {
    OctetString::new(bytes).map_err(encode_failed)
}

fn to_general(name: &SubjectAltName) -> Result<GeneralName, PkiError> {
    let ascii = |text: &str| Ia5String::new(text).map_err(encode_failed);
    Ok(match name {
        SubjectAltName::Dns(name) => GeneralName::DnsName(ascii(name)?),
        SubjectAltName::Uri(uri) => GeneralName::UniformResourceIdentifier(ascii(uri)?),
        SubjectAltName::Ip(address) => GeneralName::from(*address),
    })
}
