//! The errors of `mke-net`: addresses, ports, kernels, nodes of Azure.

use super::fields::listed;

listed! {
    enum mke_net::address::CapacityProblem => "AddressCapacityError" {
        Pods { net, holds, nodes, wanted, prefix }, Services { net, holds, wanted, prefix },
        Overlays { holds, wanted }, OverlaySize { size, holds, nodes },
    };
    enum mke_net::azure::MetadataError => "AzureMetadataError" { Form(source), NoAddress };
    enum mke_net::azure::PoolError => "AzurePoolError" { Full(number) };
    enum mke_net::azure::SizingProblem => "AzureSizingError" {
        TooFew(number), NotShrunk { from, to }, Subnet { subnet, free, nodes, each, needed, prefix },
        PodsOutside { pods, subnet }, PodsInside { pods, subnet },
    };
    enum mke_net::cni::MtuProblem => "MtuError" {
        TooLarge { key, found, largest, link }, TooSmall { key, found, largest }, Link { link, overhead },
    };
    struct mke_net::daemon::Problem => "DaemonSettingError" { Problem { line, column, key, what } };
    enum mke_net::ports::PortProblem => "PortConflictError" {
        Same { one, other }, NodePort { port, low, high },
    };
    struct mke_net::ports::RangeError => "PortRangeError" { RangeError };
    enum mke_net::address::AllocateError => "AllocateError" { Exhausted, Overlaps { wanted, taken } };
    enum mke_net::address::PoolProblem => "AddressPoolError" { LargerThanBase { base, size }, TooSmall { size } };
    struct mke_net::address::propose::NoPlace => "NoPlaceError" { NoPlace { wanted } };
    enum mke_net::balancer::BalancerProblem => "BalancerError" {
        NoManager, Address(name), Twice(name), SamePort { port, one, other }, NoPort,
    };
    struct mke_net::cni::MethodError => "AutodetectionError" { MethodError };
    struct mke_net::daemon::NotJson => "DaemonFileError" { NotJson { line, column, what } };
    struct mke_net::host::HostError => "HostError" { HostError { path, source } };
    enum mke_net::kernel::KernelError => "KernelError" {
        NoNamespace { name, source }, File { doing, path, source }, NoClock, Busy { path }, Unconfirmed, NothingToConfirm,
        TooLate, BadJournal { path, reason }, Moved { key, expected, found }, Refused { key, value, reason, after },
        NotTakenBack { keys, reason },
    };
    struct mke_net::kernel::KeyError => "KernelKeyError" { KeyError };
}
