//! Range reads: order, pages, prefixes, and what an entry says about its past.

use super::{Shared, Tested, commit, get, keys, revision};
use crate::store::{KeyRange, Revision, Store, StoreError, Txn};

/// All of this module.
///
/// # Errors
///
/// Any unexpected error of the store.
pub async fn run(fresh: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    empty(&*fresh().await?).await?;
    pages_in_byte_order(&*fresh().await?).await?;
    prefixes(&*fresh().await?).await?;
    an_entry_knows_its_past(&*fresh().await?).await
}

/// A new store has no keys and no revisions.
async fn empty(store: &dyn Store) -> Tested {
    let page = store.range(KeyRange::prefix(""), 10).await?;
    assert_eq!(
        (page.entries.len(), page.more, page.revision),
        (0, false, Revision(0))
    );
    Ok(())
}

/// Keys come in byte order, in pages of the asked size, each key once.
async fn pages_in_byte_order(store: &dyn Store) -> Tested {
    let ordered = ["A", "a", "a\0", "a/", "a/b", "aa", "z", "é", "日本", "\u{10ffff}"];
    let mut txn = Txn::new();
    for key in ordered.iter().rev() {
        txn = txn.put(*key, key.as_bytes());
    }
    let revision = commit(store, txn).await?;
    for limit in [1, 3, ordered.len() - 1, ordered.len(), usize::MAX] {
        let mut seen = Vec::new();
        let mut range = KeyRange::prefix("");
        loop {
            let page = store.range(range.clone(), limit).await?;
            assert!(page.entries.len() <= limit, "a page holds at most {limit}");
            assert_eq!(page.revision, revision);
            assert!(
                page.entries
                    .iter()
                    .all(|entry| entry.value == entry.key.as_bytes())
            );
            seen.extend(page.entries.into_iter().map(|entry| entry.key));
            assert_eq!(page.more, seen.len() < ordered.len(), "after {seen:?}");
            let (true, Some(last)) = (page.more, seen.last()) else {
                break;
            };
            range = range.after(last);
        }
        assert_eq!(seen, ordered, "in pages of {limit}");
    }
    let none = store.range(KeyRange::prefix(""), 0).await?;
    assert_eq!(
        (none.entries.len(), none.more),
        (0, true),
        "a limit of nothing still tells that there is more"
    );
    Ok(())
}

/// A prefix takes what starts with it and nothing beside it, also at the ends of the character set.
async fn prefixes(store: &dyn Store) -> Tested {
    let all = [
        "o",
        "p",
        "p/",
        "p/x",
        "p0",
        "p\u{d7ff}",
        "p\u{e000}",
        "p\u{10ffff}",
        "p\u{10ffff}x",
        "q",
        "\u{10ffff}",
    ];
    commit(store, all.iter().fold(Txn::new(), |txn, key| txn.put(*key, ""))).await?;
    for prefix in [
        "",
        "p",
        "p/",
        "p/x",
        "p\u{d7ff}",
        "p\u{10ffff}",
        "\u{10ffff}",
        "\u{10ffff}\u{10ffff}",
        "r",
        "p/y",
    ] {
        let expected: Vec<_> = all.into_iter().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(
            keys(store, KeyRange::prefix(prefix)).await?,
            expected,
            "prefix {prefix:?}"
        );
    }
    assert_eq!(
        keys(store, KeyRange::key("p")).await?,
        ["p"],
        "one key is not a prefix"
    );
    Ok(())
}

/// Created, modified and version count from the making of the key, and start anew after a deletion.
async fn an_entry_knows_its_past(store: &dyn Store) -> Tested {
    let first = commit(store, Txn::new().put("k", "1")).await?;
    commit(store, Txn::new().put("other", "")).await?;
    let second = commit(store, Txn::new().put("k", "1")).await?;
    assert!(second > first, "writing the same value is a change");
    let past = async || {
        let entry = get(store, "k").await?;
        Ok::<_, StoreError>(entry.map(|entry| (entry.created, entry.modified, entry.version)))
    };
    assert_eq!(past().await?, Some((first, second, 2)));
    let deleted = commit(store, Txn::new().delete("k")).await?;
    assert_eq!(past().await?, None);
    assert_eq!(revision(store).await?, deleted, "a deletion takes a revision");
    let third = commit(store, Txn::new().put("k", "")).await?;
    assert_eq!(past().await?, Some((third, third, 1)));
    assert_eq!(
        get(store, "k").await?.map(|entry| entry.value),
        Some(Vec::new()),
        "empty is a value"
    );
    Ok(())
}
