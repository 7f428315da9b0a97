//! Sends what waits: over one TCP connection with octet counting (RFC 6587), or in datagrams (RFC 5426).
//!
//! A message leaves the queue when the network has taken it. A target that fails is tried again with growing rests, and
//! what waits is kept meanwhile. Syslog has no receipts: what the network took from a connection that then broke may be
//! lost, which is reported and counted as a failure.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use mke_core::time::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::message::Origin;
use super::queue::Queue;
use super::target::{Protocol, Target};

/// Rest after the first failure; it doubles with each further one.
const FIRST_REST: Duration = Duration::from_millis(100);
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// For a connection to come about.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// For the other end to take one message.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Longest datagram: what every receiver should take (RFC 5426, section 3.2).
const MAX_DATAGRAM: usize = 8192;
/// Severity "warning".
const WARNING: u8 = 4;

/// Sends until it is dropped, always to the newest target.
pub(in super::super) async fn run(
    queue: Arc<Queue>,
    origin: Arc<Origin>,
    mut targets: watch::Receiver<Option<Target>>,
) {
    let mut sender = Sender {
        queue,
        origin,
        reported: 0,
        confessed: 0,
    };
    loop {
        let target = targets.borrow_and_update().clone();
        let changed = match target {
            None => {
                sender.report_dropped();
                targets.changed().await
            }
            Some(target) => tokio::select! {
                changed = targets.changed() => changed,
                never = sender.deliver(&target) => match never {},
            },
        };
        if changed.is_err() {
            return;
        }
    }
}

struct Sender {
    queue: Arc<Queue>,
    origin: Arc<Origin>,
    /// How many dropped messages were reported.
    reported: u64,
    /// How many of them the remote syslog was told of.
    confessed: u64,
}

/// Why sending stopped, and whether anything was sent before.
struct Failed {
    error: io::Error,
    worked: bool,
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self { error, worked: false }
    }
}

impl Sender {
    async fn deliver(&mut self, target: &Target) -> std::convert::Infallible {
        let mut rest = FIRST_REST;
        let mut reachable = true;
        loop {
            let failed = match target.protocol {
                Protocol::Tcp => self.stream(target, &mut reachable).await,
                Protocol::Udp => self.datagrams(target, &mut reachable).await,
            };
            self.queue.failures.fetch_add(1, Relaxed);
            if failed.worked {
                rest = FIRST_REST;
            }
            if reachable || failed.worked {
                tracing::warn!(
                    %target,
                    error = %failed.error,
                    "the remote syslog fails: messages wait here, and the last that were sent may be lost"
                );
                reachable = false;
            }
            self.report_dropped();
            sleep(rest).await;
            rest = (rest * 2).min(LONGEST_REST);
        }
    }

    /// How many messages were lost so far.
    fn lost(&self) -> u64 {
        let counts = self.queue.counts();
        counts.dropped + counts.refused
    }

    /// Says here how many messages were lost since it was last said.
    fn report_dropped(&mut self) {
        let lost = self.lost();
        let new = lost.saturating_sub(self.reported);
        if new > 0 {
            tracing::warn!(messages = new, "messages for the remote syslog were lost");
            self.reported = lost;
        }
    }

    /// The message that tells the remote syslog how many it missed since it was last told, and their number so far.
    fn confession(&self) -> Option<(Vec<u8>, u64)> {
        let lost = self.lost();
        let new = lost.saturating_sub(self.confessed);
        let text = format!(
            "{new} messages were lost before this one: they were not taken fast enough, or not at all"
        );
        let at = Timestamp::from(SystemTime::now());
        (new > 0).then(|| (self.origin.log(WARNING, at, &text), lost))
    }

    async fn stream(&mut self, target: &Target, reachable: &mut bool) -> Failed {
        let mut stream = match connect(target).await {
            Ok(stream) => stream,
            Err(error) => return error.into(),
        };
        let mut worked = false;
        let (mut reader, mut writer) = stream.split();
        let mut ignored = [0; 256];
        loop {
            let message = tokio::select! {
                // A syslog says nothing; what is read shows that it went away.
                read = reader.read(&mut ignored) => match read {
                    Ok(0) => return Failed { error: io::ErrorKind::UnexpectedEof.into(), worked },
                    Ok(_) => continue,
                    Err(error) => return Failed { error, worked },
                },
                message = self.queue.front() => message,
            };
            let confession = self.confession();
            let missed = confession.as_ref().map(|(text, _)| text.as_slice());
            for bytes in [missed, Some(&*message)].into_iter().flatten() {
                let mut frame = format!("{} ", bytes.len()).into_bytes();
                frame.extend_from_slice(bytes);
                let error = match timeout(WRITE_TIME, writer.write_all(&frame)).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => error,
                    Err(_) => io::ErrorKind::TimedOut.into(),
                };
                return Failed { error, worked };
            }
            self.taken(&message);
            if let Some((_, lost)) = confession {
                self.confessed = lost;
                self.report_dropped();
            }
            again(target, reachable);
            worked = true;
        }
    }

    async fn datagrams(&mut self, target: &Target, reachable: &mut bool) -> Failed {
        let socket = match bind(target).await {
            Ok(socket) => socket,
            Err(error) => return error.into(),
        };
        let mut worked = false;
        let mut ignored = [0; 256];
        loop {
            let message = tokio::select! {
                // Where nobody listens, the other machine says so when the datagram has arrived.
                received = socket.recv(&mut ignored) => match received {
                    Ok(_) => continue,
                    Err(error) => return self.refused(error, worked),
                },
                message = self.queue.front() => message,
            };
            let confession = self.confession();
            let missed = confession.as_ref().map(|(text, _)| text.as_slice());
            for bytes in [missed, Some(&*message)].into_iter().flatten() {
                let fitting = fitting(bytes);
                if fitting.len() < bytes.len() {
                    self.queue.cut.fetch_add(1, Relaxed);
                }
                if let Err(error) = socket.send(fitting).await {
                    return self.refused(error, worked);
                }
            }
            self.taken(&message);
            if let Some((_, lost)) = confession {
                self.confessed = lost;
                self.report_dropped();
            }
            again(target, reachable);
            worked = true;
        }
    }

    /// A refusal is about a datagram that went out before.
    fn refused(&self, error: io::Error, worked: bool) -> Failed {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.queue.refused.fetch_add(1, Relaxed);
        }
        Failed { error, worked }
    }

    fn taken(&self, message: &Arc<[u8]>) {
        self.queue.remove(message);
        self.queue.sent.fetch_add(1, Relaxed);
    }
}

fn again(target: &Target, reachable: &mut bool) {
    if !*reachable {
        tracing::info!(%target, "the remote syslog takes messages again");
        *reachable = true;
    }
}

/// As much as one datagram holds, not broken within a character.
fn fitting(message: &[u8]) -> &[u8] {
    let mut end = message.len().min(MAX_DATAGRAM);
    while end < message.len() && message.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
        end -= 1;
    }
    message.get(..end).unwrap_or(message)
}

async fn connect(target: &Target) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((target.host.as_str(), target.port));
    let stream = timeout(CONNECT_TIME, stream)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn bind(target: &Target) -> io::Result<UdpSocket> {
    let addresses = timeout(CONNECT_TIME, lookup_host((target.host.as_str(), target.port)))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let mut failed = io::Error::other("the name has no address");
    for address in addresses {
        let own: SocketAddr = match address {
            SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(own).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_end_between_characters() {
        assert_eq!(fitting(b"short"), b"short");
        let ascii = vec![b'a'; MAX_DATAGRAM + 1];
        assert_eq!(fitting(&ascii).len(), MAX_DATAGRAM);
        let wide = "\u{20ac}".repeat(MAX_DATAGRAM);
        assert!(std::str::from_utf8(fitting(wide.as_bytes())).is_ok());
    }
}
