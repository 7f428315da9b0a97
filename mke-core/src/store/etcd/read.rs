//! Range reads: as many requests as it takes, all at the revision of the first.

use etcd_client::GetOptions;

use super::Core;
use super::error::Failure;
use super::keys::{Span, entry, from_etcd};
use crate::store::{KeyRange, Page, StoreError};

/// Entries asked for at once. Records are about a kilobyte, so an answer is about one megabyte.
const CHUNK: usize = 1000;

/// How often a read may begin anew because its revision was compacted away under it.
const BEGINNINGS: usize = 5;

fn no_header() -> Failure {
    Failure::Unknown("etcd gave an answer without a revision".to_owned())
}

/// Reads a page.
pub(super) async fn range(core: &Core, range: KeyRange, limit: usize) -> Result<Page, StoreError> {
    let mut failure = Failure::Compacted;
    for _ in 0..BEGINNINGS {
        match read(core, &range, limit).await? {
            Ok(page) => return Ok(page),
            Err(again @ Failure::Compacted) => failure = again,
            Err(other) => return Err(other.give_up(false)),
        }
    }
    Err(failure.give_up(false))
}

/// The outer error is about what is stored, the inner one about the request.
async fn read(core: &Core, range: &KeyRange, limit: usize) -> Result<Result<Page, Failure>, StoreError> {
    let span = Span::of(range).unwrap_or_else(Span::nothing);
    if limit == 0 {
        let options = || Some(GetOptions::new().with_range(span.end.clone()).with_count_only());
        let asked = core.members.ask(|client| {
            let (start, options) = (span.start.clone(), options());
            async move { client.kv_client().get(start, options).await }
        });
        return Ok(match asked.await {
            Ok(got) => got.header().ok_or_else(no_header).map(|header| Page {
                entries: Vec::new(),
                more: got.count() > 0,
                revision: from_etcd(header.revision()),
            }),
            Err(failure) => Err(failure),
        });
    }
    let mut entries = Vec::new();
    let (mut start, mut at, mut chunk) = (span.start.clone(), 0, CHUNK);
    loop {
        let wanted = chunk.min(limit - entries.len());
        let options = GetOptions::new()
            .with_range(span.end.clone())
            .with_limit(i64::try_from(wanted).unwrap_or(i64::MAX))
            .with_revision(at);
        let asked = core.members.ask(|client| {
            let (start, options) = (start.clone(), options.clone());
            async move { client.kv_client().get(start, Some(options)).await }
        });
        let got = match asked.await {
            Ok(got) => got,
            // Few large values: fewer at once, down to one.
            Err(Failure::TooMuch) if chunk > 1 => {
                chunk = (wanted / 2).max(1);
                continue;
            }
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(header) = got.header() else {
            return Ok(Err(no_header()));
        };
        if at == 0 {
            at = header.revision();
        }
        for kv in got.kvs() {
            entries.push(entry(kv)?);
        }
        if let (true, true, Some(last)) = (got.more(), entries.len() < limit, got.kvs().last()) {
            start = [last.key(), b"\0"].concat();
            continue;
        }
        return Ok(Ok(Page {
            entries,
            more: got.more(),
            revision: from_etcd(at),
        }));
    }
}
