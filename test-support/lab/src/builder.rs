//! What a lab is made of, and its start.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::LabError;
use crate::lab::Lab;
use crate::leftovers;
use crate::net::MOST_NODES;
use crate::node::Slot;
use crate::process::Process;
use crate::programs;
use crate::record::Record;
use crate::switch::Switch;

/// The kernel allows 108 bytes for the path of a socket.
const LONGEST_PATH: usize = 80;

/// Makes labs of one program differ.
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// How a lab is set up.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    names: Vec<String>,
    managers: Option<usize>,
    engine: Vec<String>,
    kept: Option<PathBuf>,
}

impl Builder {
    /// This many nodes, named `n1`, `n2` and so on. At most 60.
    #[must_use]
    pub fn nodes(self, count: usize) -> Self {
        self.names((1..=count).map(|number| format!("n{number}")))
    }

    /// Nodes with these host names.
    #[must_use]
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The nodes make a swarm, the first of them as managers. Without this every engine stays alone.
    #[must_use]
    pub fn swarm(mut self, managers: usize) -> Self {
        self.managers = Some(managers);
        self
    }

    /// More options for every engine, such as `--experimental`.
    #[must_use]
    pub fn engine_args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.engine.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The lab outlives this program. It is in this directory, and [`Lab::attach`] finds it again.
    #[must_use]
    pub fn keep(mut self, directory: impl Into<PathBuf>) -> Self {
        self.kept = Some(directory.into());
        self
    }

    /// Starts all nodes, and returns when every engine answers and the swarm, if there is one, is complete.
    ///
    /// # Errors
    /// When something is missing, or does not start in time. Nothing is left behind then.
    pub fn start(self) -> Result<Lab, LabError> {
        programs::check()?;
        leftovers::remove_all();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        let kept = self.kept.is_some();
        let (directory, name) = match self.kept {
            Some(directory) => {
                if Record::read(&directory).is_some() {
                    return Err(LabError::Present(directory));
                }
                (directory, format!("{}kept-{pid}", leftovers::PREFIX))
            }
            None => {
                let name = format!("{}{pid}-{number}", leftovers::PREFIX);
                (PathBuf::from(leftovers::BASE).join(&name), name)
            }
        };
        if directory.as_os_str().len() > LONGEST_PATH {
            return Err(LabError::PathTooLong(directory));
        }
        fs::create_dir_all(&directory).map_err(LabError::file("create", &directory))?;
        let directory = directory
            .canonicalize()
            .map_err(LabError::file("find", &directory))?;
        let switch = Switch::start(&directory, pid.wrapping_add(number), kept)?;
        let slots = self.names.into_iter().take(MOST_NODES.into());
        let slots = (1..).zip(slots).map(|(number, name)| {
            let place = directory.join(format!("n{number}"));
            Slot::new(number, name, place, None)
        });
        // From here on it removes itself when something fails.
        let mut lab = Lab {
            slots: slots.collect(),
            switch: Mutex::new(switch),
            owner: if kept { None } else { Process::observe(pid) },
            directory,
            name,
            engine: self.engine,
            kept,
            ends: true,
        };
        lab.remember()?;
        for node in lab.nodes() {
            node.boot()?;
        }
        lab.remember()?;
        for node in lab.nodes() {
            node.plug()?;
        }
        for node in lab.nodes() {
            node.ready()?;
        }
        if let Some(managers) = self.managers {
            lab.form_swarm(managers)?;
        }
        lab.ends = !kept;
        Ok(lab)
    }
}
