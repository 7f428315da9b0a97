//! How the events of one transaction are kept: as one value, because a row for each would cost as much as the entries
//! themselves. Only this file knows the form, and whatever is not of it is damage.
//!
//! An event is a key and, unless it is a deletion, what was written: lengths and numbers in eight octets, most
//! significant first.

use crate::store::{Entry, Event, KeyRange, LeaseId, Revision};

const DELETED: u8 = 0;
const PUT: u8 = 1;
const PUT_LEASED: u8 = 2;

/// The events of a transaction as one value.
pub(super) fn encode(events: &[Event]) -> Vec<u8> {
    let size = events.iter().map(|event| {
        let value = match event {
            Event::Put(entry) => 40 + entry.value.len(),
            Event::Delete { .. } => 0,
        };
        9 + event.key().len() + value
    });
    let mut bytes = Vec::with_capacity(size.sum());
    let text = |bytes: &mut Vec<u8>, part: &[u8]| {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(part);
    };
    for event in events {
        match event {
            Event::Delete { key, .. } => {
                bytes.push(DELETED);
                text(&mut bytes, key.as_bytes());
            }
            Event::Put(entry) => {
                bytes.push(if entry.lease.is_some() { PUT_LEASED } else { PUT });
                text(&mut bytes, entry.key.as_bytes());
                text(&mut bytes, &entry.value);
                bytes.extend(entry.created.0.to_be_bytes());
                bytes.extend(entry.version.to_be_bytes());
                if let Some(lease) = entry.lease {
                    bytes.extend(lease.0.to_be_bytes());
                }
            }
        }
    }
    bytes
}

/// The events in a value that lie in a range; `None` when it is damaged.
pub(super) fn decode(bytes: &[u8], revision: Revision, range: &KeyRange) -> Option<Vec<Event>> {
    let mut rest = bytes;
    let mut events = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        rest = after;
        let key = std::str::from_utf8(text(&mut rest)?).ok()?;
        let wanted = range.contains(key);
        let event = if *kind == DELETED {
            wanted.then(|| Event::Delete {
                key: key.to_owned(),
                revision,
            })
        } else {
            let value = text(&mut rest)?;
            let (created, version) = (number(&mut rest)?, number(&mut rest)?);
            let lease = match *kind {
                PUT => None,
                PUT_LEASED => Some(LeaseId(number(&mut rest)?.cast_signed())),
                _ => return None,
            };
            wanted.then(|| {
                Event::Put(Entry {
                    key: key.to_owned(),
                    value: value.to_vec(),
                    created: Revision(created),
                    modified: revision,
                    version,
                    lease,
                })
            })
        };
        events.extend(event);
    }
    Some(events)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (octets, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*octets))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = Event> {
        let put = (
            any::<String>(),
            any::<Vec<u8>>(),
            any::<u64>(),
            any::<u64>(),
            any::<Option<i64>>(),
        );
        prop_oneof![
            any::<String>().prop_map(|key| Event::Delete {
                key,
                revision: Revision(7)
            }),
            put.prop_map(|(key, value, created, version, lease)| Event::Put(Entry {
                key,
                value,
                created: Revision(created),
                modified: Revision(7),
                version,
                lease: lease.map(LeaseId),
            })),
        ]
    }

    proptest! {
        /// What was put together comes apart again, in a range what lies in it.
        #[test]
        fn events_round_trip(events in prop::collection::vec(event(), 0..8), prefix in "[a-c]{0,1}") {
            let bytes = encode(&events);
            let range = KeyRange::prefix(prefix);
            let inside: Vec<Event> = events.into_iter().filter(|event| range.contains(event.key())).collect();
            prop_assert_eq!(decode(&bytes, Revision(7), &range), Some(inside));
        }

        /// Damage is found or changes what is read, and never more.
        #[test]
        fn damage_does_not_panic(bytes in any::<Vec<u8>>(), events in prop::collection::vec(event(), 1..4), cut in any::<prop::sample::Index>()) {
            let all = KeyRange::prefix("");
            let _ = decode(&bytes, Revision(1), &all);
            let whole = encode(&events);
            let cut = cut.index(whole.len());
            let part = decode(&whole[..cut], Revision(1), &all);
            prop_assert!(part.is_none_or(|part| part.len() < events.len()));
        }
    }
}
