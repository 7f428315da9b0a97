//! The nodes as the store knows them: the inventory, what each agent last said, and who is heard of.
//!
//! Who is heard of has a key under a lease of [`super::HEARTBEAT`]: the store forgets it by itself, and every manager
//! learns that at the same moment, whichever of them the node spoke to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use mke_core::product::Role;
use mke_core::store::{Event, StoreError, layout};
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::report::StoredReport;
use super::state::{Contact, Known};
use super::swarm::{SwarmNode, TaskState};
use crate::controller::records::decode;

/// A node of the inventory. Being in it is what "registered" means (NST-002).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Swarm's id.
    pub id: String,
    /// The name of the machine.
    pub hostname: String,
    /// Where managers reach it.
    pub address: Option<IpAddr>,
    /// The role that the swarm gives it.
    pub role: Role,
    /// When it was taken in.
    pub registered_at: Timestamp,
}

/// The inventory with all that belongs to it, at one revision of the store.
#[derive(Debug, Clone, Default)]
pub struct Roll {
    nodes: BTreeMap<String, NodeRecord>,
    reports: BTreeMap<String, Arc<StoredReport>>,
    beats: BTreeSet<String>,
    controllers: BTreeSet<String>,
    /// How often controllers were lost that were heard of while this roll was kept.
    lost_controllers: BTreeMap<String, u32>,
}

impl Roll {
    /// Takes one event in. Says whether it was about nodes.
    ///
    /// # Errors
    /// When the record cannot be read; call [`Self::forget`] then.
    pub fn apply(&mut self, event: &Event) -> Result<bool, StoreError> {
        let key = event.key();
        let entry = match event {
            Event::Put(entry) => Some(entry),
            Event::Delete { .. } => None,
        };
        if let Some(id) = only_part(layout::NODES, key) {
            match entry {
                Some(entry) => self.nodes.insert(id, decode(entry)?),
                None => self.nodes.remove(&id),
            };
        } else if let Some(id) = only_part(layout::NODE_REPORTS, key) {
            match entry {
                Some(entry) => self.reports.insert(id, Arc::new(decode(entry)?)),
                None => self.reports.remove(&id),
            };
        } else if let Some(id) = only_part(layout::NODE_BEATS, key) {
            match entry {
                Some(_) => self.beats.insert(id),
                None => self.beats.remove(&id),
            };
        } else if let Some(id) = only_part(layout::CONTROLLER_BEATS, key) {
            if entry.is_some() {
                self.controllers.insert(id);
            } else if self.controllers.remove(&id) {
                let losses = self.lost_controllers.entry(id).or_default();
                *losses = losses.saturating_add(1);
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Leaves out what a key holds.
    pub fn forget(&mut self, key: &str) {
        if let Some(id) = only_part(layout::NODES, key) {
            self.nodes.remove(&id);
        }
        if let Some(id) = only_part(layout::NODE_REPORTS, key) {
            self.reports.remove(&id);
        }
    }

    /// The inventory, by node id.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeRecord> {
        self.nodes.values()
    }

    /// A node of the inventory.
    pub fn node(&self, id: &str) -> Option<&NodeRecord> {
        self.nodes.get(id)
    }

    /// What the agent of a node last said.
    pub fn report(&self, id: &str) -> Option<&Arc<StoredReport>> {
        self.reports.get(id)
    }

    /// Nodes that left something behind, registered or not.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.nodes
            .keys()
            .chain(self.reports.keys())
            .map(String::as_str)
            .collect()
    }

    /// Whether the agent of a node is heard of.
    pub fn contact(&self, id: &str) -> Contact {
        match (self.beats.contains(id), self.reports.contains_key(id)) {
            (true, _) => Contact::Alive,
            (false, true) => Contact::Lost,
            (false, false) => Contact::Never,
        }
    }

    /// Whether the controller of a manager is heard of.
    pub fn controller(&self, id: &str) -> Contact {
        match (
            self.controllers.contains(id),
            self.lost_controllers.contains_key(id),
        ) {
            (true, _) => Contact::Alive,
            (false, true) => Contact::Lost,
            (false, false) => Contact::Never,
        }
    }

    /// Whether another node of the inventory that is heard of has the same engine id (NST-010).
    pub fn has_twin(&self, id: &str) -> bool {
        let Some(own) = self.reports.get(id).map(|stored| &stored.report.engine_id) else {
            return false;
        };
        !own.is_empty()
            && self.reports.iter().any(|(other, stored)| {
                other != id && self.beats.contains(other) && stored.report.engine_id == *own
            })
    }

    /// All that is known of a node of the swarm.
    pub fn known<'a>(&self, node: &'a SwarmNode, task: Option<TaskState>) -> Known<'a> {
        Known {
            task,
            registered: self.nodes.contains_key(&node.id),
            contact: self.contact(&node.id),
            twin: self.has_twin(&node.id),
            controller: self.controller(&node.id),
            losses: self.lost_controllers.get(&node.id).copied().unwrap_or_default(),
            node,
        }
    }
}

fn only_part(family: &str, key: &str) -> Option<String> {
    let mut parts = layout::parts(family, key)?.into_iter();
    match (parts.next(), parts.next()) {
        (Some(part), None) => Some(part.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
