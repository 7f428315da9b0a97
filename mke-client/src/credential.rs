//! What proves who asks: nothing, the token of a session, or the certificate of a client bundle.

use mke_core::pki::parse_certificates;
use mke_core::secret::Secret;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::ClientError;

/// A proof of who asks.
#[derive(Debug, Clone, Default)]
pub enum Credential {
    /// Nobody in particular.
    #[default]
    Nothing,
    /// The token of a session, or one that was made for programs.
    Token(Secret),
    /// A client certificate with its private key, as a bundle has them.
    Certificate {
        /// The certificate with those between it and its authority (PEM).
        chain: String,
        /// The private key (PEM).
        key: Secret,
    },
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Credential {
    /// The certificate in the form of TLS.
    pub(crate) fn certificate(&self) -> Result<Option<ChainAndKey>, ClientError> {
        let Self::Certificate { chain, key } = self else {
            return Ok(None);
        };
        let unusable = |reason: String| ClientError::Certificate { reason };
        let chain = parse_certificates(chain)
            .map_err(|error| unusable(error.to_string()))?
            .into_iter()
            .map(CertificateDer::from)
            .collect();
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|error| unusable(format!("no private key: {error}")))?;
        Ok(Some((chain, key)))
    }
}
