//! What else the kernel changes when one parameter is written. Pure.
//!
//! Switching forwarding switches it for every interface and turns the acceptance of redirects the other way; two names of
//! one number move together. Whoever takes a change back must know that.

use std::collections::BTreeMap;

use super::key::Key;

/// The values of all parameters that matter for a change.
pub(super) type Values = BTreeMap<Key, String>;

const ALIASES: [(&str, &str); 2] = [
    ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"),
    ("net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"),
];

/// Writes a value as the kernel would.
pub(super) fn write(values: &mut Values, key: &Key, value: &str) {
    let changed = values.get(key).is_some_and(|old| old != value);
    set(values, key, value);
    let name = key.to_string();
    for (one, other) in ALIASES {
        for (this, that) in [(one, other), (other, one)] {
            if name == this
                && let Ok(that) = that.parse()
            {
                set(values, &that, value);
            }
        }
    }
    if changed && (name == ALIASES[0].0 || name == ALIASES[0].1) {
        let interfaces: Vec<Key> = values
            .keys()
            .filter(|key| key.forwarding_of().is_some())
            .cloned()
            .collect();
        for interface in interfaces {
            set(values, &interface, value);
        }
        if let Ok(redirects) = "net.ipv4.conf.all.accept_redirects".parse() {
            set(values, &redirects, if value == "0" { "1" } else { "0" });
        }
    }
}

/// Parameters that are not there stay away.
fn set(values: &mut Values, key: &Key, value: &str) {
    if let Some(old) = values.get_mut(key) {
        value.clone_into(old);
    }
}

/// The writes that lead from some values to others, in an order in which none undoes an earlier one: switches of many
/// first.
pub(super) fn way(from: &Values, to: &Values) -> Vec<(Key, String)> {
    let mut values = from.clone();
    let mut writes = Vec::new();
    let differs =
        |values: &Values, key: &Key| matches!((values.get(key), to.get(key)), (Some(a), Some(b)) if a != b);
    let first = ALIASES
        .iter()
        .flat_map(|(one, other)| [*one, *other])
        .filter_map(|name| name.parse().ok());
    let order: Vec<Key> = first.chain(to.keys().cloned()).collect();
    for key in order {
        if differs(&values, &key)
            && let Some(value) = to.get(&key)
        {
            write(&mut values, &key, value);
            writes.push((key, value.clone()));
        }
    }
    // What a switch has turned although it was right before.
    for (key, value) in to {
        if differs(&values, key) {
            write(&mut values, key, value);
            writes.push((key.clone(), value.clone()));
        }
    }
    writes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 7] = [
        "net.ipv4.ip_forward",
        "net.ipv4.conf.all.forwarding",
        "net.ipv4.conf.all.accept_redirects",
        "net.ipv4.conf.default.forwarding",
        "net.ipv4.conf.eth0.forwarding",
        "net.ipv4.conf.lo.forwarding",
        "kernel.panic",
    ];

    fn values(bits: &[bool]) -> Values {
        let mut values: Values = NAMES
            .iter()
            .zip(bits)
            .map(|(name, on)| (name.parse().unwrap(), u8::from(*on).to_string()))
            .collect();
        // Two names of one switch.
        let all = values[&NAMES[1].parse().unwrap()].clone();
        values.insert(NAMES[0].parse().unwrap(), all);
        values
    }

    proptest! {
        /// SYS-004: from any values to any others there is a way, and it ends there.
        #[test]
        fn every_way_arrives(
            from in prop::collection::vec(any::<bool>(), NAMES.len()),
            to in prop::collection::vec(any::<bool>(), NAMES.len()),
        ) {
            let (mut now, to) = (values(&from), values(&to));
            let way = way(&now, &to);
            prop_assert!(way.len() <= NAMES.len());
            for (key, value) in way {
                write(&mut now, &key, &value);
            }
            prop_assert_eq!(now, to);
        }
    }

    /// SYS-004: forwarding switches every interface and turns redirects, once and only when it changes.
    #[test]
    fn forwarding_switches_all() {
        let mut now = values(&[false, false, true, false, true, false, false]);
        write(&mut now, &NAMES[0].parse().unwrap(), "1");
        assert_eq!(now, values(&[true, true, false, true, true, true, false]));
        let odd = values(&[true, true, true, false, true, true, false]);
        let mut now = odd.clone();
        write(&mut now, &NAMES[0].parse().unwrap(), "1");
        assert_eq!(now, odd, "nothing is switched that is on");
    }
}
