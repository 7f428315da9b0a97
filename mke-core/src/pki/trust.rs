//! The set of roots that are trusted at one time. Rotating an authority never cuts anyone off: the old root stays
//! trusted next to the new one until a given moment (pki-08).

use serde::{Deserialize, Serialize};

use super::error::PkiError;
use super::inspect::Facts;
use super::pem::{certificate_to_pem, parse_certificates};
use crate::time::Timestamp;

/// Most roots in one set. A handshake looks at all of them.
pub const MAX_ROOTS: usize = 32;

/// One trusted root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedRoot {
    /// The certificate in PEM, exactly one.
    pub certificate: String,
    /// Until when it is trusted; without it, until its own end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A current root, and others that are trusted besides it.
///
/// It is stored as a list with the current root first; an empty list does not load, because a set that trusts
/// nothing is a mistake and one that trusts anything would be worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<TrustedRoot>", into = "Vec<TrustedRoot>")]
pub struct TrustSet {
    // INVARIANT(current-first): never empty, and the first has no `until`.
    roots: Vec<Root>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Root {
    der: Vec<u8>,
    until: Option<Timestamp>,
    // The certificate's own lifetime, kept so that it is not parsed for each handshake.
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Root {
    fn new(der: Vec<u8>, until: Option<Timestamp>) -> Result<Self, PkiError> {
        let facts = Facts::read(&der)?;
        if !facts.may_sign_certificates {
            return Err(PkiError::NotAuthority);
        }
        Ok(Self {
            der,
            until,
            not_before: facts.not_before,
            not_after: facts.not_after,
        })
    }

    fn trusted_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && !self.ended(now)
    }

    /// A certificate is still valid at its last moment (RFC 5280 section 4.1.2.5), a deadline is over at its own.
    fn ended(&self, now: Timestamp) -> bool {
        now > self.not_after || self.until.is_some_and(|until| now >= until)
    }
}

impl TrustSet {
    /// A set with one root, in DER.
    pub fn new(current: &[u8]) -> Result<Self, PkiError> {
        Ok(Self {
            roots: vec![Root::new(current.to_vec(), None)?],
        })
    }

    /// The root that signs now, in DER.
    pub fn current(&self) -> &[u8] {
        self.roots.first().map_or(&[], |root| &root.der)
    }

    /// Trusts one more root, such as that of the organization's own client certificates. It is added, it never
    /// replaces (PKI-008). Adding a root again changes its deadline, except that of the current one.
    pub fn add(&mut self, root: &[u8], until: Option<Timestamp>) -> Result<(), PkiError> {
        let added = Root::new(root.to_vec(), until)?;
        match self.roots.iter().position(|known| known.der == root) {
            Some(0) => {}
            Some(at) => self.roots[at] = added,
            None => {
                check_count(self.roots.len() + 1)?;
                self.roots.push(added);
            }
        }
        Ok(())
    }

    /// Makes `next` the current root and keeps the former one trusted until `until`. Clients that still hold
    /// certificates of the former one are served until then. Rotating to the current root changes nothing.
    pub fn rotate(&mut self, next: &[u8], until: Timestamp) -> Result<(), PkiError> {
        if self.current() == next {
            return Ok(());
        }
        let next = Root::new(next.to_vec(), None)?;
        self.roots.retain(|known| known.der != next.der);
        check_count(self.roots.len() + 1)?;
        if let Some(former) = self.roots.first_mut() {
            former.until = Some(until);
        }
        self.roots.insert(0, next);
        Ok(())
    }

    /// Drops the roots whose time is over and says how many. The current one stays, even when it has expired: that
    /// must be seen, not silently forgotten.
    pub fn expire(&mut self, now: Timestamp) -> usize {
        let before = self.roots.len();
        let mut position = 0;
        self.roots.retain(|root| {
            position += 1;
            position == 1 || !root.ended(now)
        });
        before - self.roots.len()
    }

    /// The roots that are trusted at this moment, in DER, the current one first.
    pub fn roots(&self, now: Timestamp) -> Vec<Vec<u8>> {
        self.trusted(now).map(|root| root.der.clone()).collect()
    }

    /// The same as PEM text, for `ca.pem`.
    pub fn bundle_pem(&self, now: Timestamp) -> String {
        self.trusted(now)
            .map(|root| certificate_to_pem(&root.der))
            .collect()
    }

    fn trusted(&self, now: Timestamp) -> impl Iterator<Item = &Root> {
        self.roots.iter().filter(move |root| root.trusted_at(now))
    }
}

fn check_count(found: usize) -> Result<(), PkiError> {
    if found > MAX_ROOTS {
        return Err(PkiError::TooManyRoots {
            found,
            max: MAX_ROOTS,
        });
    }
    Ok(())
}

impl TryFrom<Vec<TrustedRoot>> for TrustSet {
    type Error = PkiError;

    fn try_from(stored: Vec<TrustedRoot>) -> Result<Self, PkiError> {
        check_count(stored.len())?;
        let mut roots = Vec::with_capacity(stored.len());
        for root in stored {
            let mut certificates = parse_certificates(&root.certificate)?;
            if certificates.len() != 1 {
                return Err(PkiError::Pem {
                    what: "a trusted root",
                    fault: "it must be exactly one certificate".to_owned(),
                });
            }
            roots.push(Root::new(certificates.swap_remove(0), root.until)?);
        }
        match roots.first_mut() {
            None => return Err(PkiError::NoRoots),
            Some(current) => current.until = None,
        }
        Ok(Self { roots })
    }
}

impl From<TrustSet> for Vec<TrustedRoot> {
    fn from(set: TrustSet) -> Self {
        set.roots
            .into_iter()
            .map(|root| TrustedRoot {
                certificate: certificate_to_pem(&root.der),
                until: root.until,
            })
            .collect()
    }
}
