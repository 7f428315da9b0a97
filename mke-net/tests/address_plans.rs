//! 100,000 random address plans beside a checker that looks at every address.

#![cfg(test)]

use mke_net::Severity;
use mke_net::address::{AddressPlan, Conflict, IpNet, Ipv4Net, Purpose, Range};

const PLANS: u32 = 100_000;
/// Plans lie in 256 addresses, so that a bit for each address is a number.
const BITS: u32 = 256;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % end
    }
}

/// The addresses of a network, one by one.
fn addresses(net: IpNet) -> [bool; BITS as usize] {
    let IpNet::V4(net) = net else {
        unreachable!("plans here have networks of IPv4 only")
    };
    let mut bits = [false; BITS as usize];
    for address in net.network().octets()[3]..=net.broadcast().octets()[3] {
        bits[usize::from(address)] = true;
    }
    bits
}

/// What is written for people: who may not overlap whom.
fn meaning(one: Purpose, other: Purpose) -> Option<Severity> {
    use Purpose::{BridgePool, Host, Node, Overlay, OverlayPool};
    let engine = [
        Purpose::Docker0,
        Purpose::DockerGwbridge,
        Purpose::UcpBridge,
        Purpose::Bridge,
        BridgePool,
        Host,
    ];
    let both = |a, b| (one, other) == (a, b) || (one, other) == (b, a);
    if both(Host, Host) || both(Host, Node) || both(Overlay, OverlayPool) {
        return None;
    }
    if (one == BridgePool && engine.contains(&other)) || (other == BridgePool && engine.contains(&one)) {
        return None;
    }
    if both(OverlayPool, OverlayPool) {
        return Some(Severity::Error);
    }
    match [one, other]
        .iter()
        .any(|purpose| [BridgePool, OverlayPool].contains(purpose))
    {
        true => Some(Severity::Warning),
        false => Some(Severity::Error),
    }
}

/// NET-007: no overlap is accepted and no valid plan is refused.
#[test]
fn plans_are_judged_as_by_looking_at_every_address() {
    let mut dice = Dice(7);
    let (mut valid, mut refused) = (0, 0);
    for _ in 0..PLANS {
        let ranges: Vec<_> = (0..2 + dice.below(5))
            .map(|_| {
                let purpose = Purpose::ALL[dice.below(11) as usize];
                let prefix = 26 + u8::try_from(dice.below(7)).unwrap();
                let net = Ipv4Net::new((0x0a00_0000 + dice.below(BITS)).into(), prefix).unwrap();
                Range::new(purpose, net.into(), "")
            })
            .collect();
        let sets: Vec<_> = ranges.iter().map(|range| addresses(range.net)).collect();
        let mut expected = Vec::new();
        for (number, one) in ranges.iter().enumerate() {
            for (further, other) in ranges.iter().enumerate().skip(number + 1) {
                let shared = (0..BITS as usize).any(|bit| sets[number][bit] && sets[further][bit]);
                if let Some(severity) = meaning(one.purpose, other.purpose).filter(|_| shared) {
                    expected.push(Conflict {
                        severity,
                        one: one.clone(),
                        other: other.clone(),
                    });
                }
            }
        }
        expected.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
        match expected.first() {
            Some(conflict) if conflict.severity == Severity::Error => refused += 1,
            _ => valid += 1,
        }
        assert_eq!(AddressPlan::new(ranges).conflicts(), expected);
    }
    assert!(
        valid > PLANS / 10 && refused > PLANS / 10,
        "both are tried: {valid} valid, {refused} refused"
    );
}
