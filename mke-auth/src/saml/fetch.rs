//! Fetching the provider's metadata (SAML-002): over verified TLS, within limits of size, time and redirects, and not
//! from addresses that the configuration does not mean (saml-38).
//!
//! Which addresses are meant: those on the internet; private ones when the configured address names the IP address
//! itself or the administrator gave own root certificates, which is how a provider inside the house is set up; never
//! link-local ones, where clouds keep the secrets of machines, unless they are written out. A redirect to another host
//! leads to the internet or nowhere. What was checked is the address that is connected to, so a name that
//! changes its meaning in between gains nothing.

mod address;
mod connect;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use mke_core::config::Auth;
use mke_core::secret::Secret;
use tokio::time::timeout;

use super::xml::MAX_METADATA_BYTES;

/// How long everything may take together.
pub const TIME: Duration = Duration::from_secs(15);

/// Most redirects that are followed.
pub const MAX_REDIRECTS: usize = 3;

/// Where the metadata is, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The configured address.
    pub url: String,
    /// Root certificates in PEM; without any those of the system count.
    pub root_certs: String,
    /// Whether any certificate will do.
    pub skip_verify: bool,
    /// The proxy in between.
    pub proxy: Option<Proxy>,
}

/// An HTTP proxy that tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address.
    pub url: String,
    /// What it asks for.
    pub credentials: Option<(String, Secret)>,
}

/// Why no metadata came back.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No address is configured.
    #[error("`auth.saml.idpMetadataURL` is not set")]
    NoUrl,
    /// The address, or one that it redirects to, cannot be used.
    #[error("`{url}` cannot be fetched: {why}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The root certificates cannot be used.
    #[error("`auth.saml.rootCerts` cannot be used: {0}")]
    Roots(String),
    /// The name leads to addresses that are not meant.
    #[error(
        "`{host}` is the private address {address}; name the address itself in `auth.saml.idpMetadataURL`, or give the provider's root certificates in `auth.saml.rootCerts`"
    )]
    Private {
        /// The name.
        host: String,
        /// Where it leads.
        address: std::net::IpAddr,
    },
    /// Nobody there, or no TLS.
    #[error("`{host}` cannot be reached: {why}")]
    Connect {
        /// The host.
        host: String,
        /// What happened.
        why: String,
    },
    /// The proxy refused.
    #[error("the proxy for SAML does not let us through: {0}")]
    Proxy(String),
    /// An answer that is no document.
    #[error("`{url}` answered {status} instead of the metadata")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// Too large.
    #[error("`{url}` answered more than {MAX_METADATA_BYTES} bytes")]
    TooLarge {
        /// The address.
        url: String,
    },
    /// Too many redirects.
    #[error("`{url}` redirects more than {MAX_REDIRECTS} times")]
    Redirects {
        /// The configured address.
        url: String,
    },
    /// It took too long.
    #[error("`{url}` did not answer within {} seconds", TIME.as_secs())]
    Slow {
        /// The configured address.
        url: String,
    },
}

impl Place {
    /// What the configuration says.
    ///
    /// # Errors
    ///
    /// [`FetchError::NoUrl`].
    pub fn of(auth: &Auth) -> Result<Self, FetchError> {
        let url = auth.saml.idp_metadata_url.clone().filter(|url| !url.is_empty());
        let proxy = &auth.saml_proxy;
        let basic = &proxy.credentials.basic;
        let proxy_url = proxy
            .proxy_url
            .clone()
            .filter(|url| proxy.enabled && !url.is_empty());
        let user = basic.user.clone().filter(|user| !user.is_empty());
        let proxy = proxy_url.map(|url| Proxy {
            url,
            credentials: user.map(|user| (user, basic.password.clone().unwrap_or_default())),
        });
        Ok(Self {
            url: url.ok_or(FetchError::NoUrl)?,
            root_certs: auth.saml.root_certs.clone(),
            skip_verify: auth.saml.tls_skip_verify,
            proxy,
        })
    }
}

/// Fetches the document.
///
/// # Errors
///
/// [`FetchError`].
pub async fn fetch(place: &Place) -> Result<Vec<u8>, FetchError> {
    timeout(TIME, follow(place)).await.map_err(|_| FetchError::Slow {
        url: place.url.clone(),
    })?
}

async fn follow(place: &Place) -> Result<Vec<u8>, FetchError> {
    let tls = connect::tls(place)?;
    let configured = target(place, &place.url)?;
    let mut next = configured.clone();
    for _ in 0..=MAX_REDIRECTS {
        let own = next.host == configured.host;
        let meant = address::Meant {
            literal: own,
            private: own && !place.root_certs.trim().is_empty(),
        };
        let response = ask(place, &next, meant, &tls).await?;
        let status = response.status();
        if status == StatusCode::OK {
            return body(response, &next.url).await;
        }
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        match location {
            Some(location) if status.is_redirection() => {
                let absolute = if location.starts_with('/') && !location.starts_with("//") {
                    format!("{}://{}{location}", next.scheme(), next.authority)
                } else {
                    location.to_owned()
                };
                next = target(place, &absolute)?;
            }
            _ => {
                return Err(FetchError::Status {
                    url: next.url,
                    status: status.as_u16(),
                });
            }
        }
    }
    Err(FetchError::Redirects {
        url: place.url.clone(),
    })
}

/// An address in its parts.
#[derive(Debug, Clone)]
struct Target {
    url: String,
    plain: bool,
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Target {
    fn scheme(&self) -> &'static str {
        if self.plain { "http" } else { "https" }
    }
}

fn target(place: &Place, url: &str) -> Result<Target, FetchError> {
    let wrong = |why| FetchError::Url {
        url: url.to_owned(),
        why,
    };
    let uri: Uri = url.parse().map_err(|_| wrong("it is no address"))?;
    let plain = match uri.scheme_str() {
        Some("https") => false,
        // Whoever skips the check of certificates trusts the way already.
        Some("http") if place.skip_verify => true,
        Some("http") => return Err(wrong("it is not protected; use https")),
        _ => return Err(wrong("it is no https address")),
    };
    let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it holds a user name"));
    }
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let usual = if plain { 80 } else { 443 };
    Ok(Target {
        url: url.to_owned(),
        plain,
        authority: authority.as_str().to_owned(),
        host,
        port: authority.port_u16().unwrap_or(usual),
        path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
    })
}

async fn ask(
    place: &Place,
    target: &Target,
    meant: address::Meant,
    tls: &tokio_rustls::TlsConnector,
) -> Result<http::Response<Incoming>, FetchError> {
    let failed = |why: String| FetchError::Connect {
        host: target.host.clone(),
        why,
    };
    let stream = connect::open(place, target, meant, tls).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(error.to_string()))?;
    // It ends with the sender or the answer's body.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::GET)
        .uri(&target.path)
        .header(HOST, &target.authority)
        .header(ACCEPT, "application/samlmetadata+xml, application/xml, text/xml")
        .header(USER_AGENT, "ucp-saml")
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(error.to_string()))?;
    sender
        .send_request(request)
        .await
        .map_err(|error| failed(error.to_string()))
}

async fn body(response: http::Response<Incoming>, url: &str) -> Result<Vec<u8>, FetchError> {
    match Limited::new(response.into_body(), MAX_METADATA_BYTES)
        .collect()
        .await
    {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge { url: url.to_owned() }),
        Err(error) => Err(FetchError::Connect {
            host: url.to_owned(),
            why: error.to_string(),
        }),
    }
}

/// The value of `Proxy-Authorization`.
fn basic(user: &str, password: &Secret) -> Secret {
    Secret::new(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{}", password.expose()))
    ))
}
