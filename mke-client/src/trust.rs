//! Which servers are believed. Nothing is believed by default: neither the system's authorities nor a first answer.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, Settings};
use crate::credential::Credential;
use crate::error::ClientError;
use crate::request::Request;

/// Where a control plane says which authority its certificate chains to.
const AUTHORITY: &str = "/ca";

/// How the server's certificate is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It must chain to these authorities (PEM).
    Authorities(String),
    /// Not at all: chosen by the person, and said in every context that does it.
    Nothing,
}

impl Trust {
    /// Trusts the authority that the server itself names, when its fingerprint is the one that the person knows from elsewhere:
    /// 64 hexadecimal digits, with or without colons. Nothing else is sent before.
    ///
    /// # Errors
    /// When the server cannot be asked, names no certificate, or another one.
    pub async fn by_fingerprint(url: &str, expected: &str, settings: Settings) -> Result<Self, ClientError> {
        let pem = authority_of(url, settings).await?;
        let found = fingerprint(&pem)?;
        if expected.replace(':', "").eq_ignore_ascii_case(&found) {
            Ok(Self::Authorities(pem))
        } else {
            Err(ClientError::Fingerprint { found })
        }
    }
}

/// The authority that a server names, before anybody vouches for it (PEM).
///
/// # Errors
/// When the server cannot be asked or answers with something else than text.
pub async fn authority_of(url: &str, settings: Settings) -> Result<String, ClientError> {
    let client = Client::with(url, &Trust::Nothing, Credential::Nothing, settings)?;
    let answer = client.send(&Request::get(AUTHORITY)).await?;
    String::from_utf8(answer.body).map_err(|_| bad_authority("no PEM text".to_owned()))
}

/// The SHA-256 of the first certificate, in hexadecimal.
///
/// # Errors
/// When there is no certificate in it.
pub fn fingerprint(pem: &str) -> Result<String, ClientError> {
    let certificates =
        mke_core::pki::parse_certificates(pem).map_err(|error| bad_authority(error.to_string()))?;
    let first = certificates
        .first()
        .ok_or_else(|| bad_authority("no certificate".to_owned()))?;
    Ok(Sha256::digest(first)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn bad_authority(reason: String) -> ClientError {
    ClientError::BadAnswer {
        path: AUTHORITY.to_owned(),
        reason,
    }
}

/// TLS for a client, with the certificate of the credential where it is one.
pub(crate) fn tls_config(trust: &Trust, credential: &Credential) -> Result<ClientConfig, ClientError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Tls {
            reason: error.to_string(),
        })?;
    let builder = match trust {
        Trust::Authorities(pem) => builder.with_root_certificates(roots(pem)?),
        Trust::Nothing => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(unverified::AcceptAny::new())),
    };
    match credential.certificate()? {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| ClientError::Certificate {
                    reason: error.to_string(),
                })
        }
    }
}

fn roots(pem: &str) -> Result<RootCertStore, ClientError> {
    let unusable = |reason: String| ClientError::Authority { reason };
    let mut roots = RootCertStore::empty();
    let certificates = mke_core::pki::parse_certificates(pem).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        roots
            .add(certificate.into())
            .map_err(|error| unusable(error.to_string()))?;
    }
    Ok(roots)
}

/// For people who chose not to verify, and for fetching an authority that they then confirm by its fingerprint.
mod unverified {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    pub(super) struct AcceptAny(CryptoProvider);

    impl AcceptAny {
        pub(super) fn new() -> Self {
            Self(rustls::crypto::ring::default_provider())
        }
    }

    impl ServerCertVerifier for AcceptAny {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            rustls::crypto::verify_tls12_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            rustls::crypto::verify_tls13_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
