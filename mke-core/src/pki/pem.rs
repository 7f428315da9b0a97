//! PEM text in and out (RFC 7468), with bounds, because this is where uploads and files arrive.

use der::pem::LineEnding;
use rustls_pki_types::pem::{PemObject, SectionKind};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::error::PkiError;

/// Longest PEM text that is read, in bytes: a corporate trust store of [`MAX_CERTIFICATES`] fits.
pub const MAX_PEM_BYTES: usize = 1024 * 1024;

/// Most certificates in one text; public trust stores have fewer than 200.
pub const MAX_CERTIFICATES: usize = 256;

/// The label of a certificate (RFC 7468 section 5).
const CERTIFICATE_LABEL: &str = "CERTIFICATE";

/// The certificates in PEM text, in order, as DER. There is at least one, and each is well formed.
///
/// Text between blocks is skipped, as tools put comments there. A private key among them is refused: whoever
/// sends it is about to publish it.
pub fn parse_certificates(pem: &str) -> Result<Vec<Vec<u8>>, PkiError> {
    let unreadable = |fault: &str| PkiError::Pem {
        what: "the certificate file",
        fault: fault.to_owned(),
    };
    if pem.len() > MAX_PEM_BYTES {
        return Err(unreadable("it is larger than 1 MiB"));
    }
    let mut certificates = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        let (kind, der) = section.map_err(|_| unreadable("a PEM block is broken"))?;
        match kind {
            SectionKind::Certificate => certificates.push(der),
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                return Err(unreadable(
                    "it holds a private key, which never belongs with certificates",
                ));
            }
            _ => return Err(unreadable("it holds something other than certificates")),
        }
        if certificates.len() > MAX_CERTIFICATES {
            return Err(unreadable("it holds more than 256 certificates"));
        }
    }
    if certificates.is_empty() {
        return Err(unreadable("there is no `BEGIN CERTIFICATE` block in it"));
    }
    for der in &certificates {
        decode_certificate(der)?;
    }
    Ok(certificates)
}

/// The PEM text of one certificate.
pub fn certificate_to_pem(der: &[u8]) -> String {
    // Encoding fails for a bad label only, and this one is good.
    der::pem::encode_string(CERTIFICATE_LABEL, LineEnding::LF, der).unwrap_or_default()
}

pub(super) fn decode_certificate(der: &[u8]) -> Result<Certificate, PkiError> {
    Certificate::from_der(der).map_err(|error| PkiError::Certificate {
        fault: error.to_string(),
    })
}
