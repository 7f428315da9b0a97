//! When a program is asked to end.

use tokio::signal::unix::{SignalKind, signal};

use super::ProgramError;

/// Waits until the process is asked to end: SIGTERM, as engines send it, or SIGINT.
///
/// # Errors
/// [`ProgramError::Signals`] when the system lets nobody wait for them.
pub async fn asked_to_end() -> Result<(), ProgramError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ProgramError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ProgramError::Signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
