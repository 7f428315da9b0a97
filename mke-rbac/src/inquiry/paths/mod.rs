//! `paths`: how somebody gets from what they may do to being root on a node.
//!
//! Every edge rests on rights that the policy confirms; where an edge also needs something that the policy does not
//! know, such as a running container, the path says so as a condition. `docs/guide/policy-tests.md` gives the reason
//! for each edge.

mod kubernetes;
mod swarm;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::difference::{plural, shortened};
use super::log::KubernetesUse;
use super::{Inquiry, InquiryError, Report, Scene};
use crate::operation::{Modifier, Operation};

/// Users that one entry names.
const NAMED: usize = 10;

/// Who can become root on a node, and how?
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// About whom: `user:<name>`, `service-account:<namespace>/<name>`, `group:<name>`, `kubernetes-user:<name>`; about
    /// everybody when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Whether rights that only weaken the isolation of a node are listed as well.
    pub footholds: bool,
    /// Which pods the cluster lets in.
    pub admission: PodAdmission,
    /// Most entries that are listed, of subjects with the same paths; 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Who may use privileged attributes of pods (R91): administrators and service accounts that a ClusterRoleBinding binds
/// to cluster-admin, and these exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PodAdmission {
    /// Everybody: a cluster without this admission.
    pub unrestricted: bool,
    /// Names of users.
    pub users: Vec<String>,
    /// What these users may use: `hostBindMounts`, `privileged`, `kernelCapabilities`, `hostIPC`, `hostNetwork`, `hostPID`.
    pub user_attributes: Vec<String>,
    /// Service accounts as `<namespace>:<name>`.
    pub service_accounts: Vec<String>,
    /// What these service accounts may use.
    pub service_account_attributes: Vec<String>,
}

/// Who can, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathsReport {
    /// How many subjects were looked at.
    pub subjects: u64,
    /// How many of them become root for certain.
    pub root: u64,
    /// How many become root only under a condition.
    pub conditional: u64,
    /// Subjects with the same paths together, the shortest way first.
    pub entries: Vec<SubjectPaths>,
    /// How many entries a limit left out.
    pub left_out: usize,
}

/// The paths of some subjects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectPaths {
    /// Who; the first ones when there are many.
    pub who: Vec<String>,
    /// How many.
    pub count: u64,
    /// The paths, certain before conditional, short before long.
    pub paths: Vec<EscalationPath>,
}

/// One way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationPath {
    /// Where it ends.
    pub outcome: PathOutcome,
    /// The steps, in order.
    pub steps: Vec<PathStep>,
    /// What else must be so, which the policy does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// The known nodes that it reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
}

/// Where a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathOutcome {
    /// Root on a node.
    Root,
    /// Part of a node's isolation is gone, which alone does not make anybody root.
    Foothold,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathStep {
    /// The kind of step: `host-mount-container`, `impersonate`, …
    pub edge: String,
    /// What is done.
    pub does: String,
    /// As whom, when it is somebody else than the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_as: Option<String>,
    /// Rights that it needs, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<PathNeed>,
    /// The grants or bindings that give them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// A right that a step needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathNeed {
    /// An operation on a collection.
    Operation {
        /// The operation.
        operation: Operation,
        /// Its modifiers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        modifiers: Vec<Modifier>,
        /// The path of the collection.
        collection: String,
    },
    /// A request to Kubernetes.
    Kubernetes(KubernetesUse),
}

impl Inquiry for Paths {
    const NAME: &'static str = "paths";
    type Report = PathsReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<PathsReport, InquiryError> {
        let limit = self.limit.unwrap_or(super::simulate::LIMIT);
        // Ways on both sides of one subject stand together.
        let mut found: BTreeMap<String, Vec<EscalationPath>> = BTreeMap::new();
        let mut subjects = 0;
        for (who, paths) in swarm::search(scene, self)?
            .into_iter()
            .chain(kubernetes::search(scene, self)?)
        {
            let known = found.entry(who).or_insert_with(|| {
                subjects += 1;
                Vec::new()
            });
            known.extend(paths);
        }
        let certain = |paths: &[EscalationPath]| paths.iter().any(EscalationPath::is_certain);
        let root = found.values().filter(|paths| certain(paths)).count();
        let possible = |paths: &[EscalationPath]| paths.iter().any(|path| path.outcome == PathOutcome::Root);
        let conditional = found
            .values()
            .filter(|paths| !certain(paths) && possible(paths))
            .count();
        let mut groups: BTreeMap<String, (Vec<EscalationPath>, Vec<String>)> = BTreeMap::new();
        for (who, mut paths) in found {
            if !self.footholds {
                paths.retain(|path| path.outcome == PathOutcome::Root);
            }
            if paths.is_empty() {
                continue;
            }
            paths.sort_by_key(EscalationPath::rank);
            let key = serde_json::to_string(&paths).unwrap_or_default();
            groups
                .entry(key)
                .or_insert_with(|| (paths, Vec::new()))
                .1
                .push(who);
        }
        let mut entries: Vec<_> = groups.into_values().collect();
        entries.sort_by(|(one, who), (other, others)| {
            let rank = |paths: &[EscalationPath]| paths.first().map(EscalationPath::rank);
            (rank(one), who).cmp(&(rank(other), others))
        });
        let left_out = entries.len().saturating_sub(limit);
        entries.truncate(limit);
        Ok(PathsReport {
            subjects,
            root: root as u64,
            conditional: conditional as u64,
            entries: entries
                .into_iter()
                .map(|(paths, who)| SubjectPaths {
                    count: who.len() as u64,
                    who: who.into_iter().take(NAMED).collect(),
                    paths,
                })
                .collect(),
            left_out,
        })
    }
}

impl EscalationPath {
    /// Whether it ends at root and nothing unknown stands in its way.
    pub fn is_certain(&self) -> bool {
        self.outcome == PathOutcome::Root && self.conditions.is_empty()
    }

    fn rank(&self) -> (PathOutcome, usize, usize, String) {
        let edges: Vec<_> = self.steps.iter().map(|step| step.edge.as_str()).collect();
        (
            self.outcome,
            self.conditions.len(),
            self.steps.len(),
            edges.join(" "),
        )
    }
}

impl Report for PathsReport {
    fn is_no(&self) -> bool {
        self.root > 0
    }
}

impl fmt::Display for PathsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} looked at: {} root on a node for certain, {} under a condition",
            plural(self.subjects, "subject"),
            match self.root {
                1 => "1 becomes".to_owned(),
                count => format!("{count} become"),
            },
            self.conditional
        )?;
        for entry in &self.entries {
            write!(f, "\n{entry}")?;
        }
        if self.left_out > 0 {
            let more = plural(self.left_out as u64, "entry");
            writeln!(f, "\n{more} more left out; a higher limit shows them")?;
        }
        Ok(())
    }
}

impl fmt::Display for SubjectPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", shortened(&self.who, self.count))?;
        for (number, path) in self.paths.iter().enumerate() {
            let nodes = match path.nodes.is_empty() {
                true => String::new(),
                false => format!(" on {}", path.nodes.join(", ")),
            };
            let end = match path.outcome {
                PathOutcome::Root => "root",
                PathOutcome::Foothold => "a foothold",
            };
            writeln!(f, "  {}. {end}{nodes}", number + 1)?;
            for step in &path.steps {
                write!(f, "{step}")?;
            }
            for condition in &path.conditions {
                writeln!(f, "     if {condition}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "     - {} [{}]", self.does, self.edge)?;
        if let Some(name) = &self.acting_as {
            write!(f, " as {name}")?;
        }
        writeln!(f)?;
        for by in &self.by {
            writeln!(f, "       by {by}")?;
        }
        Ok(())
    }
}
