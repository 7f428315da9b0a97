//! How fast passwords and codes may be guessed.
//!
//! Failures are counted for each account name, whether it exists or not, and for each source address (a /64 of
//! IPv6). After some free failures each further one doubles a delay, up to a minute, in which every attempt is
//! refused without looking at the password. A success clears the account's count. A source from which an
//! account has logged in before is counted on its own, so that a stranger who guesses cannot keep the owner
//! out. Codes of a second factor have counters of their own, which a right password does not clear (authn-09).
//! Sessions and client certificates are not touched by any of this.
//!
//! Counters live in memory, bounded in number ([`memory`]); where managers share a store, they tell each other through
//! it ([`shared`]).

mod memory;
mod shared;

pub(crate) use shared::{SharedThrottle, forgotten};

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mke_core::names::MAX_NAME_CHARS;
use mke_core::time::Timestamp;

use self::memory::{Counter, Generations, MAX_COUNTERS};
use crate::records::FailureCount;

/// Failures of one account without delay. Judgement: more than a person mistypes.
pub const FREE_ACCOUNT_FAILURES: u32 = 10;
/// Failures of one source without delay. Judgement: an office behind one address.
pub const FREE_SOURCE_FAILURES: u32 = 50;
/// Wrong codes of one account without delay. Who gets here has the password; at the longest delay 1,440 codes a day are
/// tried, three of a million are right at any time, so half a percent a day, and every one is in the log.
pub const FREE_CODE_FAILURES: u32 = 5;
/// The first delay; each further failure doubles it.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest delay: one guess a minute is 1,440 a day, against passwords of 8 characters and more.
pub const MAX_DELAY: Duration = Duration::from_secs(60);
/// A counter is forgotten this long after its last failure.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An account's name.
    Account(String),
    /// A source.
    Source(IpAddr),
    /// An account at a source from which it has logged in.
    Known(String, IpAddr),
    /// Wrong codes of an account.
    Code(String),
    /// Wrong codes of an account at a source from which it has logged in.
    KnownCode(String, IpAddr),
    /// Every failure of an account, for its lock.
    Lock(String),
}

/// Failure counters of one manager.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<Generations>);

impl Default for Throttle {
    fn default() -> Self {
        Self::with_capacity(MAX_COUNTERS)
    }
}

impl Throttle {
    fn with_capacity(max: usize) -> Self {
        Self(Mutex::new(Generations::new(max)))
    }

    /// Whether an attempt may be made now; otherwise how long until it may.
    ///
    /// To be asked before a password is checked, and again before a right one is honoured: of many guesses at
    /// once only as many count as would have one after the other.
    pub(crate) fn check(&self, now: Timestamp, account: &str, source: IpAddr) -> Result<(), Duration> {
        let counters = self.counters();
        judge(&counters, keys(&counters, account, source), now)
    }

    /// The same for a code.
    pub(crate) fn check_code(&self, now: Timestamp, account: &str, source: IpAddr) -> Result<(), Duration> {
        let counters = self.counters();
        let key = code_key(&counters, account, source);
        judge(&counters, [(key, FREE_CODE_FAILURES)], now)
    }

    pub(crate) fn failed(&self, now: Timestamp, account: &str, source: IpAddr) {
        let mut counters = self.counters();
        for (key, _) in keys(&counters, account, source) {
            count(&mut counters, key, now);
        }
    }

    /// A wrong code.
    pub(crate) fn failed_code(&self, now: Timestamp, account: &str, source: IpAddr) {
        let mut counters = self.counters();
        let key = code_key(&counters, account, source);
        count(&mut counters, key, now);
    }

    /// Counts a failure for the lock of an account, and returns how many there are now.
    pub(crate) fn count_for_lock(&self, now: Timestamp, account: &str) -> u32 {
        count(&mut self.counters(), Key::Lock(bounded(account)), now)
    }

    pub(crate) fn succeeded(&self, now: Timestamp, account: &str, source: IpAddr) {
        let mut counters = self.counters();
        clear(&mut counters, Key::Account(bounded(account)));
        clear(&mut counters, Key::Lock(bounded(account)));
        let known = Key::Known(bounded(account), network(source));
        let before = counters.get(&known).unwrap_or_default();
        let fresh = Counter {
            last: now,
            saved: before.saved,
            ..Counter::default()
        };
        // The store is told only what is new to it: a first login from there, failures that are over, another day.
        if before.saved && before.failures == 0 && now.since(before.last) < KNOWN_AGAIN {
            counters.put(
                known,
                Counter {
                    last: before.last,
                    ..fresh
                },
            );
        } else {
            let cleared = before.saved;
            counters.put_dirty(known, Counter { cleared, ..fresh });
        }
    }

    /// A right code after a right password.
    pub(crate) fn succeeded_code(&self, account: &str, source: IpAddr) {
        let mut counters = self.counters();
        clear(&mut counters, Key::Code(bounded(account)));
        clear(&mut counters, Key::KnownCode(bounded(account), network(source)));
    }

    /// Forgets what is counted for an account, whatever the source; what is counted for sources stays.
    pub(crate) fn forgive(&self, account: &str) {
        let mut counters = self.counters();
        for key in account_keys(account) {
            clear(&mut counters, key);
        }
    }

    fn counters(&self) -> MutexGuard<'_, Generations> {
        // Counters are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, key: &Key, stored: Option<FailureCount>, now: Timestamp) {
        self.counters().learn(key, stored, now);
    }
}

/// How long after the store learned that an account logs in from a source it is told again.
const KNOWN_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The counters of an account that belong to no source.
fn account_keys(account: &str) -> [Key; 3] {
    let account = bounded(account);
    [
        Key::Account(account.clone()),
        Key::Code(account.clone()),
        Key::Lock(account),
    ]
}

fn judge<const N: usize>(
    counters: &Generations,
    keys: [(Key, u32); N],
    now: Timestamp,
) -> Result<(), Duration> {
    let until = keys
        .into_iter()
        .map(|(key, free)| counters.current(&key, now).blocked_until(free))
        .max()
        .unwrap_or_default();
    if until > now {
        Err(until.since(now))
    } else {
        Ok(())
    }
}

fn count(counters: &mut Generations, key: Key, now: Timestamp) -> u32 {
    let mut counter = counters.current(&key, now);
    counter.failures = counter.failures.saturating_add(1);
    counter.unsaved = counter.unsaved.saturating_add(1);
    counter.last = now;
    counters.put_dirty(key, counter);
    counter.failures
}

fn clear(counters: &mut Generations, key: Key) {
    match counters.get(&key) {
        Some(counter) if counter.saved || counter.cleared => {
            let cleared = Counter {
                saved: true,
                cleared: true,
                ..Counter::default()
            };
            counters.put_dirty(key, cleared);
        }
        Some(_) => counters.remove(&key),
        None => {}
    }
}

/// The counters that an attempt is judged by.
fn keys(counters: &Generations, account: &str, source: IpAddr) -> [(Key, u32); 2] {
    let source = network(source);
    let account = bounded(account);
    let known = Key::Known(account.clone(), source);
    let of_account = match counters.get(&known) {
        Some(_) => known,
        None => Key::Account(account),
    };
    [
        (of_account, FREE_ACCOUNT_FAILURES),
        (Key::Source(source), FREE_SOURCE_FAILURES),
    ]
}

fn code_key(counters: &Generations, account: &str, source: IpAddr) -> Key {
    let (account, source) = (bounded(account), network(source));
    if counters.get(&Key::Known(account.clone(), source)).is_some() {
        Key::KnownCode(account, source)
    } else {
        Key::Code(account)
    }
}

/// Texts that are too long to be a name share one counter, so that they cost no memory.
fn bounded(account: &str) -> String {
    if account.chars().take(MAX_NAME_CHARS + 1).count() > MAX_NAME_CHARS {
        String::new()
    } else {
        account.to_owned()
    }
}

/// One host usually has a whole /64 of IPv6 (RFC 6177), so that is what is counted.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn delays_double_up_to_a_bound() {
        let delays: Vec<u64> = (9..20)
            .map(|failures| {
                let counter = Counter {
                    failures,
                    last: at(0),
                    ..Counter::default()
                };
                counter.blocked_until(10).since(at(0)).as_secs()
            })
            .collect();
        assert_eq!(delays, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let worst = Counter {
            failures: u32::MAX,
            last: at(0),
            ..Counter::default()
        };
        assert_eq!(worst.blocked_until(10).since(at(0)), MAX_DELAY);
    }

    /// However many names and sources are tried, memory is bounded.
    #[test]
    fn counters_are_bounded() {
        let throttle = Throttle::with_capacity(100);
        for i in 0..10_000_u32 {
            throttle.failed(at(0), &format!("n{i}"), IpAddr::from(i.to_be_bytes()));
        }
        throttle.failed(at(0), &"x".repeat(1_000_000), HOME);
        let counters = throttle.counters();
        assert!(counters.len() <= 200 && counters.dirty() <= 200);
        assert!(counters.get(&Key::Account(String::new())).is_some());
    }

    #[test]
    fn sources_are_networks() {
        let network = |text: &str| super::network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
