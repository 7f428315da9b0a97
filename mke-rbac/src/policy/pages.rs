//! An array in pages that snapshots share: a change copies one page and the two short lists that lead to it.
//!
//! Reading costs two steps through lists that stay in the cache of a core, and then the page. Nothing is locked and
//! nothing moves: whoever holds the old array goes on reading it.

use std::sync::Arc;

/// Pages that one list of the middle names.
const FAN: usize = 64;

type Page<T, const N: usize> = Arc<[T; N]>;
type Middle<T, const N: usize> = Arc<[Page<T, N>; FAN]>;

/// Items by number, in pages of `N`.
#[derive(Debug)]
pub(crate) struct Pages<T, const N: usize> {
    root: Arc<[Middle<T, N>]>,
    len: usize,
}

impl<T, const N: usize> Clone for Pages<T, N> {
    fn clone(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            len: self.len,
        }
    }
}

impl<T, const N: usize> Default for Pages<T, N> {
    fn default() -> Self {
        Self {
            root: Arc::new([]),
            len: 0,
        }
    }
}

impl<T, const N: usize> Pages<T, N> {
    /// How many items there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// A page with its items. Behind the last item it is filled up with defaults.
    pub(crate) fn page(&self, number: usize) -> Option<&[T; N]> {
        let middle = self.root.get(number / FAN)?;
        Some(&middle[number % FAN])
    }

    /// An item. Reading one behind the last finds a default or nothing.
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let number = number as usize;
        Some(&self.page(number / N)?[number % N])
    }

    /// All items with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let pages = self.root.iter().flat_map(|middle| middle.iter());
        let items = pages.flat_map(|page| page.iter()).take(self.len);
        (0..u32::MAX).zip(items)
    }
}

impl<T: Clone + Default, const N: usize> Pages<T, N> {
    /// So many pages of defaults.
    pub(crate) fn with_pages(pages: usize) -> Self {
        let mut new = Self::default();
        new.reserve(pages);
        new.len = pages * N;
        new
    }

    /// Adds lists of the middle until there are so many pages. Their pages are one and the same until written to.
    fn reserve(&mut self, pages: usize) {
        if pages > self.root.len() * FAN {
            let empty: Page<T, N> = Arc::new(std::array::from_fn(|_| T::default()));
            let missing = pages.div_ceil(FAN) - self.root.len();
            let more = (0..missing).map(|_| Arc::new(std::array::from_fn(|_| Arc::clone(&empty))));
            self.root = self.root.iter().cloned().chain(more).collect();
        }
    }

    /// A page to write to; copied when another snapshot has it too.
    pub(crate) fn page_mut(&mut self, number: usize) -> Option<&mut [T; N]> {
        let middle = Arc::make_mut(&mut self.root).get_mut(number / FAN)?;
        let page = &mut Arc::make_mut(middle)[number % FAN];
        Some(Arc::make_mut(page))
    }

    /// An item to write to.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let number = number as usize;
        if number >= self.len {
            return None;
        }
        Some(&mut self.page_mut(number / N)?[number % N])
    }

    /// Adds an item and gives its number.
    pub(crate) fn push(&mut self, item: T) -> u32 {
        let number = self.len;
        self.reserve(number / N + 1);
        if let Some(page) = self.page_mut(number / N) {
            page[number % N] = item;
        }
        self.len = number + 1;
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one snapshot writes, the other does not see, and pages that nobody wrote to are the same.
    #[test]
    fn snapshots_share_what_did_not_change() {
        let mut old: Pages<u64, 4> = Pages::default();
        for item in 0..1000 {
            assert_eq!(u64::from(old.push(item)), item);
        }
        let mut new = old.clone();
        *new.get_mut(500).unwrap() = 7;
        new.push(1000);
        assert_eq!((old.len(), new.len()), (1000, 1001));
        assert_eq!((old.get(500), new.get(500)), (Some(&500), Some(&7)));
        assert_eq!(new.get(1000), Some(&1000));
        assert!(old.get_mut(1000).is_none() && new.get(1_000_000).is_none());
        let shared = |page: usize| std::ptr::eq(old.page(page).unwrap(), new.page(page).unwrap());
        assert!(shared(0) && shared(124) && !shared(125) && shared(126));
        assert!(old.iter().map(|(_, item)| *item).eq(0..1000));
        assert!(
            new.iter()
                .all(|(number, item)| u64::from(number) == *item || number == 500)
        );
    }
}
