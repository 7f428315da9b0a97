//! Pages of lists: `start`, `limit` and the marker of the next page.
//!
//! A list is ordered by a marker (name or id). `start` names the first marker of the page; the answer names
//! the first marker of the next one, and nothing at the end, which clients rely on to stop.

use super::error::ApiError;

/// Entries of a page when the caller says nothing.
const DEFAULT_LIMIT: usize = 10;
/// Most entries of a page; clients ask for up to 1000.
const MAX_LIMIT: usize = 10_000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// First marker, or the one after it.
    pub(crate) start: Option<String>,
    /// Most entries.
    pub(crate) limit: usize,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// The marker of the next page; empty at the end.
    pub(crate) next: String,
    /// Entries of the whole list.
    pub(crate) total: usize,
}

impl Paging {
    /// Reads `start` and `limit`.
    pub(crate) fn parse(start: Option<&str>, limit: Option<&str>) -> Result<Self, ApiError> {
        let limit = match limit {
            None | Some("") => DEFAULT_LIMIT,
            Some(text) => match text.parse::<usize>() {
                Ok(0) | Err(_) => {
                    return Err(ApiError::malformed("`limit` must be a whole number from 1"));
                }
                Ok(limit) => limit.min(MAX_LIMIT),
            },
        };
        Ok(Self {
            start: start.filter(|start| !start.is_empty()).map(str::to_owned),
            limit,
        })
    }

    /// Cuts the page out of a whole list, which is brought into the order of its markers. Where the start
    /// marker is gone, the page begins at the one after it.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, marker: impl Fn(&T) -> String) -> Page<T> {
        items.sort_by_cached_key(|item| marker(item));
        let first = match &self.start {
            None => 0,
            Some(start) => items.partition_point(|item| marker(item) < *start),
        };
        self.page(items, first, marker)
    }

    /// Cuts the page out of a list in an order of its own. Where the start marker is gone, the page is empty.
    pub(crate) fn cut_ordered<T>(&self, items: Vec<T>, marker: impl Fn(&T) -> String) -> Page<T> {
        let first = match &self.start {
            None => 0,
            Some(start) => items
                .iter()
                .position(|item| marker(item) == *start)
                .unwrap_or(items.len()),
        };
        self.page(items, first, marker)
    }

    fn page<T>(&self, items: Vec<T>, first: usize, marker: impl Fn(&T) -> String) -> Page<T> {
        let total = items.len();
        let mut items: Vec<T> = items.into_iter().skip(first).collect();
        let next = items.get(self.limit).map(&marker).unwrap_or_default();
        items.truncate(self.limit);
        Page { items, next, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(start: Option<&str>, limit: Option<&str>) -> (Vec<&'static str>, String) {
        let page = Paging::parse(start, limit)
            .unwrap()
            .cut(vec!["c", "a", "d", "b"], |item| (*item).to_owned());
        assert_eq!(page.total, 4);
        (page.items, page.next)
    }

    #[test]
    fn follows_the_marker_to_the_end() {
        assert_eq!(page(None, None), (vec!["a", "b", "c", "d"], String::new()));
        assert_eq!(page(None, Some("2")), (vec!["a", "b"], "c".to_owned()));
        assert_eq!(page(Some("c"), Some("2")), (vec!["c", "d"], String::new()));
        assert_eq!(page(Some("bb"), Some("1")), (vec!["c"], "d".to_owned()));
        assert_eq!(page(Some("z"), None), (vec![], String::new()));
    }

    #[test]
    fn limits_are_numbers_from_one() {
        for bad in ["0", "-1", "ten", "99999999999999999999999"] {
            assert!(Paging::parse(None, Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(Paging::parse(None, Some("1000000")).unwrap().limit, MAX_LIMIT);
    }
}
