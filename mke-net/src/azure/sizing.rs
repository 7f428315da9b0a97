//! How many addresses a subnet needs (AZ-003, AZ-004, AZ-005, AZ-007).

use ipnet::Ipv4Net;

use crate::cni::Encapsulation;

/// Addresses for pods on each machine unless something else is asked for.
pub const DEFAULT_COUNT: u32 = 128;
/// The components that run as pods need so many.
const LEAST: u32 = 6;
/// Azure keeps the first four and the last address of each subnet.
const KEPT_BY_AZURE: u64 = 5;

/// What `--azure-ip-count` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressCount {
    /// Nothing is provisioned: the machines have their addresses already.
    Manual,
    /// So many are provisioned on each machine.
    Each(u32),
}

/// What does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizingProblem {
    /// Too few for the components.
    #[error(
        "`--azure-ip-count` is {0}: the components need at least 6 addresses on each machine, use 6 or more, or 0 when the \
         machines have addresses already"
    )]
    TooFew(u32),
    /// Fewer than there are: machines keep what they have.
    #[error(
        "`--azure-ip-count` goes from {from} to {to}: machines that are there keep their {from} addresses, only new ones \
         get {to}"
    )]
    NotShrunk {
        /// Before.
        from: u32,
        /// After.
        to: u32,
    },
    /// The subnet is too small.
    #[error(
        "{subnet} has {free} addresses for machines and pods, {nodes} machines with {each} each and one of their own need \
         {needed}: use a subnet of at most /{prefix}, or fewer addresses for each"
    )]
    Subnet {
        /// The subnet.
        subnet: Ipv4Net,
        /// What it has without those that Azure keeps.
        free: u64,
        /// Machines.
        nodes: u32,
        /// Addresses for pods on each.
        each: u32,
        /// What is needed.
        needed: u64,
        /// Longest prefix that is enough; 0 when none is.
        prefix: u8,
    },
    /// Without VXLAN pods live in the subnet of the machines.
    #[error(
        "`--pod-cidr` is {pods}: without VXLAN pods get addresses of the subnet of the machines, set it to {subnet}"
    )]
    PodsOutside {
        /// The range of the pods.
        pods: Ipv4Net,
        /// The subnet.
        subnet: Ipv4Net,
    },
    /// With VXLAN they must not.
    #[error(
        "`--pod-cidr` {pods} overlaps the subnet {subnet} of the machines: with VXLAN pods need a range of their own"
    )]
    PodsInside {
        /// The range of the pods.
        pods: Ipv4Net,
        /// The subnet.
        subnet: Ipv4Net,
    },
}

impl AddressCount {
    /// Reads the number. `manual` says that the machines already have addresses for pods; `before` is the number that
    /// the cluster was made with.
    ///
    /// # Errors
    /// [`SizingProblem::TooFew`]; a number that is only smaller than before is no error but comes back as a warning.
    pub fn read(
        count: u32,
        manual: bool,
        before: Option<u32>,
    ) -> Result<(Self, Option<SizingProblem>), SizingProblem> {
        let warning = before
            .filter(|before| count < *before)
            .map(|from| SizingProblem::NotShrunk { from, to: count });
        match count {
            0 => Ok((Self::Manual, warning)),
            few if few < LEAST && !manual => Err(SizingProblem::TooFew(few)),
            few if few < LEAST => Ok((Self::Each(few), warning.or(Some(SizingProblem::TooFew(few))))),
            each => Ok((Self::Each(each), warning)),
        }
    }

    fn each(self) -> u32 {
        match self {
            Self::Manual => 0,
            Self::Each(each) => each,
        }
    }
}

/// Whether a subnet holds so many machines and their pods.
///
/// # Errors
/// [`SizingProblem::Subnet`].
pub fn subnet(subnet: Ipv4Net, nodes: u32, count: AddressCount) -> Result<(), SizingProblem> {
    let each = count.each();
    let needed = u64::from(nodes) * (u64::from(each) + 1);
    let size = |prefix: u8| (1_u64 << (32 - u32::from(prefix))).saturating_sub(KEPT_BY_AZURE);
    let free = size(subnet.prefix_len());
    match needed <= free {
        true => Ok(()),
        false => Err(SizingProblem::Subnet {
            subnet,
            free,
            nodes,
            each,
            needed,
            prefix: (0..=32).rev().find(|prefix| size(*prefix) >= needed).unwrap_or(0),
        }),
    }
}

/// Whether the range of the pods fits how packets travel (AZ-007).
///
/// # Errors
/// [`SizingProblem::PodsOutside`] or [`SizingProblem::PodsInside`].
pub fn pod_range(pods: Ipv4Net, subnet: Ipv4Net, encapsulation: Encapsulation) -> Result<(), SizingProblem> {
    let (pods, subnet) = (pods.trunc(), subnet.trunc());
    let overlap = pods.contains(&subnet.network()) || subnet.contains(&pods.network());
    match encapsulation {
        Encapsulation::Vxlan if overlap => Err(SizingProblem::PodsInside { pods, subnet }),
        Encapsulation::IpInIp if pods != subnet => Err(SizingProblem::PodsOutside { pods, subnet }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    /// AZ-004: 0 means by hand, less than 6 needs addresses that are there, and a smaller number shrinks nothing.
    #[test]
    fn counts_of_addresses() {
        assert_eq!(
            AddressCount::read(0, false, None),
            Ok((AddressCount::Manual, None))
        );
        assert_eq!(
            AddressCount::read(6, false, None),
            Ok((AddressCount::Each(6), None))
        );
        for few in 1..6 {
            assert_eq!(
                AddressCount::read(few, false, None),
                Err(SizingProblem::TooFew(few))
            );
            assert_eq!(
                AddressCount::read(few, true, None),
                Ok((AddressCount::Each(few), Some(SizingProblem::TooFew(few))))
            );
        }
        let (count, warning) = AddressCount::read(64, false, Some(128)).unwrap();
        assert_eq!(count, AddressCount::Each(64));
        assert!(
            warning
                .unwrap()
                .to_string()
                .ends_with("machines that are there keep their 128 addresses, only new ones get 64")
        );
        assert_eq!(AddressCount::read(128, false, Some(64)).unwrap().1, None);
    }

    /// AZ-003, AZ-005: 256 machines with 128 each need more than 32,768 addresses.
    #[test]
    fn sizes_of_subnets() {
        let count = AddressCount::Each(DEFAULT_COUNT);
        assert_eq!(subnet(net("10.0.0.0/16"), 256, count), Ok(()));
        let error = subnet(net("10.0.0.0/17"), 256, count).unwrap_err().to_string();
        assert!(
            error.contains("256 machines with 128 each and one of their own need 33024"),
            "{error}"
        );
        assert!(error.contains("at most /16"), "{error}");
        assert_eq!(subnet(net("10.0.0.0/24"), 251, AddressCount::Manual), Ok(()));
        assert!(subnet(net("10.0.0.0/24"), 252, AddressCount::Manual).is_err());
    }

    /// AZ-007: the four combinations, and an overlap that is no equality.
    #[test]
    fn ranges_of_pods() {
        let own = net("10.0.0.0/16");
        for (pods, encapsulation, allowed) in [
            ("10.0.0.0/16", Encapsulation::IpInIp, true),
            ("192.168.0.0/16", Encapsulation::IpInIp, false),
            ("10.0.0.0/16", Encapsulation::Vxlan, false),
            ("192.168.0.0/16", Encapsulation::Vxlan, true),
            ("10.0.0.0/8", Encapsulation::Vxlan, false),
            ("10.0.0.0/17", Encapsulation::IpInIp, false),
        ] {
            assert_eq!(
                pod_range(net(pods), own, encapsulation).is_ok(),
                allowed,
                "{pods} {encapsulation:?}"
            );
        }
    }

    proptest! {
        /// AZ-005: a subnet is accepted exactly when its addresses suffice one by one, and the advised one suffices.
        #[test]
        fn subnets_suffice(prefix in 16_u8..=29, nodes in 0_u32..600, each in 0_u32..300) {
            let wanted = (0..nodes).map(|_| u64::from(each) + 1).sum::<u64>();
            let hosts = 1_u64.checked_shl(32 - u32::from(prefix)).unwrap();
            let result = subnet(Ipv4Net::new([10, 0, 0, 0].into(), prefix).unwrap(), nodes, AddressCount::Each(each));
            prop_assert_eq!(result.is_ok(), wanted + 5 <= hosts);
            if let Err(SizingProblem::Subnet { prefix, .. }) = result {
                let advised = Ipv4Net::new([10, 0, 0, 0].into(), prefix).unwrap();
                prop_assert_eq!(subnet(advised, nodes, AddressCount::Each(each)), Ok(()));
            }
        }
    }
}
