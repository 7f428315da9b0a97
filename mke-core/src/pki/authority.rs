//! The two authorities, and issuing.

use std::fmt;
use std::time::Duration;

use p256::ecdsa::DerSignature;
use rand_core::CryptoRng;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::{DateTime, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::{Time, Validity};

use super::error::PkiError;
use super::inspect::{self, Facts};
use super::key::KeyPair;
use super::name::SubjectAltName;
use super::pem::{certificate_to_pem, parse_certificates};
use super::public_key::PublicKey;
use super::subject::{self, Subject};
use crate::secret::Secret;
use crate::time::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the root of user certificates lives: 20 years (PKI-003). Every bundle hangs on it, so its end would
/// cut off every user at once.
pub const CLIENT_ROOT_VALIDITY: Duration = Duration::from_secs(20 * 365 * DAY.as_secs() + 5 * DAY.as_secs());

/// How long the root of node certificates lives: as long as the other one, so that a cluster has one date to watch.
pub const CLUSTER_ROOT_VALIDITY: Duration = CLIENT_ROOT_VALIDITY;

/// How far before the present a certificate starts to be valid. Machines of a cluster disagree about the time by
/// seconds, without time synchronisation by minutes; five are what Kerberos tolerates too (RFC 4120 section 8.2).
pub const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// Most access names in one certificate (pki-07).
pub const MAX_NAMES: usize = 1000;

/// Most bytes of access names: with more, the certificate would not fit in the 64 KiB that TLS stacks accept for a
/// handshake message.
const MAX_NAMES_BYTES: usize = 48 * 1024;

/// Random bytes in a serial number: 128 bits. RFC 5280 section 4.1.2.2 allows 20 bytes, the CA/Browser forum asks
/// for 64 bits; with 128 two managers that issue at once do not meet (pki-09).
const SERIAL_BYTES: usize = 16;

/// Which authority: what they sign is kept apart, so that a node's certificate never passes for a user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthorityKind {
    /// Signs the certificates of nodes and components (PKI-002).
    Cluster,
    /// Signs the certificates in client bundles (PKI-003).
    Client,
}

impl AuthorityKind {
    fn common_name(self) -> &'static str {
        match self {
            Self::Cluster => "mke cluster root",
            Self::Client => "mke client root",
        }
    }

    fn validity(self) -> Duration {
        match self {
            Self::Cluster => CLUSTER_ROOT_VALIDITY,
            Self::Client => CLIENT_ROOT_VALIDITY,
        }
    }
}

/// What a certificate may be used for (RFC 5280 section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `serverAuth`.
    Server,
    /// `clientAuth`.
    Client,
    /// Both: nodes call each other.
    Node,
    /// `oauthAccessTokenSigning` (RFC 9509 section 3): no server and no client can use it in a handshake.
    TokenSigner,
}

/// A certificate to be issued. The authority checks form, not rights: who may have which subject is the caller's
/// decision, and nothing in this project takes an identity from a subject.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// What it is for.
    pub profile: Profile,
    /// CN of the subject.
    pub common_name: String,
    /// O of the subject.
    pub organization: Option<String>,
    /// OU of the subject.
    pub organizational_unit: Option<String>,
    /// Access names; servers and nodes need at least one, repeated ones are dropped.
    pub names: Vec<SubjectAltName>,
    /// The key that it certifies.
    pub public_key: PublicKey,
    /// How long it is valid from now on; the authority's own end cuts it.
    pub validity: Duration,
}

/// A certificate that was just made. It holds no private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    der: Vec<u8>,
    serial: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl IssuedCertificate {
    /// In PEM.
    pub fn pem(&self) -> String {
        certificate_to_pem(&self.der)
    }

    /// In DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The serial number in hexadecimal, as OpenSSL prints it but in small letters.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Since when it is valid, in whole seconds.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when it is valid, in whole seconds.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// A root certificate with its private key. `Debug` prints no key.
pub struct Authority {
    key: KeyPair,
    der: Vec<u8>,
    facts: Facts,
}

impl Authority {
    /// Makes a root for a new cluster, or the next one for a rotation.
    pub fn create(
        kind: AuthorityKind,
        cluster_id: &str,
        now: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, PkiError> {
        let key = KeyPair::generate(rng)?;
        let subject = subject::encode(&Subject {
            common_name: kind.common_name(),
            organization: None,
            organizational_unit: Some(cluster_id),
        })?;
        let key_id = inspect::key_identifier(key.public_key())?;
        let extensions = inspect::authority_extensions(&key_id)?;
        let template = Template {
            issuer: subject.clone(),
            subject,
            extensions,
        };
        let period = Period::new(now.minus(BACKDATE), now.plus(kind.validity()));
        let issued = sign(template, period, key.public_key(), &key, rng)?;
        Self::new(issued.der, key)
    }

    /// Reads a root that was made before, here or elsewhere. The key must belong to the certificate, and the
    /// certificate must be allowed to issue others.
    pub fn from_pem(certificate: &str, key: &Secret) -> Result<Self, PkiError> {
        let mut certificates = parse_certificates(certificate)?;
        Self::new(certificates.swap_remove(0), KeyPair::from_pem(key)?)
    }

    fn new(der: Vec<u8>, key: KeyPair) -> Result<Self, PkiError> {
        let facts = Facts::read(&der)?;
        if !facts.may_sign_certificates {
            return Err(PkiError::NotAuthority);
        }
        if facts.public_key != key.public_key().der() {
            return Err(PkiError::KeyMismatch);
        }
        Ok(Self { key, der, facts })
    }

    /// The root certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        certificate_to_pem(&self.der)
    }

    /// The root certificate in DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.der
    }

    /// The private key as PKCS#8 PEM, for the volume that keeps it.
    pub fn key_pem(&self) -> Secret {
        self.key.private_key_pem()
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// Until when the root is valid.
    pub fn not_after(&self) -> Timestamp {
        self.facts.not_after
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) fn signer(&self) -> &p256::ecdsa::SigningKey {
        &self.key.signer
    }

    /// Issues a certificate. It starts [`BACKDATE`] before `now` and ends `validity` after it, but never after the
    /// authority does. A clock that shows a time before the authority existed is wrong, and nothing is issued.
    pub fn issue(
        &self,
        request: &CertificateRequest,
        now: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<IssuedCertificate, PkiError> {
        if now < self.facts.not_before {
            return Err(PkiError::ClockBeforeAuthority {
                now,
                not_before: self.facts.not_before,
            });
        }
        // Compared in whole seconds, because that is what certificates hold.
        if now.as_secs() >= self.facts.not_after.as_secs() {
            return Err(PkiError::AuthorityExpired {
                not_after: self.facts.not_after,
            });
        }
        if request.validity < Duration::from_secs(1) {
            return Err(PkiError::NoValidity);
        }
        let names = check_names(request)?;
        let subject = subject::encode(&Subject {
            common_name: &request.common_name,
            organization: request.organization.as_deref(),
            organizational_unit: request.organizational_unit.as_deref(),
        })?;
        let subject_key_id = inspect::key_identifier(&request.public_key)?;
        let template = Template {
            issuer: self.facts.subject.clone(),
            subject,
            extensions: inspect::leaf_extensions(
                request.profile,
                &names,
                &subject_key_id,
                &self.facts.key_id,
            )?,
        };
        let period = Period::new(
            now.minus(BACKDATE).max(self.facts.not_before),
            now.plus(request.validity).min(self.facts.not_after),
        );
        sign(template, period, &request.public_key, &self.key, rng)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("subject", &self.facts.subject.to_string())
            .field("not_after", &self.facts.not_after)
            .finish_non_exhaustive()
    }
}

fn check_names(request: &CertificateRequest) -> Result<Vec<SubjectAltName>, PkiError> {
    let answers_to_names = matches!(request.profile, Profile::Server | Profile::Node);
    if request.names.is_empty() && answers_to_names {
        return Err(PkiError::NoNames);
    }
    if request.names.len() > MAX_NAMES {
        return Err(PkiError::TooManyNames {
            found: request.names.len(),
            max: MAX_NAMES,
            unit: "entries",
        });
    }
    let mut bytes = 0;
    for name in &request.names {
        name.check()?;
        bytes += name.to_string().len();
    }
    if bytes > MAX_NAMES_BYTES {
        return Err(PkiError::TooManyNames {
            found: bytes,
            max: MAX_NAMES_BYTES,
            unit: "bytes",
        });
    }
    let mut names = request.names.clone();
    names.sort();
    names.dedup();
    Ok(names)
}

/// A span of whole seconds.
struct Period {
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Period {
    fn new(not_before: Timestamp, not_after: Timestamp) -> Self {
        Self {
            not_before: Timestamp::from_secs(not_before.as_secs()),
            not_after: Timestamp::from_secs(not_after.as_secs()),
        }
    }
}

/// What the builder of `x509-cert` asks for, decided beforehand.
struct Template {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Template {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _certificate: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

fn sign(
    template: Template,
    period: Period,
    public_key: &PublicKey,
    key: &KeyPair,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<IssuedCertificate, PkiError> {
    let serial = random_serial(rng);
    let validity = Validity::new(to_x509(period.not_before)?, to_x509(period.not_after)?);
    let der = CertificateBuilder::new(
        template,
        SerialNumber::new(&serial).map_err(encode_failed)?,
        validity,
        public_key.to_spki()?,
    )
    .and_then(|builder| builder.build::<_, DerSignature>(&key.signer))
    .map_err(encode_failed)?
    .to_der()
    .map_err(encode_failed)?;
    Ok(IssuedCertificate {
        der,
        serial: hex::encode(serial),
        not_before: period.not_before,
        not_after: period.not_after,
    })
}

/// Positive, and of full length so that all serials look alike: the top bits are 01.
fn random_serial(rng: &mut (impl CryptoRng + ?Sized)) -> [u8; SERIAL_BYTES] {
    let mut serial = [0; SERIAL_BYTES];
    rng.fill_bytes(&mut serial);
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

pub(super) fn to_x509(moment: Timestamp) -> Result<Time, PkiError> {
    let secs = u64::try_from(moment.as_secs()).unwrap_or(0);
    DateTime::from_unix_duration(Duration::from_secs(secs))
        .map(Time::from)
        .map_err(encode_failed)
}

pub(super) fn encode_failed(error: impl fmt::Display) -> PkiError {
    PkiError::Encode {
        fault: error.to_string(),
    }
}
