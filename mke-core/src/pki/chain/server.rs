//! A server certificate that an administrator made elsewhere: checked as a whole, all problems reported at once.

use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

use super::super::error::{KeyFault, PkiError};
use super::super::inspect::{Facts, SERVER_AUTH};
use super::super::name::SubjectAltName;
use super::super::pem::parse_certificates;
use super::super::private_key;
use super::super::public_key::PublicKey;
use super::{MAX_INTERMEDIATES, verify_path};
use crate::secret::Secret;
use crate::time::Timestamp;
use zeroize::Zeroizing;

/// Accepts every purpose. A wrong one is reported by itself and must not hide a broken chain.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// One of the three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainPart {
    /// `ca.pem`
    Authority,
    /// `cert.pem`
    Chain,
    /// `key.pem`
    Key,
}

impl std::fmt::Display for ChainPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Authority => "ca.pem",
            Self::Chain => "cert.pem",
            Self::Key => "key.pem",
        })
    }
}

/// One reason why a bundle cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainProblem {
    /// A file without content.
    #[error("{part} is missing")]
    Missing {
        /// Which one.
        part: ChainPart,
    },
    /// Certificates that cannot be read.
    #[error("{part} is unusable")]
    Unreadable {
        /// Which one.
        part: ChainPart,
        /// What is wrong with it.
        #[source]
        fault: PkiError,
    },
    /// The key belongs to another certificate, or the order in `cert.pem` is wrong.
    #[error("key.pem does not belong to the first certificate in cert.pem")]
    KeyMismatch,
    /// A certificate past its end.
    #[error("certificate {position} of {part} ({subject}) expired at {not_after}")]
    Expired {
        /// The file.
        part: ChainPart,
        /// Counted from 1.
        position: usize,
        /// Its subject.
        subject: String,
        /// Its end.
        not_after: Timestamp,
    },
    /// A certificate before its start.
    #[error("certificate {position} of {part} ({subject}) is not valid before {not_before}")]
    NotYetValid {
        /// The file.
        part: ChainPart,
        /// Counted from 1.
        position: usize,
        /// Its subject.
        subject: String,
        /// Its start.
        not_before: Timestamp,
    },
    /// `ca.pem` holds something that may not sign certificates.
    #[error("certificate {position} of ca.pem ({subject}) is not of an authority")]
    NotAuthority {
        /// Counted from 1.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// The first certificate may not serve.
    #[error("the first certificate in cert.pem is for an authority, not for a server")]
    IsAuthority,
    /// The first certificate states other purposes.
    #[error("the first certificate in cert.pem does not allow server authentication (serverAuth)")]
    WrongPurpose,
    /// The certificates do not lead to the given authority.
    #[error(
        "the certificates in cert.pem do not lead to ca.pem, add the missing intermediates after the first one"
    )]
    Incomplete,
    /// More certificates than any chain needs.
    #[error("cert.pem holds {found} certificates, at most {max} are allowed")]
    TooLong {
        /// How many there are.
        found: usize,
        /// The bound.
        max: usize,
    },
    /// An address under which clients come, and which the certificate does not name (PKI-010).
    #[error("the certificate does not name `{address}`, add it as a subject alternative name")]
    NameNotCovered {
        /// The address.
        address: SubjectAltName,
    },
    /// Anything else that the verifier refuses.
    #[error("cert.pem cannot be verified: {reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
}

/// A chain and key that passed every check of [`verify_server_bundle`]. `Debug` prints no key.
pub struct ServerIdentity {
    chain: Vec<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    public_key: PublicKey,
    not_after: Timestamp,
}

impl ServerIdentity {
    /// The certificates to send, the server's own first, in DER.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The private key, in the form that TLS stacks take.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()))
    }

    /// The public key of the server.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// When the first of the certificates expires.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("public_key", &self.public_key)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Checks a certificate that was made elsewhere before anything uses it (PKI-006).
///
/// The key must belong to the first certificate of the chain, the chain must be complete up to `ca_pem`, every
/// certificate must be valid now, the first one must allow server authentication and name every address. All
/// problems come back at once, in the order of the files.
pub fn verify_server_bundle(
    ca_pem: &str,
    cert_chain_pem: &str,
    key_pem: &Secret,
    addresses: &[SubjectAltName],
    now: Timestamp,
) -> Result<ServerIdentity, Vec<ChainProblem>> {
    let mut problems = Vec::new();
    let roots = read_part(ChainPart::Authority, ca_pem, &mut problems);
    let chain = read_part(ChainPart::Chain, cert_chain_pem, &mut problems);
    let leaf = chain.as_ref().and_then(|chain| chain.first());
    let key = read_key(key_pem, leaf, &mut problems);

    if let Some(roots) = &roots {
        for (at, root) in roots.iter().enumerate() {
            check_validity(ChainPart::Authority, at, root, now, &mut problems);
            if !root.facts.may_sign_certificates {
                problems.push(ChainProblem::NotAuthority {
                    position: at + 1,
                    subject: root.facts.subject.to_string(),
                });
            }
        }
    }
    let mut public_key = None;
    if let (Some(chain), Some(leaf)) = (&chain, leaf) {
        for (at, certificate) in chain.iter().enumerate() {
            check_validity(ChainPart::Chain, at, certificate, now, &mut problems);
        }
        public_key = check_leaf(leaf, addresses, &mut problems);
        if let Some(roots) = &roots {
            check_path(chain, roots, now, &mut problems);
        }
    }
    match (chain, key, public_key) {
        (Some(chain), Some(key), Some(public_key)) if problems.is_empty() => Ok(ServerIdentity {
            not_after: chain
                .iter()
                .map(|certificate| certificate.facts.not_after)
                .min()
                .unwrap_or_default(),
            chain: chain.into_iter().map(|certificate| certificate.der).collect(),
            key,
            public_key,
        }),
        _ => Err(problems),
    }
}

/// A certificate and what was read from it.
struct Read {
    der: Vec<u8>,
    facts: Facts,
}

fn read_part(part: ChainPart, pem: &str, problems: &mut Vec<ChainProblem>) -> Option<Vec<Read>> {
    if pem.trim().is_empty() {
        problems.push(ChainProblem::Missing { part });
        return None;
    }
    let read = parse_certificates(pem).and_then(|certificates| {
        certificates
            .into_iter()
            .map(|der| Facts::read(&der).map(|facts| Read { der, facts }))
            .collect()
    });
    read.map_err(|fault| problems.push(ChainProblem::Unreadable { part, fault }))
        .ok()
}

fn read_key(
    pem: &Secret,
    leaf: Option<&Read>,
    problems: &mut Vec<ChainProblem>,
) -> Option<Zeroizing<Vec<u8>>> {
    let part = ChainPart::Key;
    if pem.expose().trim().is_empty() {
        problems.push(ChainProblem::Missing { part });
        return None;
    }
    // Without a certificate there is nothing to compare with, but a broken key is still worth telling.
    let checked = private_key::parse(pem).and_then(|key| match leaf {
        Some(leaf) => key.pkcs8_if_of(&leaf.facts.public_key).map(Some),
        None => Ok(None),
    });
    match checked {
        Ok(Some(Some(key))) => Some(key),
        Ok(Some(None)) => {
            problems.push(ChainProblem::KeyMismatch);
            None
        }
        Ok(None) => None,
        Err(fault) => {
            problems.push(unreadable_key(fault));
            None
        }
    }
}

fn unreadable_key(fault: KeyFault) -> ChainProblem {
    ChainProblem::Unreadable {
        part: ChainPart::Key,
        fault: PkiError::Key {
            what: "private key",
            fault,
        },
    }
}

fn check_validity(
    part: ChainPart,
    at: usize,
    certificate: &Read,
    now: Timestamp,
    problems: &mut Vec<ChainProblem>,
) {
    let facts = &certificate.facts;
    let (position, subject) = (at + 1, facts.subject.to_string());
    if now > facts.not_after {
        problems.push(ChainProblem::Expired {
            part,
            position,
            subject,
            not_after: facts.not_after,
        });
    } else if now < facts.not_before {
        problems.push(ChainProblem::NotYetValid {
            part,
            position,
            subject,
            not_before: facts.not_before,
        });
    }
}

/// What the server's own certificate must say, and whether its key is good enough.
fn check_leaf(
    leaf: &Read,
    addresses: &[SubjectAltName],
    problems: &mut Vec<ChainProblem>,
) -> Option<PublicKey> {
    if leaf.facts.is_authority {
        problems.push(ChainProblem::IsAuthority);
    }
    if leaf
        .facts
        .purposes
        .as_ref()
        .is_some_and(|purposes| !purposes.contains(&SERVER_AUTH))
    {
        problems.push(ChainProblem::WrongPurpose);
    }
    for address in addresses {
        if !covers(leaf, address) {
            problems.push(ChainProblem::NameNotCovered {
                address: address.clone(),
            });
        }
    }
    PublicKey::from_der(&leaf.facts.public_key)
        .map_err(|fault| {
            problems.push(ChainProblem::Unreadable {
                part: ChainPart::Chain,
                fault,
            });
        })
        .ok()
}

/// Whether clients that come under this address accept the certificate. Host names and addresses are matched as
/// TLS clients do it; wildcards and URIs, which no client asks for, must be there word for word.
fn covers(leaf: &Read, address: &SubjectAltName) -> bool {
    let literal = leaf.facts.names.contains(address);
    let name = match address {
        SubjectAltName::Dns(name) => ServerName::try_from(name.as_str()).ok(),
        SubjectAltName::Ip(address) => Some(ServerName::from(*address)),
        SubjectAltName::Uri(_) => None,
    };
    let Some(name) = name else { return literal };
    let der = CertificateDer::from(leaf.der.as_slice());
    EndEntityCert::try_from(&der)
        .and_then(|certificate| certificate.verify_is_valid_for_subject_name(&name))
        .is_ok()
}

/// Whether signatures lead from the server's certificate to the authority. Lifetimes and purpose have been reported
/// already and must not hide a missing intermediate, so the path is tried at a moment when all of it is valid.
fn check_path(chain: &[Read], roots: &[Read], now: Timestamp, problems: &mut Vec<ChainProblem>) {
    let Some((leaf, rest)) = chain.split_first() else {
        return;
    };
    if rest.len() > MAX_INTERMEDIATES {
        problems.push(ChainProblem::TooLong {
            found: chain.len(),
            max: MAX_INTERMEDIATES + 1,
        });
        return;
    }
    if leaf.facts.is_authority {
        return;
    }
    let all_valid = chain.iter().all(|certificate| certificate.facts.valid_at(now));
    let latest_start = chain
        .iter()
        .map(|certificate| certificate.facts.not_before)
        .max()
        .unwrap_or(now);
    let time = if all_valid { now } else { latest_start };
    let rest: Vec<Vec<u8>> = rest.iter().map(|certificate| certificate.der.clone()).collect();
    let roots: Vec<Vec<u8>> = roots
        .iter()
        .filter(|root| root.facts.may_sign_certificates)
        .map(|root| root.der.clone())
        .collect();
    let verified = if problems.contains(&ChainProblem::WrongPurpose) {
        verify_path(&leaf.der, &rest, &roots, time, AnyPurpose)
    } else {
        verify_path(&leaf.der, &rest, &roots, time, KeyUsage::server_auth())
    };
    match verified {
        Ok(()) => {}
        Err(webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey) => {
            problems.push(ChainProblem::Incomplete);
        }
        // Reported above, certificate by certificate.
        Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }) if !all_valid => {}
        Err(other) => problems.push(ChainProblem::Refused {
            reason: other.to_string(),
        }),
    }
}
