//! How fast passwords may be guessed.
//!
//! Failures are counted for each account name, whether it exists or not, and for each source address (a /64 of
//! IPv6). After some free failures each further one doubles a delay, up to a minute, in which every attempt is
//! refused without looking at the password. A success clears the account's count. A source from which an
//! account has logged in before is counted on its own, so that a stranger who guesses cannot keep the owner
//! out. Sessions and client certificates are not touched by any of this.
//!
//! Counters live in memory, one set for each manager, and their number is bounded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mke_core::names::MAX_NAME_CHARS;
use mke_core::time::Timestamp;

/// Failures of one account without delay. Judgement: more than a person mistypes.
pub const FREE_ACCOUNT_FAILURES: u32 = 10;
/// Failures of one source without delay. Judgement: an office behind one address.
pub const FREE_SOURCE_FAILURES: u32 = 50;
/// The first delay; each further failure doubles it.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest delay: one guess a minute is 1,440 a day, against passwords of 8 characters and more.
pub const MAX_DELAY: Duration = Duration::from_secs(60);
/// A counter is forgotten this long after its last failure.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);
/// Counters in one generation; two are kept.
const MAX_COUNTERS: usize = 32_768;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Source(IpAddr),
    /// An account at a source from which it has logged in.
    Known(String, IpAddr),
}

#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    failures: u32,
    last: Timestamp,
}

impl Counter {
    fn blocked_until(&self, free: u32) -> Timestamp {
        match self.failures.checked_sub(free) {
            None | Some(0) => Timestamp::default(),
            Some(over) => {
                let delay = FIRST_DELAY.saturating_mul(1 << (over - 1).min(16));
                self.last.plus(delay.min(MAX_DELAY))
            }
        }
    }
}

/// A map that forgets its older half when it is full.
#[derive(Debug)]
struct Generations {
    young: HashMap<Key, Counter>,
    old: HashMap<Key, Counter>,
    max: usize,
}

impl Generations {
    fn get(&self, key: &Key) -> Option<Counter> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn put(&mut self, key: Key, counter: Counter) {
        if self.young.len() >= self.max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, counter);
    }

    fn remove(&mut self, key: &Key) {
        self.young.remove(key);
        self.old.remove(key);
    }
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
        Self(Mutex::new(Generations {
            young: HashMap::new(),
            old: HashMap::new(),
            max,
        }))
    }

    /// Whether an attempt may be made now; otherwise how long until it may.
    ///
    /// To be asked before a password is checked, and again before a right one is honoured: of many guesses at
    /// once only as many count as would have one after the other.
    pub(crate) fn check(&self, now: Timestamp, account: &str, source: IpAddr) -> Result<(), Duration> {
        let counters = self.counters();
        let until = keys(&counters, account, source)
            .into_iter()
            .map(|(key, free)| current(&counters, &key, now).blocked_until(free))
            .max()
            .unwrap_or_default();
        if until > now {
            Err(until.since(now))
        } else {
            Ok(())
        }
    }

    pub(crate) fn failed(&self, now: Timestamp, account: &str, source: IpAddr) {
        let mut counters = self.counters();
        for (key, _) in keys(&counters, account, source) {
            let mut counter = current(&counters, &key, now);
            counter.failures = counter.failures.saturating_add(1);
            counter.last = now;
            counters.put(key, counter);
        }
    }

    pub(crate) fn succeeded(&self, now: Timestamp, account: &str, source: IpAddr) {
        let mut counters = self.counters();
        counters.remove(&Key::Account(bounded(account)));
        let known = Key::Known(bounded(account), network(source));
        counters.put(
            known,
            Counter {
                failures: 0,
                last: now,
            },
        );
    }

    fn counters(&self) -> MutexGuard<'_, Generations> {
        // Counters are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

fn current(counters: &Generations, key: &Key, now: Timestamp) -> Counter {
    counters
        .get(key)
        .filter(|counter| now.since(counter.last) < FORGET_AFTER)
        .unwrap_or_default()
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
                };
                counter.blocked_until(10).since(at(0)).as_secs()
            })
            .collect();
        assert_eq!(delays, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let worst = Counter {
            failures: u32::MAX,
            last: at(0),
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
        assert!(counters.young.len() + counters.old.len() <= 200);
        assert!(counters.young.contains_key(&Key::Account(String::new())));
    }

    #[test]
    fn sources_are_networks() {
        let network = |text: &str| super::network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
