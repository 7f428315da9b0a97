//! Watches: one stream of etcd behind each, taken up again at the next member where the last one broke off.
//!
//! Etcd sends the events of a transaction in one answer, whole; an answer may hold several transactions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use etcd_client::{EventType, GetOptions, WatchOptions, WatchResponse};
use futures_core::Stream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Core;
use super::error::Failure;
use super::keys::{Span, entry, from_etcd, key_of, to_etcd};
use super::members::{Member, pause};
use crate::store::{Event, KeyRange, Revision, StoreError, WatchBatch};

/// Transactions that may wait for a reader; then etcd keeps them.
const AHEAD: usize = 64;

type Item = Result<WatchBatch, StoreError>;

/// The reader's end.
pub(super) struct Watch(mpsc::Receiver<Item>);

impl Stream for Watch {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_recv(cx)
    }
}

/// Where a watch is. INVARIANT(no-gap, no-repeat): everything before `next` was handed out, nothing from it on.
struct Follow {
    core: Arc<Core>,
    span: Span,
    /// Etcd's revision that is wanted next.
    next: i64,
    out: mpsc::Sender<Item>,
}

/// Why one stream of etcd is read no more.
enum End {
    /// Nobody reads the watch any more, or the store was closed.
    Over,
    /// It broke; another may go on.
    Broken(String),
}

/// Begins a watch.
pub(super) async fn begin(core: Arc<Core>, range: KeyRange, from: Revision) -> Result<Watch, StoreError> {
    let span = Span::of(&range).unwrap_or_else(Span::nothing);
    // Revisions of the store start at 1.
    let next = to_etcd(from.max(Revision(1)));
    let (out, reader) = mpsc::channel(AHEAD);
    let follow = Follow {
        core,
        span,
        next,
        out,
    };
    if let Some(oldest) = follow.compacted().await? {
        return Err(StoreError::Compacted { asked: from, oldest });
    }
    tokio::spawn(follow.run());
    Ok(Watch(reader))
}

impl Follow {
    /// The oldest revision that can be watched from, when that is later than the wanted one.
    ///
    /// Etcd tells a new watch only some time later that it comes too late, so the question is asked with a read.
    async fn compacted(&self) -> Result<Option<Revision>, StoreError> {
        // Compaction at a revision drops deletions made at it, so the one before must be there still.
        let before = self.next - 1;
        let options = GetOptions::new().with_revision(before).with_count_only();
        let asked = self.core.members.ask(|client| {
            let options = options.clone();
            async move { client.kv_client().get(Span::nothing().start, Some(options)).await }
        });
        match asked.await {
            Ok(_) | Err(Failure::Future) => return Ok(None),
            Err(Failure::Compacted) => {}
            Err(failure) => return Err(failure.give_up(false)),
        }
        // Only a watch is told how far.
        let deadline = self.core.members.deadline();
        loop {
            let (index, member) = self.core.members.current();
            let told = timeout(self.core.members.attempt(), async {
                let mut stream = self.open(&member).await?;
                loop {
                    match stream.message().await {
                        Ok(Some(told)) if told.canceled() && told.compact_revision() > 0 => {
                            return Ok(told.compact_revision());
                        }
                        Ok(Some(told)) if !told.canceled() => {}
                        Ok(_) => return Err("the watch ended".to_owned()),
                        Err(error) => return Err(error.to_string()),
                    }
                }
            });
            let why = match told.await {
                Ok(Ok(compacted)) => return Ok(Some(from_etcd(compacted + 1))),
                Ok(Err(why)) => why,
                Err(_) => "no answer in time".to_owned(),
            };
            self.core.members.leave(index);
            if tokio::time::Instant::now() >= deadline {
                return Err(StoreError::Unavailable(format!("etcd at {}: {why}", member.url)));
            }
            pause().await;
        }
    }

    async fn open(&self, member: &Member) -> Result<etcd_client::WatchStream, String> {
        let options = WatchOptions::new()
            .with_range(self.span.end.clone())
            .with_start_revision(self.next - 1);
        // An answer holds up to a thousand transactions, each of any size that was accepted.
        let mut client = member.client.watch_client().max_decoding_message_size(usize::MAX);
        let opened = client.watch(self.span.start.clone(), Some(options)).await;
        opened.map_err(|error| error.to_string())
    }

    async fn run(mut self) {
        let mut closed = self.core.closed.subscribe();
        let out = self.out.clone();
        let mut quiet = false;
        loop {
            let ended = tokio::select! {
                _ = closed.wait_for(|closed| *closed) => End::Over,
                () = out.closed() => End::Over,
                ended = self.one_stream() => ended,
            };
            match ended {
                End::Over => return,
                End::Broken(why) => {
                    if !quiet {
                        tracing::info!(%why, "a watch of etcd broke off and goes on elsewhere");
                    }
                    quiet = true;
                    pause().await;
                }
            }
        }
    }

    /// Reads one stream until it ends.
    async fn one_stream(&mut self) -> End {
        let mut moved = self.core.members.moved();
        moved.mark_unchanged();
        let (index, member) = self.core.members.current();
        let mut stream = match timeout(self.core.members.attempt(), self.open(&member)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => {
                self.core.members.leave(index);
                return End::Broken(why);
            }
            Err(_) => {
                self.core.members.leave(index);
                return End::Broken(format!("{} does not answer", member.url));
            }
        };
        loop {
            let message = tokio::select! {
                // Who asks found that this member does not answer.
                _ = moved.changed() => return End::Broken(format!("{} was left", member.url)),
                message = stream.message() => message,
            };
            let why = match message {
                Ok(Some(told)) => match self.take(&told).await {
                    Ok(true) => continue,
                    Ok(false) => told.cancel_reason().to_owned(),
                    Err(End::Over) => return End::Over,
                    Err(End::Broken(why)) => why,
                },
                Ok(None) => format!("{} ended the watch", member.url),
                Err(error) => error.to_string(),
            };
            self.core.members.leave(index);
            return End::Broken(why);
        }
    }

    /// Hands out what an answer holds; false when it is the last of its stream.
    async fn take(&mut self, told: &WatchResponse) -> Result<bool, End> {
        if told.canceled() {
            if told.compact_revision() > 0 {
                let compacted = StoreError::Compacted {
                    asked: from_etcd(self.next),
                    oldest: from_etcd(told.compact_revision() + 1),
                };
                return self.last(compacted).await;
            }
            return Ok(false);
        }
        let mut batches: Vec<(i64, WatchBatch)> = Vec::new();
        for event in told.events() {
            let Some(kv) = event.kv() else { continue };
            let at = kv.mod_revision();
            if at < self.next {
                continue;
            }
            let event = match event.event_type() {
                EventType::Put => entry(kv).map(Event::Put),
                EventType::Delete => key_of(kv).map(|key| Event::Delete {
                    key,
                    revision: from_etcd(at),
                }),
            };
            let event = match event {
                Ok(event) => event,
                Err(error) => return self.last(error).await,
            };
            match batches.last_mut() {
                Some((last, batch)) if *last == at => batch.events.push(event),
                _ => batches.push((
                    at,
                    WatchBatch {
                        revision: from_etcd(at),
                        events: vec![event],
                    },
                )),
            }
        }
        for (at, batch) in batches {
            self.out.send(Ok(batch)).await.map_err(|_| End::Over)?;
            self.next = at + 1;
        }
        Ok(true)
    }

    /// Ends the watch with an error.
    async fn last(&self, error: StoreError) -> Result<bool, End> {
        let _told = self.out.send(Err(error)).await;
        Err(End::Over)
    }
}
