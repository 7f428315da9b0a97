//! Several Docker Engines on one machine, for tests and for people who try something.
//!
//! Each node of a lab is a small machine: network, process, mount, host name and IPC namespaces of its own, with one
//! cable to a switch, and an engine inside at the usual places (`/var/run/docker.sock`, `/var/lib/docker`). What a container
//! bind-mounts from there belongs to its own node, so programs behave as on real machines. Nodes can be cut off, switched off and
//! started again with their disks.
//!
//! Nothing of a lab survives the program that holds it, however that ends: the first process of every namespace waits for the
//! end of a pipe, and the kernel ends everything inside. Only directories and empty control groups stay after a kill; the next lab
//! removes them. A lab that [`Builder::keep`] left behind is found again by [`Lab::attach`].
//!
//! What the kernel of a machine does not have stays absent: without `ip_vs` the addresses of services carry no traffic.
//!
//! Knows nothing of the product. Returns errors; `mke_test_support::lab` is the same for tests, which panic.
//!
//! ```no_run
//! # fn main() -> Result<(), mke_lab::LabError> {
//! let lab = mke_lab::Lab::builder().nodes(3).swarm(3).start()?;
//! println!("{}", lab.node(1)?.docker(&["node", "ls"])?);
//! lab.node(3)?.partition()?;
//! # Ok(())
//! # }
//! ```

mod boot;
mod builder;
mod error;
mod groups;
mod lab;
mod leftovers;
mod net;
mod node;
mod ping;
mod process;
mod programs;
mod record;
mod run;
mod status;
mod swarm;
mod switch;
mod wait;

pub use builder::Builder;
pub use error::LabError;
pub use lab::Lab;
pub use node::Node;
pub use ping::answers;
pub use process::Process;
pub use run::{Ended, run};
pub use status::NodeStatus;
pub use swarm::Role;
pub use wait::until;
