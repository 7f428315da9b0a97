//! What the machine of a node is made of (port 12389, ARCH-022): processors, memory, disks and network cards, read from
//! the kernel's own tables when somebody asks. Nothing is kept and nothing wakes up in between.

mod read;
mod server;

pub use read::{Disk, Hardware, Memory, NetworkCard, Partition, Processors, read};
pub use server::HardwareServer;

/// The port.
pub const PORT: u16 = 12389;
