//! One connection to a directory server: it is opened, becomes TLS where it must, binds, and asks one thing at a
//! time.
//!
//! Memory is bounded: entries are handed on one by one while they arrive, and a message beyond
//! [`MAX_MESSAGE_BYTES`] ends the connection. Every wait has a limit. A connection whose settings ask for TLS
//! never sends or believes anything outside of it but the request to begin (ldap-07).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use mke_core::secret::Secret;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ber::{self, BerError};
use super::message::{self, Answer, Entry, Outcome, Search};
use crate::ldap::error::LdapError;
use crate::ldap::settings::Server;

/// Longest message that is read: room for a group of half a million members.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// How long opening a connection, its handshake and a bind may take, each.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may be silent within an answer.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// Result codes that mean more than failure (RFC 4511 appendix A).
const SUCCESS: u32 = 0;
const PROTOCOL_ERROR: u32 = 2;
const REFERRAL: u32 = 10;
const INVALID_CREDENTIALS: u32 = 49;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// A connection that is ready for requests.
pub(crate) struct Connection {
    server: Arc<Server>,
    stream: Stream,
    /// What came from the server; `start` says where what was not looked at yet begins.
    input: Vec<u8>,
    start: usize,
    last_id: u32,
}

/// How one page of a search ended.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Asks for the next page; empty after the last.
    pub(crate) cookie: Vec<u8>,
    /// Each answers for a part of the tree that this server does not hold.
    pub(crate) references: Vec<Vec<String>>,
}

/// What the server takes us for after a bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhoAmI {
    /// It does not say.
    Unsupported,
    /// Nobody in particular.
    Anonymous,
    /// The entry with this DN.
    Dn(String),
    /// Somebody, by another kind of name.
    Other,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.server.to_string())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Opens a connection, in TLS if the settings of the server say so.
    pub(crate) async fn open(server: &Arc<Server>) -> Result<Self, LdapError> {
        let unreachable = |source: io::Error| LdapError::Unreachable {
            server: server.to_string(),
            source,
        };
        let address = (server.address.host.as_str(), server.address.port);
        let stream = timeout(OPEN_TIMEOUT, TcpStream::connect(address))
            .await
            .map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?
            .map_err(unreachable)?;
        // Requests are single small writes; waiting to fill a segment would only delay them.
        stream.set_nodelay(true).map_err(unreachable)?;
        let mut connection = Self {
            server: Arc::clone(server),
            stream: Stream::Plain(stream),
            input: Vec::with_capacity(READ_BYTES),
            start: 0,
            last_id: 0,
        };
        if server.address.tls {
            connection.handshake().await
        } else if server.start_tls {
            connection.start_tls().await?;
            connection.handshake().await
        } else {
            Ok(connection)
        }
    }

    async fn start_tls(&mut self) -> Result<(), LdapError> {
        let outcome = timeout(OPEN_TIMEOUT, self.extended(message::START_TLS, |_| Ok(())))
            .await
            .map_err(|_| self.silent("StartTLS"))??;
        if outcome.code != SUCCESS {
            return Err(self.refused("StartTLS", outcome));
        }
        // Whoever stands between could have put an answer there that would then count as the server's.
        if self.start < self.input.len() {
            return Err(LdapError::Injected {
                server: self.server.to_string(),
            });
        }
        Ok(())
    }

    async fn handshake(self) -> Result<Self, LdapError> {
        let failed = |source: io::Error| LdapError::Tls {
            server: self.server.to_string(),
            source,
        };
        let name = ServerName::try_from(self.server.address.host.clone())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let Stream::Plain(stream) = self.stream else {
            return Ok(self);
        };
        let connector = TlsConnector::from(Arc::clone(&self.server.tls));
        let stream = timeout(OPEN_TIMEOUT, connector.connect(name, stream))
            .await
            .map_err(|_| failed(io::ErrorKind::TimedOut.into()))?
            .map_err(failed)?;
        Ok(Self {
            stream: Stream::Tls(Box::new(stream)),
            input: Vec::with_capacity(READ_BYTES),
            start: 0,
            server: self.server,
            last_id: self.last_id,
        })
    }

    /// Binds with a name and a password: whether they are right.
    ///
    /// Neither may be empty: the server would say yes to anybody (RFC 4513 section 5.1.2, ldap-01).
    pub(crate) async fn bind(&mut self, name: &str, password: &Secret) -> Result<bool, LdapError> {
        if name.is_empty() || password.is_empty() {
            return Ok(false);
        }
        let id = self.next_id();
        self.send(&message::bind(id, name, password)).await?;
        let outcome = timeout(OPEN_TIMEOUT, self.outcome(id, message::BIND_RESPONSE, |_| Ok(())))
            .await
            .map_err(|_| self.silent("the bind"))??;
        match outcome.code {
            SUCCESS => Ok(true),
            INVALID_CREDENTIALS => Ok(false),
            _ => Err(self.refused("the bind", outcome)),
        }
    }

    /// Whom the server takes us for.
    pub(crate) async fn who_am_i(&mut self) -> Result<WhoAmI, LdapError> {
        let mut name = None;
        let outcome = timeout(
            OPEN_TIMEOUT,
            self.extended(message::WHO_AM_I, |response| {
                name = Some(String::from_utf8(response.to_vec()).map_err(|_| BerError::Text)?);
                Ok(())
            }),
        )
        .await
        .map_err(|_| self.silent("Who am I"))??;
        if outcome.code != SUCCESS {
            return Ok(WhoAmI::Unsupported);
        }
        Ok(match name.as_deref() {
            // Success without a name is what a server says to somebody without one.
            None | Some("") => WhoAmI::Anonymous,
            Some(name) => match name.strip_prefix("dn:") {
                Some("") => WhoAmI::Anonymous,
                Some(dn) => WhoAmI::Dn(dn.to_owned()),
                None => WhoAmI::Other,
            },
        })
    }

    /// Asks for one page of a search, or for everything when `page` is `None`, and hands the entries on.
    pub(crate) async fn search<F>(
        &mut self,
        search: &Search<'_>,
        page: Option<(u32, &[u8])>,
        on_entry: &mut F,
    ) -> Result<Page, LdapError>
    where
        F: FnMut(Entry<'_>) -> Result<(), LdapError>,
    {
        let id = self.next_id();
        self.send(&message::search(id, search, page)).await?;
        let mut done = Page::default();
        loop {
            let end = self.receive().await?;
            let server = &self.server;
            let malformed = |source| LdapError::Malformed {
                server: server.to_string(),
                source,
            };
            let bytes = self.input.get(self.start..end).unwrap_or_default();
            let mut answer = Answer::read(bytes).map_err(malformed)?;
            if answer.id != id {
                return Err(if answer.id == 0 {
                    self.closed()
                } else {
                    self.unexpected()
                });
            }
            match answer.operation {
                message::ENTRY => on_entry(Entry::read(answer.content).map_err(malformed)?)?,
                message::REFERENCE => {
                    done.references
                        .push(message::reference(answer.content).map_err(malformed)?);
                }
                message::SEARCH_DONE => {
                    let outcome = Outcome::read(&mut answer.content).map_err(malformed)?;
                    answer.content.end().map_err(malformed)?;
                    let cookie = answer.cookie().map_err(malformed)?.map(<[u8]>::to_vec);
                    self.start = end;
                    match outcome.code {
                        SUCCESS => {}
                        REFERRAL => {
                            done.references.push(outcome.referrals);
                            return Ok(done);
                        }
                        _ => {
                            return Err(self.refused(&format!("the search below `{}`", search.base), outcome));
                        }
                    }
                    if page.is_some() {
                        // Without a word about pages nobody knows whether that was all.
                        done.cookie = cookie.ok_or_else(|| LdapError::NoPages {
                            server: self.server.to_string(),
                        })?;
                    }
                    return Ok(done);
                }
                _ => return Err(self.unexpected()),
            }
            self.start = end;
        }
    }

    /// Says goodbye. Nothing depends on whether it is heard.
    pub(crate) async fn close(mut self) {
        let id = self.next_id();
        let goodbye = message::unbind(id);
        let farewell = async {
            self.stream.write_all(&goodbye).await?;
            self.stream.shutdown().await
        };
        // Whether or not the server is still there: the connection ends here.
        let _ = timeout(Duration::from_secs(1), farewell).await;
    }

    async fn extended(
        &mut self,
        oid: &str,
        on_response: impl FnMut(&[u8]) -> Result<(), BerError>,
    ) -> Result<Outcome, LdapError> {
        let id = self.next_id();
        self.send(&message::extended(id, oid)).await?;
        let mut on_response = on_response;
        let mut outcome = self
            .outcome(id, message::EXTENDED_RESPONSE, |content| {
                content.optional(0x8a)?;
                if let Some(response) = content.optional(0x8b)? {
                    on_response(response)?;
                }
                Ok(())
            })
            .await?;
        // A referral would lead away from what was asked.
        if outcome.code == REFERRAL {
            outcome.code = PROTOCOL_ERROR;
        }
        Ok(outcome)
    }

    /// The answer to an operation that has just one.
    async fn outcome(
        &mut self,
        id: u32,
        operation: u8,
        read_more: impl FnOnce(&mut ber::Reader<'_>) -> Result<(), BerError>,
    ) -> Result<Outcome, LdapError> {
        let end = self.receive().await?;
        let bytes = self.input.get(self.start..end).unwrap_or_default();
        let malformed = |source| LdapError::Malformed {
            server: self.server.to_string(),
            source,
        };
        let mut answer = Answer::read(bytes).map_err(malformed)?;
        if answer.id == 0 {
            return Err(self.closed());
        }
        if answer.id != id || answer.operation != operation {
            return Err(self.unexpected());
        }
        let outcome = Outcome::read(&mut answer.content).map_err(malformed)?;
        // Server credentials of a bind may follow; they mean nothing to a simple one.
        answer.content.optional(0x87).map_err(malformed)?;
        read_more(&mut answer.content).map_err(malformed)?;
        answer.content.end().map_err(malformed)?;
        self.start = end;
        Ok(outcome)
    }

    fn next_id(&mut self) -> u32 {
        // From 1 to 2³¹ - 1; 0 belongs to the server.
        self.last_id = (self.last_id % 0x7fff_ffff) + 1;
        self.last_id
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), LdapError> {
        let sent = async {
            self.stream.write_all(message).await?;
            self.stream.flush().await
        };
        match timeout(SILENCE_TIMEOUT, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(LdapError::Lost {
                server: self.server.to_string(),
                source,
            }),
            Err(_) => Err(self.silent("a request")),
        }
    }

    /// Waits until a whole message lies at `start`, and says where it ends.
    async fn receive(&mut self) -> Result<usize, LdapError> {
        loop {
            let waiting = self.input.get(self.start..).unwrap_or_default();
            if let Some(first) = waiting.first()
                && *first != ber::SEQUENCE
            {
                return Err(LdapError::Malformed {
                    server: self.server.to_string(),
                    source: BerError::Tag {
                        found: *first,
                        expected: ber::SEQUENCE,
                    },
                });
            }
            let header = ber::header(waiting).map_err(|source| LdapError::Malformed {
                server: self.server.to_string(),
                source,
            })?;
            if let Some((header, length)) = header {
                if length > MAX_MESSAGE_BYTES {
                    return Err(LdapError::TooLong {
                        server: self.server.to_string(),
                        found: length,
                        max: MAX_MESSAGE_BYTES,
                    });
                }
                if waiting.len() >= header + length {
                    return Ok(self.start + header + length);
                }
            }
            self.fill().await?;
        }
    }

    /// Reads what the server sends, at least one octet. Room grows with what has come, not with what is announced.
    async fn fill(&mut self) -> Result<(), LdapError> {
        if self.start > 0 {
            self.input.drain(..self.start);
            self.start = 0;
        }
        self.input.reserve(READ_BYTES);
        match timeout(SILENCE_TIMEOUT, self.stream.read_buf(&mut self.input)).await {
            Ok(Ok(0)) => Err(self.closed()),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(source)) => Err(LdapError::Lost {
                server: self.server.to_string(),
                source,
            }),
            Err(_) => Err(self.silent("an answer")),
        }
    }

    fn closed(&self) -> LdapError {
        LdapError::Lost {
            server: self.server.to_string(),
            source: io::ErrorKind::UnexpectedEof.into(),
        }
    }

    fn silent(&self, what: &str) -> LdapError {
        LdapError::Lost {
            server: self.server.to_string(),
            source: io::Error::new(io::ErrorKind::TimedOut, format!("no word about {what} in time")),
        }
    }

    fn unexpected(&self) -> LdapError {
        LdapError::Unexpected {
            server: self.server.to_string(),
        }
    }

    fn refused(&self, what: &str, outcome: Outcome) -> LdapError {
        LdapError::Refused {
            server: self.server.to_string(),
            what: what.to_owned(),
            code: outcome.code,
            meaning: super::super::error::meaning(outcome.code),
            message: outcome.message,
        }
    }
}
