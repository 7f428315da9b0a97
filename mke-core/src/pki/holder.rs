//! What a certificate says about its holder and itself, read strictly: for programs of the cluster, whose names are
//! decided by an authority. Nobody's account is ever found this way (pki-02).

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::{Tag, Tagged};

use super::error::PkiError;
use super::inspect::{CLIENT_AUTH, Facts, SERVER_AUTH};
use super::name::SubjectAltName;
use super::public_key::PublicKey;
use super::subject::{COMMON_NAME, ORGANIZATION, ORGANIZATIONAL_UNIT};
use crate::time::Timestamp;

/// The subject of a certificate, and what it may be used for. Nothing here says that it is to be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// CN.
    pub common_name: String,
    /// O.
    pub organization: Option<String>,
    /// OU.
    pub organizational_unit: Option<String>,
    /// Access names, without repetition, in order.
    pub names: Vec<SubjectAltName>,
    /// Whether it states that it may serve.
    pub may_serve: bool,
    /// Whether it states that it may call.
    pub may_call: bool,
    /// Since when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// The key.
    pub public_key: PublicKey,
    /// The serial number in hexadecimal, small letters.
    pub serial: String,
}

impl Holder {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`PkiError::Certificate`] also when a part of the subject stands there twice, is empty, holds control characters or
    /// has an encoding in which they could hide: two readers must never see two names.
    pub fn of(certificate: &[u8]) -> Result<Self, PkiError> {
        let facts = Facts::read(certificate)?;
        let purposes = facts.purposes.unwrap_or_default();
        let mut parts = [None, None, None];
        for attribute in facts.subject.iter() {
            let position = match attribute.oid {
                COMMON_NAME => 0,
                ORGANIZATION => 1,
                ORGANIZATIONAL_UNIT => 2,
                _ => continue,
            };
            let text = text(attribute)?;
            let [common_name, organization, unit] = &mut parts;
            let place = match position {
                0 => common_name,
                1 => organization,
                _ => unit,
            };
            if place.replace(text).is_some() {
                return Err(unclear("names a part of its subject twice"));
            }
        }
        let [common_name, organization, organizational_unit] = parts;
        let mut names = facts.names;
        names.sort();
        names.dedup();
        Ok(Self {
            common_name: common_name.ok_or_else(|| unclear("has no common name"))?,
            organization,
            organizational_unit,
            names,
            may_serve: purposes.contains(&SERVER_AUTH),
            may_call: purposes.contains(&CLIENT_AUTH),
            not_before: facts.not_before,
            not_after: facts.not_after,
            public_key: PublicKey::from_der(&facts.public_key)?,
            serial: facts.serial,
        })
    }
}

fn text(attribute: &AttributeTypeAndValue) -> Result<String, PkiError> {
    let value = &attribute.value;
    if !matches!(
        value.tag(),
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String
    ) {
        return Err(unclear("writes its subject in an encoding that is not read here"));
    }
    let text = std::str::from_utf8(value.value()).map_err(|_| unclear("has a subject that is no text"))?;
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(unclear("has an empty part or a control character in its subject"));
    }
    Ok(text.to_owned())
}

fn unclear(fault: &str) -> PkiError {
    PkiError::Certificate {
        fault: format!("it {fault}"),
    }
}
