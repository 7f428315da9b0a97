//! The distinguished name of a certificate, written without any text syntax that could be escaped from.

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Tag};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::authority::encode_failed;
use super::error::PkiError;

/// RFC 4519 section 2.3, 2.19 and 2.20.
pub(super) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(super) const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
pub(super) const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// Longest value. RFC 5280 appendix A.1 says 64, which no verifier enforces; account names may have 100, and a cut
/// name would show another account.
const MAX_CHARS: usize = 100;

/// The parts of a subject, in no order.
pub(super) struct Subject<'a> {
    pub(super) common_name: &'a str,
    pub(super) organization: Option<&'a str>,
    pub(super) organizational_unit: Option<&'a str>,
}

/// Encodes a subject, from the widest part to the narrowest.
pub(super) fn encode(subject: &Subject<'_>) -> Result<Name, PkiError> {
    let mut sequence = RdnSequence::default();
    let parts = [
        ("organization", ORGANIZATION, subject.organization),
        (
            "organizational unit",
            ORGANIZATIONAL_UNIT,
            subject.organizational_unit,
        ),
        ("common name", COMMON_NAME, Some(subject.common_name)),
    ];
    for (field, oid, value) in parts {
        let Some(value) = value else { continue };
        check(field, value)?;
        let attribute = AttributeTypeAndValue {
            oid,
            value: Any::new(Tag::Utf8String, value.as_bytes()).map_err(encode_failed)?,
        };
        sequence.push(RelativeDistinguishedName::try_from(vec![attribute]).map_err(encode_failed)?);
    }
    let der = sequence.to_der().map_err(encode_failed)?;
    Name::from_der(&der).map_err(encode_failed)
}

/// Values end up in logs and terminals of others, and C programs stop reading at NUL.
fn check(field: &'static str, value: &str) -> Result<(), PkiError> {
    let fault = if value.trim().is_empty() {
        "is empty"
    } else if value.chars().count() > MAX_CHARS {
        "has more than 100 characters"
    } else if value.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(());
    };
    Err(PkiError::Subject { field, fault })
}
