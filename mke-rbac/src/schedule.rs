//! Which nodes a workload may run on (R40 to R49).
//!
//! A workload in a collection may use the nodes below its *schedule root*: the collection nearest `/`, on the
//! way from the root to the workload's collection, on which the user holds Node Schedule. The answer is a
//! placement constraint; whether nodes are there is not asked (R47).

use mke_core::ids::CollectionId;

use crate::decision::{Check, Denial, Subject};
use crate::demand::Home;
use crate::few::Few;
use crate::model::builtin;
use crate::operation::{ModifierSet, Operation};
use crate::policy::{Caller, Policy};

/// How the label that carries the collections of a node begins in a placement constraint.
const NODE_COLLECTION: &str = "node.labels.com.docker.ucp.collection.";

/// Where workloads may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The schedule root. For administrators `/`.
    pub root: CollectionId,
    /// The placement constraint that keeps the workload there, such as
    /// `node.labels.com.docker.ucp.collection.shared==true`.
    pub constraint: String,
    /// The collection whose nodes are left out although they lie below the root (R45).
    except: Option<CollectionId>,
}

impl Schedule {
    fn below(root: &CollectionId) -> Self {
        Self {
            root: root.clone(),
            constraint: format!("{NODE_COLLECTION}{root}==true"),
            except: None,
        }
    }

    /// The whole cluster but the managers (R45).
    fn outside_system() -> Self {
        Self {
            root: CollectionId::new(builtin::ROOT),
            constraint: format!("{NODE_COLLECTION}{}!=true", builtin::SYSTEM),
            except: Some(CollectionId::new(builtin::SYSTEM)),
        }
    }

    /// Whether a node that lies there satisfies the constraint. A node with conflicting labels never does.
    pub fn admits(&self, node_home: &Home, policy: &Policy) -> bool {
        let Home::Collection(node) = node_home else {
            return false;
        };
        let excluded = self
            .except
            .as_ref()
            .is_some_and(|except| policy.covers(except, node));
        policy.covers(&self.root, node) && !excluded
    }
}

impl Policy {
    /// Where workloads of the subject in this collection may run, or what is missing (R43).
    pub fn schedule(&self, subject: &Subject, collection: &CollectionId) -> Result<Schedule, Denial> {
        let caller = match self.caller(subject)? {
            Caller::Anonymous => return Err(Denial::Unauthenticated),
            Caller::Administrator if self.settings().enable_admin_ucp_scheduling => {
                return Ok(Schedule::below(&CollectionId::new(builtin::ROOT)));
            }
            Caller::Administrator => return Ok(Schedule::outside_system()),
            caller @ Caller::User(_) => caller,
        };
        let mut root = None;
        let place = self.place(collection);
        if let Some(place) = place {
            // The nearest comes first, so the last one is the nearest to the root.
            self.covering(&caller, place, Operation::NodeSchedule, |held, _| {
                root = Some(held.place);
                true
            });
        }
        let root = root.and_then(|root| self.names().collection(root));
        match root {
            Some(root) => Ok(Schedule::below(root)),
            None => {
                let check = Check {
                    operation: Operation::NodeSchedule,
                    modifiers: ModifierSet::EMPTY,
                    collection: collection.clone(),
                };
                Err(Denial::Missing(Few::one(self.missing(&check, place, None))))
            }
        }
    }
}
