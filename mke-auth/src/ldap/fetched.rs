//! What was read of the directory, as small as it can be: one text for all users and a few numbers for each.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::dn::DnKey;
use super::settings::TeamSync;

/// Most notes that are kept; of more only the number is.
pub const MAX_NOTES: usize = 1000;

/// Something that is not as an administrator would want it and stops nothing: an entry that is no user, a collision
/// of names, a referral that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Notes {
    /// What was seen first, up to [`MAX_NOTES`].
    pub texts: Vec<String>,
    /// How many more there were.
    pub more: usize,
}

impl Notes {
    /// Adds one.
    pub fn add(&mut self, text: impl FnOnce() -> String) {
        if self.texts.len() < MAX_NOTES {
            self.texts.push(text());
        } else {
            self.more += 1;
        }
    }

    /// Adds all of another list.
    pub fn append(&mut self, other: Self) {
        for text in other.texts {
            self.add(|| text);
        }
        self.more += other.more;
    }
}

/// A user of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchedUser<'a> {
    /// The name of its account.
    pub name: &'a str,
    /// The name for people; may be empty.
    pub full_name: &'a str,
    /// What identifies the entry for as long as it exists.
    pub id: &'a str,
    /// The name of the entry.
    pub dn: &'a str,
    /// Whether the directory lets this person in.
    pub enabled: bool,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    start: u32,
    dn: DnKey,
    name: u16,
    full_name: u16,
    id: u16,
    dn_length: u16,
    search: u16,
    enabled: bool,
    /// Stand-ins for the texts, so that comparing a hundred thousand of them does not mean to read them all.
    id_key: TextKey,
    name_key: TextKey,
    content: TextKey,
}

/// The first half of the SHA-256 of texts: the same exactly if the texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TextKey(u128);

impl TextKey {
    pub(super) fn of<const N: usize>(texts: [&str; N]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(digest.split_at(16).0);
        Self(u128::from_be_bytes(half))
    }
}

/// What a synchronisation keeps up to date, as one key.
pub(super) fn content_key(name: &str, full_name: &str, dn: &str) -> TextKey {
    TextKey::of([name, full_name, dn])
}

/// What one user search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchFound {
    /// The DN below which was searched.
    pub base: String,
    /// How many entries were found.
    pub entries: usize,
    /// How many of them are users that no search before had found.
    pub users: usize,
}

/// A team with its members as the directory says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedTeam {
    /// The team.
    pub sync: TeamSync,
    /// Its members, as positions in [`Fetched::user`], in order.
    pub members: Vec<u32>,
}

/// The users, teams and administrators that the directory has, complete: it only exists when everything was read.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    text: String,
    rows: Vec<Row>,
    /// Positions of rows by DN.
    by_dn: Vec<(DnKey, u32)>,
    pub(super) searches: Vec<SearchFound>,
    pub(super) teams: Vec<FetchedTeam>,
    /// `None` when the directory does not say who is an administrator.
    pub(super) admins: Option<Vec<u32>>,
    pub(super) notes: Notes,
}

/// The users are more than can be counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Full;

impl Fetched {
    /// How many users there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no user at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The user at a position below [`Self::len`].
    pub fn user(&self, position: usize) -> Option<FetchedUser<'_>> {
        self.rows.get(position).map(|row| self.show(row))
    }

    /// The keys of id and content of each user, in order, and whether the directory lets the person in.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = (TextKey, TextKey, bool)> {
        self.rows.iter().map(|row| (row.id_key, row.content, row.enabled))
    }

    /// The position of the user with this id.
    pub(super) fn position(&self, id: TextKey) -> Option<u32> {
        let at = self.rows.binary_search_by_key(&id, |row| row.id_key).ok()?;
        u32::try_from(at).ok()
    }

    /// All users, in an order of their unique ids.
    pub fn users(&self) -> impl ExactSizeIterator<Item = FetchedUser<'_>> {
        self.rows.iter().map(|row| self.show(row))
    }

    /// The teams that follow the directory.
    pub fn teams(&self) -> &[FetchedTeam] {
        &self.teams
    }

    /// The administrators, as positions; `None` when the directory does not say.
    pub fn admins(&self) -> Option<&[u32]> {
        self.admins.as_deref()
    }

    /// What each user search found.
    pub fn searches(&self) -> &[SearchFound] {
        &self.searches
    }

    /// What is not as it should be.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    fn show(&self, row: &Row) -> FetchedUser<'_> {
        let mut at = usize::try_from(row.start).unwrap_or(usize::MAX);
        let mut take = |length: u16| {
            let range: Range<usize> = at..at.saturating_add(usize::from(length));
            at = range.end;
            self.text.get(range).unwrap_or_default()
        };
        FetchedUser {
            name: take(row.name),
            full_name: take(row.full_name),
            id: take(row.id),
            dn: take(row.dn_length),
            enabled: row.enabled,
        }
    }

    /// Takes a user up. Whether it counts is decided by [`Self::settle`].
    pub(super) fn push(&mut self, user: FetchedUser<'_>, dn: DnKey, search: usize) -> Result<(), Full> {
        let length = |text: &str| u16::try_from(text.len()).map_err(|_| Full);
        let row = Row {
            start: u32::try_from(self.text.len()).map_err(|_| Full)?,
            dn,
            name: length(user.name)?,
            full_name: length(user.full_name)?,
            id: length(user.id)?,
            dn_length: length(user.dn)?,
            search: u16::try_from(search).map_err(|_| Full)?,
            enabled: user.enabled,
            id_key: TextKey::of([user.id]),
            name_key: TextKey::of([user.name]),
            content: content_key(user.name, user.full_name, user.dn),
        };
        for text in [user.name, user.full_name, user.id, user.dn] {
            self.text.push_str(text);
        }
        self.rows.push(row);
        Ok(())
    }

    /// Decides who counts: of entries with one id the first, of entries with one name the first (LDAP-004). Afterwards
    /// users are in an order of their ids and can be found by id and DN.
    pub(super) fn settle(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        let mut notes = std::mem::take(&mut self.notes);
        // Stable sorts: among equals the order of the searches stays.
        rows.sort_by_key(|row| row.id_key);
        rows.dedup_by_key(|row| row.id_key);
        let mut order: Vec<u32> = (0u32..).take(rows.len()).collect();
        let row = |at: &u32| rows.get(usize::try_from(*at).unwrap_or(usize::MAX));
        let key = |at: &u32| row(at).map(|row| (row.name_key, row.search, row.start));
        order.sort_unstable_by_key(key);
        let mut losers: Vec<u32> = Vec::new();
        for pair in order.windows(2) {
            let [first, second] = pair else { continue };
            if let (Some(first), Some(loser)) = (row(first), row(second))
                && first.name_key == loser.name_key
            {
                losers.push(*second);
                notes.add(|| {
                    let (first, loser) = (self.show(first), self.show(loser));
                    format!(
                        "`{}` is ignored: an entry before it is named `{}` too",
                        loser.dn, first.name
                    )
                });
            }
        }
        losers.sort_unstable();
        let mut position = 0u32;
        rows.retain(|_| {
            position += 1;
            losers.binary_search(&(position - 1)).is_err()
        });
        for row in &rows {
            if let Some(search) = self.searches.get_mut(usize::from(row.search)) {
                search.users += 1;
            }
        }
        self.by_dn = rows.iter().map(|row| row.dn).zip(0u32..).collect();
        self.by_dn.sort_unstable();
        self.rows = rows;
        self.notes = notes;
    }

    /// The positions of the users with these DNs, in order and each once. Others are no users, and left out.
    pub(super) fn resolve(&self, dns: &[DnKey]) -> Vec<u32> {
        let mut found: Vec<u32> = dns
            .iter()
            .filter_map(|dn| {
                let at = self.by_dn.binary_search_by_key(dn, |(dn, _)| *dn).ok()?;
                self.by_dn.get(at).map(|(_, position)| *position)
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user<'a>(name: &'a str, id: &'a str, dn: &'a str) -> FetchedUser<'a> {
        FetchedUser {
            name,
            full_name: "",
            id,
            dn,
            enabled: true,
        }
    }

    /// LDAP-004: the first search wins a name, whatever the ids; the same entry twice is no collision.
    #[test]
    fn the_first_result_wins() {
        let searches = ["a", "b"].map(|base| SearchFound {
            base: base.to_owned(),
            entries: 0,
            users: 0,
        });
        let mut fetched = Fetched {
            searches: searches.to_vec(),
            ..Fetched::default()
        };
        for (search, name, id, dn) in [
            (0, "jane", "z", "cn=1"),
            (0, "bob", "m", "cn=2"),
            (1, "jane", "a", "cn=3"),
            (1, "bob", "m", "cn=2"),
            (1, "eve", "e", "cn=4"),
        ] {
            let key = DnKey::of(dn).unwrap();
            fetched.push(user(name, id, dn), key, search).unwrap();
        }
        fetched.settle();
        let mut found: Vec<(&str, &str)> = fetched.users().map(|user| (user.name, user.id)).collect();
        found.sort_unstable();
        assert_eq!(found, [("bob", "m"), ("eve", "e"), ("jane", "z")]);
        assert_eq!(
            fetched.notes().texts,
            ["`cn=3` is ignored: an entry before it is named `jane` too"]
        );
        assert_eq!(
            fetched
                .searches()
                .iter()
                .map(|found| found.users)
                .collect::<Vec<_>>(),
            [2, 1]
        );
        let keys = ["CN=1", "cn=3", "cn=4", "cn=1"].map(|dn| DnKey::of(dn).unwrap());
        let found = fetched.resolve(&keys);
        let mut names: Vec<&str> = found
            .iter()
            .map(|at| fetched.user(usize::try_from(*at).unwrap()).unwrap().name)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["eve", "jane"], "the ignored entry is nobody");
    }

    #[test]
    fn notes_are_bounded() {
        let mut notes = Notes::default();
        for i in 0..MAX_NOTES + 5 {
            notes.add(|| i.to_string());
        }
        assert_eq!((notes.texts.len(), notes.more), (MAX_NOTES, 5));
    }
}
