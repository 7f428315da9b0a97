//! A list of one node that is kept until an event of its engine says that it changed.
//!
//! Readers of a list that is being fetched wait for that one fetch. What changes while it is fetched is fetched again by
//! the next reader. All lists of all nodes together have a limit; what does not fit is fetched anew for each reader.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::EngineError;

/// More changed objects than this are fetched with the whole list.
const MAX_SINGLE: usize = 16;

/// Bytes that all kept lists may take together.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    max: usize,
}

impl Budget {
    /// At most so many bytes.
    pub fn new(max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            max,
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|all| *all <= self.max)
            });
        taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What changed since a list was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Changed {
    Everything,
    Only(BTreeSet<String>),
}

/// What is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// The list.
    Whole,
    /// These objects by their ids; those that are gone are not in the answer.
    Only(Vec<String>),
}

/// One kept list.
#[derive(Debug)]
pub struct Kept<T> {
    inner: Mutex<Inner<T>>,
    one_at_a_time: tokio::sync::Mutex<()>,
    budget: Arc<Budget>,
    max_age: Duration,
}

#[derive(Debug)]
struct Inner<T> {
    list: Option<Arc<Vec<Arc<T>>>>,
    bytes: usize,
    fetched: Option<Instant>,
    changed: Changed,
    watched: bool,
}

impl<T> Kept<T> {
    /// Nothing is known yet.
    pub fn new(budget: Arc<Budget>, max_age: Duration) -> Self {
        Self {
            inner: Mutex::new(Inner {
                list: None,
                bytes: 0,
                fetched: None,
                changed: Changed::Everything,
                watched: false,
            }),
            one_at_a_time: tokio::sync::Mutex::default(),
            budget,
            max_age,
        }
    }

    /// Events arrive from now on, or do not arrive any more. Either way something may have been missed.
    pub fn watched(&self, watched: bool) {
        let mut inner = self.lock();
        inner.watched = watched;
        inner.changed = Changed::Everything;
    }

    /// One object changed, came or went.
    pub fn touch(&self, id: &str) {
        let mut inner = self.lock();
        if let Changed::Only(ids) = &mut inner.changed {
            ids.insert(id.to_owned());
            if ids.len() > MAX_SINGLE {
                inner.changed = Changed::Everything;
            }
        }
    }

    /// Anything may have changed.
    pub fn touch_all(&self) {
        self.lock().changed = Changed::Everything;
    }

    /// What was seen last, however long ago.
    pub fn last(&self) -> Option<Arc<Vec<Arc<T>>>> {
        self.lock().list.clone()
    }

    /// The list as it is. `fetch` asks the engine; `id_of` tells objects apart, `bytes_of` says what one takes.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub async fn read<F>(
        &self,
        fetch: impl Fn(Fetch) -> F,
        id_of: impl Fn(&T) -> &str,
        bytes_of: impl Fn(&T) -> usize,
    ) -> Result<Arc<Vec<Arc<T>>>, EngineError>
    where
        F: Future<Output = Result<Vec<T>, EngineError>>,
    {
        let _one = self.one_at_a_time.lock().await;
        let (wanted, before) = {
            let mut inner = self.lock();
            let old = inner
                .fetched
                .is_none_or(|fetched| fetched.elapsed() >= self.max_age);
            let wanted = match (&inner.list, &inner.changed) {
                (Some(list), Changed::Only(ids)) if ids.is_empty() && inner.watched && !old => {
                    return Ok(list.clone());
                }
                (Some(_), Changed::Only(ids)) if inner.watched && !old => {
                    Fetch::Only(ids.iter().cloned().collect())
                }
                _ => Fetch::Whole,
            };
            // From here on a change is one that the fetch may not see.
            inner.changed = Changed::Only(BTreeSet::new());
            (wanted, inner.list.clone().unwrap_or_default())
        };
        // Also when the reader goes away half-way.
        let mut unfinished = Unfinished(Some(self));
        let fetched = fetch(wanted.clone()).await?;
        unfinished.0 = None;
        let list: Vec<Arc<T>> = match &wanted {
            Fetch::Whole => fetched.into_iter().map(Arc::new).collect(),
            Fetch::Only(ids) => {
                let others = before
                    .iter()
                    .filter(|item| !ids.iter().any(|id| id == id_of(item)));
                fetched.into_iter().map(Arc::new).chain(others.cloned()).collect()
            }
        };
        let bytes = list.iter().map(|item| bytes_of(item)).sum();
        let list = Arc::new(list);
        self.keep(&wanted, list.clone(), bytes);
        Ok(list)
    }

    fn keep(&self, wanted: &Fetch, list: Arc<Vec<Arc<T>>>, bytes: usize) {
        let mut inner = self.lock();
        self.budget.give_back(inner.bytes);
        if self.budget.take(bytes) {
            inner.list = Some(list);
            inner.bytes = bytes;
            if *wanted == Fetch::Whole {
                inner.fetched = Some(Instant::now());
            }
        } else {
            inner.list = None;
            inner.bytes = 0;
            inner.changed = Changed::Everything;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.budget.give_back(bytes);
    }
}

/// Forgets what a fetch that did not finish was to find out.
struct Unfinished<'k, T>(Option<&'k Kept<T>>);

impl<T> Drop for Unfinished<'_, T> {
    fn drop(&mut self) {
        if let Some(kept) = self.0 {
            kept.touch_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    type Item = (String, u32);

    struct Engine {
        objects: RefCell<Vec<Item>>,
        asked: RefCell<Vec<Fetch>>,
    }

    impl Engine {
        async fn fetch(&self, wanted: Fetch) -> Result<Vec<Item>, EngineError> {
            self.asked.borrow_mut().push(wanted.clone());
            let objects = self.objects.borrow();
            let here = objects.iter().filter(|(id, _)| match &wanted {
                Fetch::Whole => true,
                Fetch::Only(ids) => ids.contains(id),
            });
            Ok(here.cloned().collect())
        }

        async fn read(&self, kept: &Kept<Item>) -> Vec<Item> {
            let list = kept
                .read(|wanted| self.fetch(wanted), |item| &item.0, |_| 10)
                .await
                .unwrap();
            let mut items: Vec<Item> = list.iter().map(|item| (**item).clone()).collect();
            items.sort();
            items
        }
    }

    fn engine() -> Engine {
        let objects = ["a", "b", "c"].map(|id| (id.to_owned(), 1)).to_vec();
        Engine {
            objects: RefCell::new(objects),
            asked: RefCell::default(),
        }
    }

    fn kept(max: usize) -> Kept<Item> {
        Kept::new(Arc::new(Budget::new(max)), Duration::from_secs(3600))
    }

    /// DAPI-002: nothing is asked twice while nothing changes; what changes is asked for alone.
    #[tokio::test]
    async fn events_decide_what_is_asked() {
        let (engine, kept) = (engine(), kept(1000));
        // Without events nothing can be kept.
        engine.read(&kept).await;
        engine.read(&kept).await;
        assert_eq!(engine.asked.take(), [Fetch::Whole, Fetch::Whole]);
        kept.watched(true);
        engine.read(&kept).await;
        assert_eq!(engine.read(&kept).await.len(), 3);
        assert_eq!(engine.asked.take(), [Fetch::Whole]);
        // One changes, one goes, one comes.
        *engine.objects.borrow_mut() = vec![("a".into(), 2), ("c".into(), 1), ("d".into(), 1)];
        for id in ["a", "b", "d"] {
            kept.touch(id);
        }
        assert_eq!(engine.read(&kept).await, *engine.objects.borrow());
        assert_eq!(
            engine.asked.take(),
            [Fetch::Only(["a", "b", "d"].map(str::to_owned).to_vec())]
        );
        // Too many at once, or a stream of events that began anew: everything.
        for number in 0..20 {
            kept.touch(&number.to_string());
        }
        engine.read(&kept).await;
        kept.watched(true);
        engine.read(&kept).await;
        assert_eq!(engine.asked.take(), [Fetch::Whole, Fetch::Whole]);
        kept.watched(false);
        engine.read(&kept).await;
        assert_eq!(engine.asked.take(), [Fetch::Whole]);
    }

    /// A change that comes while a list is fetched is not lost, nor is one whose fetch failed or was given up.
    #[tokio::test]
    async fn changes_are_never_lost() {
        let (engine, kept) = (engine(), kept(1000));
        kept.watched(true);
        engine.read(&kept).await;
        kept.touch("a");
        let racing = async |wanted| {
            let old = engine.fetch(wanted).await;
            engine.objects.borrow_mut()[0].1 = 5;
            kept.touch("a");
            old
        };
        kept.read(racing, |item| &item.0, |_| 10).await.unwrap();
        assert_eq!(engine.read(&kept).await[0], ("a".into(), 5));
        kept.touch("b");
        let failing = async |_| {
            Err(EngineError::Slow {
                path: String::new(),
                limit: Duration::ZERO,
            })
        };
        assert!(kept.read(failing, |item: &Item| &item.0, |_| 10).await.is_err());
        engine.asked.take();
        engine.read(&kept).await;
        assert_eq!(engine.asked.take(), [Fetch::Whole]);
        kept.touch("b");
        let hanging = kept.read(
            async |_| std::future::pending().await,
            |item: &Item| &item.0,
            |_| 10,
        );
        assert!(
            tokio::time::timeout(Duration::from_millis(1), hanging)
                .await
                .is_err()
        );
        engine.read(&kept).await;
        assert_eq!(engine.asked.take(), [Fetch::Whole]);
    }

    /// The memory of all lists together is bounded; what does not fit is answered and forgotten.
    #[tokio::test]
    async fn memory_is_bounded() {
        let budget = Arc::new(Budget::new(40));
        let kept = || Kept::<Item>::new(budget.clone(), Duration::from_secs(3600));
        let (engine, first, second) = (engine(), kept(), kept());
        first.watched(true);
        second.watched(true);
        assert_eq!(engine.read(&first).await.len(), 3);
        assert_eq!(engine.read(&second).await.len(), 3);
        assert!(first.last().is_some() && second.last().is_none());
        drop(first);
        assert_eq!(engine.read(&second).await.len(), 3);
        assert!(second.last().is_some());
    }
}
