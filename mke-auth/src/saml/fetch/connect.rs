//! Connections to the provider: the checked address, the proxy's tunnel, TLS.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{self, Meant};
use super::{FetchError, Place, Proxy, Target, basic};

/// Most bytes of a proxy's answer to `CONNECT`.
const MAX_PROXY_ANSWER: usize = 8 * 1024;

/// A connection with or without TLS.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to a target.
pub(super) async fn open(
    place: &Place,
    target: &Target,
    meant: Meant,
    tls: &TlsConnector,
) -> Result<Stream, FetchError> {
    let failed = |why: String| FetchError::Connect {
        host: target.host.clone(),
        why,
    };
    let tcp = match &place.proxy {
        None => direct(target, meant).await?,
        Some(proxy) => tunnel(proxy, target, meant).await?,
    };
    if target.plain {
        return Ok(Stream::Plain(tcp));
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|error| failed(error.to_string()))?;
    let stream = tls
        .connect(name, tcp)
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(Stream::Tls(Box::new(stream)))
}

/// Connects to the first address that is meant and answers. One that is not meant refuses the whole name.
async fn direct(target: &Target, meant: Meant) -> Result<TcpStream, FetchError> {
    let failed = |why: String| FetchError::Connect {
        host: target.host.clone(),
        why,
    };
    let addresses: Vec<_> = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|error| failed(error.to_string()))?
        .collect();
    for address in &addresses {
        if !address::is_meant(&target.host, address.ip(), meant) {
            return Err(FetchError::Private {
                host: target.host.clone(),
                address: address.ip(),
            });
        }
    }
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Err(failed(why))
}

/// Asks the proxy for a tunnel. It resolves the name, so only written addresses can be checked here.
async fn tunnel(proxy: &Proxy, target: &Target, meant: Meant) -> Result<TcpStream, FetchError> {
    let refused = |why: &str| FetchError::Proxy(why.to_owned());
    if let Ok(address) = target.host.parse()
        && !address::is_meant(&target.host, address, meant)
    {
        return Err(FetchError::Private {
            host: target.host.clone(),
            address,
        });
    }
    let uri: http::Uri = proxy
        .url
        .parse()
        .map_err(|_| refused("`auth.samlProxy.proxy_url` is no address"))?;
    if uri.scheme_str() != Some("http") {
        return Err(refused(
            "only http:// proxies are spoken to; the connection through it is TLS all the same",
        ));
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(80);
    let mut stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| FetchError::Proxy(error.to_string()))?;
    let bracketed = if target.host.contains(':') {
        format!("[{}]:{}", target.host, target.port)
    } else {
        format!("{}:{}", target.host, target.port)
    };
    let mut head = format!("CONNECT {bracketed} HTTP/1.1\r\nHost: {bracketed}\r\n");
    if let Some((user, password)) = &proxy.credentials {
        head.push_str(&format!(
            "Proxy-Authorization: {}\r\n",
            basic(user, password).expose()
        ));
    }
    head.push_str("\r\n");
    let broken = |error: std::io::Error| FetchError::Proxy(error.to_string());
    stream.write_all(head.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the head belongs to TLS.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= MAX_PROXY_ANSWER {
            return Err(refused("its answer is too long"));
        }
        answer.push(stream.read_u8().await.map_err(broken)?);
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    let mut words = line.split_ascii_whitespace();
    let spoken = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    match words.next() {
        Some(status) if spoken && status.len() == 3 && status.starts_with('2') => Ok(stream),
        _ => Err(refused(
            &line
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect::<String>(),
        )),
    }
}

/// How servers are recognised: by the given roots, else by the system's; by nothing only where that was asked for.
pub(super) fn tls(place: &Place) -> Result<TlsConnector, FetchError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Roots(error.to_string()))?;
    let config = if place.skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth()
    } else {
        builder
            .with_root_certificates(roots(place)?)
            .with_no_client_auth()
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(place: &Place) -> Result<RootCertStore, FetchError> {
    let mut store = RootCertStore::empty();
    if place.root_certs.trim().is_empty() {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        for certificate in CertificateDer::pem_slice_iter(place.root_certs.as_bytes()) {
            certificate
                .map_err(|error| error.to_string())
                .and_then(|der| store.add(der).map_err(|error| error.to_string()))
                .map_err(FetchError::Roots)?;
        }
    }
    if store.is_empty() {
        return Err(FetchError::Roots("there is no certificate".to_owned()));
    }
    Ok(store)
}

/// `auth.saml.tlsSkipVerify`: any certificate will do. The handshake itself is still checked.
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
