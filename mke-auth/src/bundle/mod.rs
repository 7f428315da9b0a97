//! Client bundles: one archive that turns a docker, kubectl or other client into a user of the cluster.
//!
//! [`issue`] makes a key and a certificate and packs them; everything is computed in memory. The private key is
//! in the archive and nowhere else: whoever delivers the archive delivers the key, once (pki-05). The caller
//! registers [`IssuedBundle::public_key`] first, because a certificate over an unregistered key opens nothing.
//!
//! | file | decides |
//! | --- | --- |
//! | `place` | which servers a bundle points to, and the names of its parts |
//! | `quote` | how text that users chose may stand in a script |
//! | `scripts` | `env.sh`, `env.cmd`, `env.ps1` |
//! | `documents` | `kube.yml`, `meta.json` |
//! | `archive` | the entries and their form |

mod archive;
mod documents;
mod place;
mod quote;
mod scripts;

pub use archive::MAX_AROUND_CONTEXT;
pub use place::{Place, PlaceError};

use std::time::Duration;

use mke_core::names::AccountName;
use mke_core::pki::{Authority, CertificateRequest, KeyPair, PkiError, Profile, PublicKey};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use rand_core::CryptoRng;

/// How long the certificate of a bundle is valid. Judgement: longer than any laptop, shorter than the authority;
/// access ends earlier by removing the key.
pub const CERTIFICATE_VALIDITY: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

/// Why a bundle was not made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The key or the certificate could not be made.
    #[error("the bundle's certificate could not be issued")]
    Pki(#[from] PkiError),
    /// Clients could not open the archive (see [`MAX_AROUND_CONTEXT`]).
    #[error(
        "the bundle has {found} bytes around the archive for docker, clients read at most {MAX_AROUND_CONTEXT}; \
         shorten the server's list of authorities"
    )]
    TooLarge {
        /// How many there are.
        found: usize,
    },
    /// The archive or a document in it could not be written.
    #[error("the bundle could not be packed: {0}")]
    Pack(String),
}

/// A bundle that was just made. `Debug` prints no key.
pub struct IssuedBundle {
    zip: Vec<u8>,
    public_key: PublicKey,
    not_after: Timestamp,
}

impl std::fmt::Debug for IssuedBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedBundle")
            .field("public_key", &self.public_key)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

impl IssuedBundle {
    /// The archive. It holds a private key: deliver it to its user and keep no copy.
    pub fn into_zip(self) -> Vec<u8> {
        self.zip
    }

    /// The key to register for the user.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Until when the certificate is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// What goes into an archive.
pub(crate) struct Contents<'a> {
    pub(crate) place: &'a Place,
    pub(crate) user: &'a AccountName,
    pub(crate) ca: &'a str,
    pub(crate) certificate: String,
    pub(crate) private_key: Secret,
    pub(crate) public_key: String,
    /// Tells this bundle from the user's others.
    pub(crate) id: String,
}

/// Makes a key pair and a certificate for a user, and packs the bundle.
///
/// `server_ca` is what verifies the server's certificate, PEM; `place` says where the server is. Names in the
/// archive do not depend on the user's name, so whatever it is, it leads nowhere.
///
/// # Errors
///
/// [`BundleError`].
pub fn issue(
    authority: &Authority,
    server_ca: &str,
    place: &Place,
    user: &AccountName,
    now: Timestamp,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<IssuedBundle, BundleError> {
    let pair = KeyPair::generate(rng)?;
    let issued = authority.issue(&certificate_request(&pair, user), now, rng)?;
    let certificate = Certificate {
        pem: issued.pem(),
        not_after: issued.not_after(),
    };
    pack(certificate, &pair, server_ca, place, user)
}

/// What the certificate of a bundle says.
pub fn certificate_request(pair: &KeyPair, user: &AccountName) -> CertificateRequest {
    CertificateRequest {
        profile: Profile::Client,
        common_name: user.to_string(),
        organization: None,
        organizational_unit: None,
        names: Vec::new(),
        public_key: pair.public_key().clone(),
        validity: CERTIFICATE_VALIDITY,
    }
}

/// A certificate that was signed for a bundle, wherever the authority is.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate, PEM.
    pub pem: String,
    /// Until when it is valid.
    pub not_after: Timestamp,
}

/// Packs a bundle around a certificate over the key of this pair.
///
/// # Errors
///
/// [`BundleError`].
pub fn pack(
    certificate: Certificate,
    pair: &KeyPair,
    server_ca: &str,
    place: &Place,
    user: &AccountName,
) -> Result<IssuedBundle, BundleError> {
    let zip = archive::pack(&Contents {
        place,
        user,
        ca: server_ca,
        certificate: certificate.pem,
        private_key: pair.private_key_pem(),
        public_key: pair.public_key().pem(),
        id: pair.public_key().id().as_str().chars().take(12).collect(),
    })?;
    Ok(IssuedBundle {
        zip,
        public_key: pair.public_key().clone(),
        not_after: certificate.not_after,
    })
}

/// The name under which clients save the archive: `ucp-bundle-<user>.zip`, with what does not belong in a file
/// name or a header replaced.
pub fn file_name(user: &AccountName) -> String {
    format!("ucp-bundle-{}.zip", quote::plain(user.as_str()))
}
