//! Requests for a certificate (PKCS#10, RFC 2986). What counts in one is the key, and that whoever sends it has the
//! private half: subject, names and everything else are decided by the authority that signs, never by the request.

use p256::ecdsa::DerSignature;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};
use x509_cert::builder::Builder;
use x509_cert::der::{Decode, Encode};
use x509_cert::request::{CertReq, RequestBuilder};

use super::authority::encode_failed;
use super::error::PkiError;
use super::key::KeyPair;
use super::public_key::PublicKey;
use super::subject::{self, Subject};

/// Longest PEM text of a request that is read, in bytes: RSA with 8192 bits and many names fit.
const MAX_PEM_BYTES: usize = 32 * 1024;
/// The label (RFC 7468 section 7), and the one that old programs write.
const LABEL: &str = "CERTIFICATE REQUEST";
const OLD_LABEL: &str = "NEW CERTIFICATE REQUEST";

/// A request whose signature was made with the private half of the key in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    der: Vec<u8>,
    public_key: PublicKey,
}

impl SigningRequest {
    /// Asks for a certificate over this pair's key. The common name only helps a reader.
    pub fn create(pair: &KeyPair, common_name: &str) -> Result<Self, PkiError> {
        let subject = subject::encode(&Subject {
            common_name,
            organization: None,
            organizational_unit: None,
        })?;
        let der = RequestBuilder::new(subject)
            .and_then(|builder| builder.build::<_, DerSignature>(&pair.signer))
            .map_err(encode_failed)?
            .to_der()
            .map_err(encode_failed)?;
        Ok(Self {
            der,
            public_key: pair.public_key().clone(),
        })
    }

    /// Reads one request in PEM and checks its signature and its key, as for registered keys (pki-12).
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        if pem.len() > MAX_PEM_BYTES {
            return Err(unreadable("it is larger than 32 KiB"));
        }
        match der::pem::decode_vec(pem.trim().as_bytes()) {
            Ok((LABEL | OLD_LABEL, der)) => Self::from_der(der),
            Ok(_) => Err(unreadable("it is something else than a certificate request")),
            Err(_) => Err(unreadable("it is no PEM text with exactly one request")),
        }
    }

    fn from_der(der: Vec<u8>) -> Result<Self, PkiError> {
        let request = CertReq::from_der(&der).map_err(|error| unreadable(&error.to_string()))?;
        let spki = request.info.public_key.to_der().map_err(encode_failed)?;
        let public_key = PublicKey::from_der(&spki)?;
        // Another encoding of the same content gives other bytes here, and then the signature does not fit.
        let signed = request.info.to_der().map_err(encode_failed)?;
        let algorithm = request.algorithm.to_der().map_err(encode_failed)?;
        let signature = request
            .signature
            .as_bytes()
            .ok_or_else(|| unreadable("its signature is cut"))?;
        if !is_signed(&spki, &algorithm, &signed, signature) {
            return Err(unreadable(
                "its signature does not come from the key in it, so whoever sent it may not have the private key",
            ));
        }
        Ok(Self { der, public_key })
    }

    /// In PEM.
    pub fn pem(&self) -> String {
        // Encoding fails for a bad label only, and this one is good.
        der::pem::encode_string(LABEL, der::pem::LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// The key that it asks to certify.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

fn is_signed(spki: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let spki = SubjectPublicKeyInfoDer::from(spki);
    let Ok(key) = RawPublicKeyEntity::try_from(&spki) else {
        return false;
    };
    // The verifiers name algorithms by the content of their sequence, which is short: two bytes stand before it.
    ALL_VERIFICATION_ALGS
        .iter()
        .filter(|known| algorithm.get(2..) == Some(known.signature_alg_id().as_ref()))
        .any(|known| key.verify_signature(*known, message, signature).is_ok())
}

fn unreadable(fault: &str) -> PkiError {
    PkiError::Pem {
        what: "the certificate request",
        fault: fault.to_owned(),
    }
}
