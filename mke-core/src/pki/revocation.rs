//! Lists of revoked certificates (RFC 5280 section 5), for programs that know no other way to refuse one.

use std::collections::BTreeSet;

use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::Signer as _;
use x509_cert::Version;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::der::asn1::{BitString, Uint};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{DecodePem, Encode, EncodePem};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::DynSignatureAlgorithmIdentifier as _;

use super::authority::{Authority, encode_failed, to_x509};
use super::error::PkiError;
use super::inspect;

impl Authority {
    /// A list that revokes the certificates with these serial numbers, in hexadecimal; PEM. It holds as long as the authority does,
    /// until another one takes its place; later ones have greater numbers.
    ///
    /// # Errors
    /// [`PkiError::Encode`]: a serial number is none.
    pub fn revocation_list(
        &self,
        serials: &BTreeSet<String>,
        now: crate::time::Timestamp,
    ) -> Result<String, PkiError> {
        let moment = to_x509(now)?;
        let number = Uint::new(&now.as_secs().max(0).to_be_bytes()).map_err(encode_failed)?;
        let mut revoked = Vec::with_capacity(serials.len());
        for serial in serials {
            let bytes = hex::decode(serial).map_err(encode_failed)?;
            revoked.push(RevokedCert {
                serial_number: SerialNumber::new(&bytes).map_err(encode_failed)?,
                revocation_date: moment,
                crl_entry_extensions: None,
            });
        }
        let signer = self.signer();
        let tbs_cert_list = TbsCertList::<Rfc5280> {
            version: Version::V2,
            signature: signer.signature_algorithm_identifier().map_err(encode_failed)?,
            issuer: self.facts().subject.clone(),
            this_update: moment,
            next_update: Some(to_x509(self.not_after())?),
            // An empty list is left out, not written as one without entries.
            revoked_certificates: (!revoked.is_empty()).then_some(revoked),
            crl_extensions: Some(inspect::revocation_extensions(number, &self.facts().key_id)?),
        };
        let signed = tbs_cert_list.to_der().map_err(encode_failed)?;
        let signature: DerSignature = signer.try_sign(&signed).map_err(encode_failed)?;
        CertificateList {
            signature_algorithm: tbs_cert_list.signature.clone(),
            signature: BitString::from_bytes(signature.as_bytes()).map_err(encode_failed)?,
            tbs_cert_list,
        }
        .to_pem(LineEnding::LF)
        .map_err(encode_failed)
    }
}

/// The serial numbers in a list in PEM, in hexadecimal with small letters. Whose list it is, is not checked.
///
/// # Errors
/// [`PkiError::Pem`].
pub fn revoked_serials(pem: &str) -> Result<BTreeSet<String>, PkiError> {
    let list = CertificateList::<Rfc5280>::from_pem(pem).map_err(|error| PkiError::Pem {
        what: "the list of revoked certificates",
        fault: error.to_string(),
    })?;
    let revoked = list.tbs_cert_list.revoked_certificates.unwrap_or_default();
    Ok(revoked
        .iter()
        .map(|entry| hex::encode(entry.serial_number.as_bytes()))
        .collect())
}
