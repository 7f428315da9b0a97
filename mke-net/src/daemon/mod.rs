//! `daemon.json`, the Engine's own file: read with every problem at once, checked, and changed without touching what
//! was not meant.

mod check;
mod document;
mod settings;

pub use check::findings;
pub use document::{DaemonFile, NotJson};
pub use settings::{DaemonSettings, Problem};
