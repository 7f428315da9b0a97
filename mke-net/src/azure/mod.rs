//! Azure: addresses of pods from the machines' own subnet, the file that describes the cloud, and what must hold of
//! the machines.

mod allocator;
mod copies;
mod metadata;
mod sizing;

pub use allocator::{PodPool, PoolError};
pub use copies::{Copy, findings as copies_findings};
pub use metadata::{MetadataError, pod_addresses};
pub use sizing::{AddressCount, DEFAULT_COUNT, SizingProblem, pod_range, subnet};
