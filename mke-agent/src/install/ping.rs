//! Asks a controller whether it is healthy, as load balancers do.
//!
//! The certificate is not verified: nothing is sent, and the answer decides only when to stop waiting.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What a controller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// 200.
    Healthy,
    /// It answers with something else: the status and the beginning of the text.
    Unwell(String),
    /// It does not answer.
    Silent(String),
}

/// `GET /_ping`.
pub async fn ping(address: IpAddr, port: u16) -> Health {
    match timeout(LIMIT, exchange(address, port)).await {
        Ok(Ok(answer)) => read(&answer),
        Ok(Err(error)) => Health::Silent(error.to_string()),
        Err(_) => Health::Silent(format!("no answer within {} s", LIMIT.as_secs())),
    }
}

async fn exchange(address: IpAddr, port: u16) -> std::io::Result<String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let stream = TcpStream::connect(SocketAddr::from((address, port))).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(ServerName::from(address), stream).await?;
    let host = SocketAddr::from((address, port));
    let request = format!("GET /_ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A server that closes without saying so in TLS has answered all the same.
    match (&mut stream).take(4096).read_to_end(&mut answer).await {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

fn read(answer: &str) -> Health {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        return Health::Healthy;
    }
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    Health::Unwell(format!("{status} {body}").trim().chars().take(300).collect())
}

/// Takes every certificate whose key the server holds.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only 200 is healthy.
    #[test]
    fn answers() {
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\nOK"), Health::Healthy);
        for (answer, said) in [
            (
                "HTTP/1.1 500 Internal Server Error\r\n\r\n{\"message\":\"x\"}",
                "500 {\"message\":\"x\"}",
            ),
            ("HTTP/1.1 204 No Content\r\n\r\n", "204"),
            ("", ""),
            ("SSH-2.0-OpenSSH", ""),
        ] {
            assert_eq!(read(answer), Health::Unwell(said.to_owned()), "{answer}");
        }
    }

    #[tokio::test]
    async fn nobody_there() {
        let port = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        assert!(matches!(
            ping([127, 0, 0, 1].into(), port).await,
            Health::Silent(_)
        ));
    }
}
