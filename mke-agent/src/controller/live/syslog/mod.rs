//! Messages and audit records on their way to a remote syslog.
//!
//! | file | decides |
//! | --- | --- |
//! | `message` | how a message is written (RFC 5424) |
//! | `layer` | which messages of the program are sent |
//! | `queue` | how many wait, and what is counted |
//! | `target` | where to, from the configuration |
//! | `sender` | connections, framing and waiting (RFC 6587, RFC 5426) |
//!
//! Whoever logs only puts a message into the queue and never waits. What finds no room is counted and reported. Messages
//! of these files themselves are never sent: they would feed themselves.

mod layer;
mod message;
mod queue;
mod sender;
mod target;

pub(super) use layer::SyslogLayer;
pub(super) use message::Origin;
pub(super) use queue::Queue;
pub use queue::SyslogCounts;
pub(super) use sender::run;
pub(super) use target::Target;
