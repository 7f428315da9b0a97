//! The errors of `mke-net`: addresses, ports, nodes of Azure.

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
}
