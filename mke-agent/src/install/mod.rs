//! Installing, upgrading and removing: what the bootstrapper does, over one engine's socket.
//!
//! Each follows the same way: observe, plan (pure), check (pure, every finding at once), apply with what undoes it.

mod begin;
pub mod certificates;
mod cloud;
pub mod configuration;
pub mod daemon;
pub mod error;
pub mod facts;
mod first_node;
pub mod handover;
mod host;
pub mod images;
pub mod inventory;
pub mod lock;
mod making;
mod material;
pub mod notes;
pub mod options;
pub mod own;
pub mod ping;
#[cfg(test)]
pub(crate) mod played;
pub mod preflight;
pub mod probe;
pub mod progress;
pub mod removal;
pub mod remover;
pub mod run;
pub mod services;
pub mod steps;
pub mod swarm;
pub mod uninstall;
pub mod upgrade;
pub mod wait;

pub use daemon::Daemon;
pub use error::InstallError;
pub use own::{Around, Own};
pub use progress::{Level, Progress, Silent};

/// Whether the swarm refused a change because the object was changed meanwhile.
fn is_out_of_sequence(error: &InstallError) -> bool {
    matches!(
        error,
        InstallError::Engine { source: crate::engine::EngineError::Refused { message, .. }, .. }
            if message.contains("out of sequence")
    )
}
