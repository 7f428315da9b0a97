//! Carries bytes both ways once both ends have left HTTP: attach, exec, build sessions.
//!
//! It knows nothing of what the bytes mean. One end that has no more to say is passed on as such while the other
//! goes on, because `docker run -i` and `docker cp` end their input and still want the output. A tunnel ends when
//! the engine has closed its side, when the caller's credential dies, or when nothing moves for too long.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Bytes moved at once. A terminal needs few, a build context many.
const CHUNK: usize = 32 * 1024;

/// Why a tunnel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The engine had no more to say.
    Finished,
    /// An end broke off.
    Broken,
    /// The credential that opened it is no longer valid (authn-04, proxy-09).
    Revoked,
    /// Nothing moved in either direction for the idle limit.
    Idle,
}

/// Moves bytes between the caller and the engine until one of the reasons in [`Ended`].
pub(crate) async fn carry<C, E>(client: C, engine: E, idle: Duration, revoked: &CancellationToken) -> Ended
where
    C: AsyncRead + AsyncWrite + Unpin,
    E: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Activity::new();
    let (mut client_reads, mut client_writes) = tokio::io::split(client);
    let (mut engine_reads, mut engine_writes) = tokio::io::split(engine);
    let upward = async {
        match pump(&mut client_reads, &mut engine_writes, &activity).await {
            // The engine decides when it is over, also after the caller's input has ended.
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    let downward = pump(&mut engine_reads, &mut client_writes, &activity);
    tokio::select! {
        // Output that is there is delivered before anything else is looked at.
        biased;
        done = downward => match done {
            Ok(()) => Ended::Finished,
            Err(error) => broken(&error),
        },
        error = upward => broken(&error),
        () = revoked.cancelled() => Ended::Revoked,
        () = activity.idle_for(idle) => Ended::Idle,
    }
}

fn broken(error: &io::Error) -> Ended {
    tracing::debug!(%error, "a tunnel to the engine broke off");
    Ended::Broken
}

/// Copies until the reader has no more, then tells the writer so.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    activity: &Activity,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..read]).await?;
        to.flush().await?;
        activity.touch();
    }
}

/// When bytes last moved.
struct Activity {
    start: Instant,
    last_millis: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            last_millis: AtomicU64::new(0),
        }
    }

    fn touch(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    async fn idle_for(&self, limit: Duration) {
        loop {
            let last = Duration::from_millis(self.last_millis.load(Ordering::Relaxed));
            let deadline = self.start + last + limit;
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    const LONG: Duration = Duration::from_secs(3600);

    /// proxy-09: input may end first; the output that follows still arrives.
    #[tokio::test]
    async fn input_ends_before_output() {
        let (mut caller, client) = duplex(64);
        let (engine, mut daemon) = duplex(64);
        let token = CancellationToken::new();
        let tunnel = carry(client, engine, LONG, &token);
        let talk = async {
            caller.write_all(b"question").await.unwrap();
            caller.shutdown().await.unwrap();
            let mut heard = Vec::new();
            daemon.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, b"question");
            daemon.write_all(b"answer").await.unwrap();
            drop(daemon);
            let mut told = Vec::new();
            caller.read_to_end(&mut told).await.unwrap();
            assert_eq!(told, b"answer");
        };
        let (ended, ()) = tokio::join!(tunnel, talk);
        assert_eq!(ended, Ended::Finished);
    }

    /// authn-04, proxy-09: a tunnel does not outlive its credential.
    #[tokio::test]
    async fn sec_proxy_09_revocation_cuts() {
        let (mut caller, client) = duplex(64);
        let (engine, _daemon) = duplex(64);
        let token = CancellationToken::new();
        token.cancel();
        assert_eq!(carry(client, engine, LONG, &token).await, Ended::Revoked);
        assert_eq!(caller.read(&mut [0; 8]).await.unwrap(), 0);
    }

    /// proxy-09: a tunnel in which nothing moves ends.
    #[tokio::test(start_paused = true)]
    async fn sec_proxy_09_idle_cuts() {
        let (mut caller, client) = duplex(64);
        let (engine, _daemon) = duplex(64);
        let token = CancellationToken::new();
        let started = Instant::now();
        let tunnel = carry(client, engine, LONG, &token);
        let talk = async {
            sleep_until(started + LONG / 2).await;
            caller.write_all(b"still here").await.unwrap();
        };
        let (ended, ()) = tokio::join!(tunnel, talk);
        assert_eq!(ended, Ended::Idle);
        assert!(started.elapsed() >= LONG + LONG / 2);
    }
}
