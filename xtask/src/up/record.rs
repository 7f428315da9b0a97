//! What `up` started, written down at once so that `down` finds it even when `up` failed half-way.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::places::Places;
use crate::failure::{Failure, Outcome};
use crate::process::Process;

/// The content of `.mke/up.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// The private engine, when one was started.
    pub(super) engine: Option<Process>,
    /// The engine that `up` put into swarm mode.
    pub(super) swarm_made_on: Option<PathBuf>,
    /// The control plane.
    pub(super) serve: Option<Serving>,
}

/// A control plane that was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Serving {
    pub(super) process: Process,
    pub(super) url: String,
    /// The program, for the printed commands.
    pub(super) program: PathBuf,
    /// The engine that it serves.
    pub(super) socket: PathBuf,
}

impl Record {
    pub(super) fn read(places: &Places) -> Outcome<Self> {
        let path = places.record();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Failure::Broken(format!(
                    "cannot read {}: {error}; stop what still runs by hand and remove that file",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::file("read", &path)(error)),
        }
    }

    pub(super) fn write(&self, places: &Places) -> Outcome {
        let path = places.record();
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::Broken(format!("cannot write {}: {error}", path.display())))?;
        // Renamed into place: an interrupted write must not lose the ids of running processes.
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, text).map_err(Failure::file("write", &fresh))?;
        std::fs::rename(&fresh, &path).map_err(Failure::file("replace", &path))
    }

    /// The control plane, if it still runs.
    pub(super) fn serving(&self) -> Option<&Serving> {
        self.serve.as_ref().filter(|serving| serving.process.runs())
    }

    /// The private engine, if it still runs.
    pub(super) fn engine(&self) -> Option<Process> {
        self.engine.filter(|process| process.runs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::of(dir.path());
        let _lock = places.lock().unwrap();
        assert!(Record::read(&places).unwrap().serving().is_none(), "no file yet");
        let process = Process::observe(std::process::id()).unwrap();
        let serving = Serving {
            process,
            url: "https://127.0.0.1:1".into(),
            program: "ucp".into(),
            socket: "s".into(),
        };
        Record {
            engine: None,
            swarm_made_on: None,
            serve: Some(serving),
        }
        .write(&places)
        .unwrap();
        assert_eq!(
            Record::read(&places).unwrap().serving().unwrap().url,
            "https://127.0.0.1:1"
        );
        std::fs::write(places.record(), "{").unwrap();
        assert!(
            Record::read(&places)
                .unwrap_err()
                .to_string()
                .contains("remove that file")
        );
    }
}
