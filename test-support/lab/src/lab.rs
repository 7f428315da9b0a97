//! A lab that runs: its nodes, and its end.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::boot::Held;
use crate::builder::Builder;
use crate::error::LabError;
use crate::groups;
use crate::leftovers;
use crate::net::Subnet;
use crate::node::{Node, Slot};
use crate::process::Process;
use crate::record::{NodeRecord, Pair, Record};
use crate::switch::Switch;

/// Several engines on one machine. It ends with its last handle, unless it is kept.
#[derive(Debug)]
pub struct Lab {
    pub(crate) directory: PathBuf,
    /// The name of its control groups.
    pub(crate) name: String,
    pub(crate) owner: Option<Process>,
    pub(crate) switch: Mutex<Switch>,
    pub(crate) slots: Vec<Slot>,
    /// More options for engines.
    pub(crate) engine: Vec<String>,
    /// Whether its processes go on without this program.
    pub(crate) kept: bool,
    /// Whether it ends with this value.
    pub(crate) ends: bool,
}

impl Lab {
    /// How a lab is set up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A lab of this many nodes, `n1` and so on, whose engines are in no swarm.
    ///
    /// # Errors
    /// When something is missing, or does not start in time.
    pub fn up(nodes: usize) -> Result<Self, LabError> {
        Self::builder().nodes(nodes).start()
    }

    /// A lab that another program has kept.
    ///
    /// # Errors
    /// When there is none in the directory.
    pub fn attach(directory: &Path) -> Result<Self, LabError> {
        let absent = || LabError::Absent(directory.to_owned());
        let directory = directory.canonicalize().map_err(|_| absent())?;
        let record = Record::read(&directory)
            .filter(|record| record.owner.is_none() && record.switch.init.runs())
            .ok_or_else(absent)?;
        let held = |pair: Pair| Held {
            child: None,
            outer: pair.outer,
            init: pair.init,
        };
        let slots = (1..).zip(record.nodes).map(|(number, node)| {
            let place = directory.join(format!("n{number}"));
            Slot::new(number, node.name, place, node.process.map(held))
        });
        Ok(Self {
            slots: slots.collect(),
            switch: Mutex::new(Switch {
                held: held(record.switch),
                subnet: record.subnet,
            }),
            owner: None,
            name: record.name,
            engine: record.engine,
            directory,
            kept: true,
            ends: false,
        })
    }

    /// Ends a lab that was kept, also what is left of one after the machine started again.
    ///
    /// # Errors
    /// When there is none in the directory, or something of it does not go away.
    pub fn end_kept(directory: &Path) -> Result<(), LabError> {
        let Ok(mut lab) = Self::attach(directory) else {
            let record = Record::read(directory).filter(|record| record.owner.is_none());
            let record = record.ok_or_else(|| LabError::Absent(directory.to_owned()))?;
            leftovers::remove(directory, Some(&record));
            return Ok(());
        };
        lab.ends = true;
        Ok(())
    }

    /// How many nodes it has.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it has no nodes.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// A node by its number, counted from 1.
    ///
    /// # Errors
    /// When there is none.
    pub fn node(&self, number: usize) -> Result<Node<'_>, LabError> {
        let slot = number.checked_sub(1).and_then(|index| self.slots.get(index));
        slot.map(|slot| Node { lab: self, slot })
            .ok_or_else(|| self.no_such(&format!("n{number}")))
    }

    /// A node by its host name.
    ///
    /// # Errors
    /// When there is none.
    pub fn node_named(&self, name: &str) -> Result<Node<'_>, LabError> {
        self.nodes()
            .find(|node| node.name() == name)
            .ok_or_else(|| self.no_such(name))
    }

    fn no_such(&self, name: &str) -> LabError {
        LabError::NoSuchNode {
            name: name.to_owned(),
            known: self.slots.iter().map(|slot| slot.name.clone()).collect(),
        }
    }

    /// All nodes, in their order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.slots.iter().map(|slot| Node { lab: self, slot })
    }

    /// The host's address on the lab's net: what nodes reach the host at.
    pub fn gateway(&self) -> Ipv4Addr {
        self.subnet().gateway()
    }

    /// The lab's net, such as `10.198.7.0/24`.
    pub fn net(&self) -> String {
        self.subnet().range()
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Loads images from an archive of `docker save` on every node that runs, on all at once.
    ///
    /// # Errors
    /// What the first engine says that refuses it.
    pub fn load_images(&self, archive: &Path) -> Result<(), LabError> {
        self.on_all(|node| {
            if node.runs() {
                node.load_images(archive)
            } else {
                Ok(())
            }
        })
    }

    /// Does something on all nodes at once. Returns the first error.
    fn on_all(&self, act: impl Fn(Node<'_>) -> Result<(), LabError> + Sync) -> Result<(), LabError> {
        std::thread::scope(|scope| {
            let act = &act;
            let running: Vec<_> = self.nodes().map(|node| scope.spawn(move || act(node))).collect();
            let results: Vec<_> = running
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .collect();
            results.into_iter().collect()
        })
    }

    pub(crate) fn subnet(&self) -> Subnet {
        self.with_switch(|switch| switch.subnet)
    }

    pub(crate) fn with_switch<T>(&self, act: impl FnOnce(&mut Switch) -> T) -> T {
        act(&mut self.switch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The hosts file of all nodes.
    pub(crate) fn hosts(&self) -> String {
        let mut text = "127.0.0.1 localhost\n".to_owned();
        let subnet = self.subnet();
        for slot in &self.slots {
            // Writing into a text does not fail.
            let _ = writeln!(text, "{} {}", subnet.node(slot.number), slot.name);
        }
        text
    }

    /// Writes down which processes there are.
    pub(crate) fn remember(&self) -> Result<(), LabError> {
        let pair = |held: &Held| Pair {
            outer: held.outer,
            init: held.init,
        };
        let nodes = self.slots.iter().map(|slot| NodeRecord {
            name: slot.name.clone(),
            process: slot.with(|held| held.as_ref().map(pair)),
        });
        Record {
            owner: self.owner,
            name: self.name.clone(),
            subnet: self.subnet(),
            switch: self.with_switch(|switch| pair(&switch.held)),
            engine: self.engine.clone(),
            nodes: nodes.collect(),
        }
        .write(&self.directory)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.ends {
            return;
        }
        // What does not go away now is found by the next lab.
        let _ = self.on_all(|node| node.end());
        self.with_switch(Switch::end);
        groups::remove(&self.name);
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
