//! Judging a whole request: from what it asks, and what was found out about its objects, to one decision.
//!
//! The order is that of R64: the collection of the object, its operations with modifiers, references, scheduling.
//! [`Policy::decide`] gives the verdict; this module only says what must be checked where.

use mke_core::ids::CollectionId;
use mke_core::names::{CollectionPath, NameError};

use crate::decision::{Check, Decision, Denial, RuleDenial, Subject};
use crate::demand::{Access, Demand, Facts, Home, ObjectFacts, ObjectRef, Placement, Target, Want};
use crate::model::builtin;
use crate::operation::{Modifier, ModifierSet, ObjectType, Operation};
use crate::policy::{Caller, Policy};
use crate::schedule::Schedule;

/// The verdict on a request, and where its object lies.
#[derive(Debug)]
pub struct Judgement {
    /// The verdict.
    pub decision: Decision,
    /// Where the created or changed object lies, for requests that have one. Present in a denial as well.
    pub placed: Option<Placed>,
    /// Everything that the verdict is about, in the order of R64. Empty when something else decided before it came
    /// to checks.
    pub checks: Vec<Check>,
}

/// The place of a created or changed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The collection that it is in after the request.
    pub collection: CollectionId,
    /// Whether an existing object leaves another collection for it.
    pub moved: bool,
    /// Where it may run. Nothing when it needs no nodes, or when an update leaves the stored constraint as it
    /// is (R48): that of an administrator without a move, or of a user who may not schedule there.
    pub schedule: Option<Schedule>,
}

/// Why a request cannot be judged, whoever asks (R12, R32, R61).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// No collection has the path in the access label; none is made on the fly.
    #[error("collection `{label}` of the access label does not exist; create it or use another one")]
    UnknownCollection {
        /// The label as sent.
        label: String,
    },
    /// The access label is no path.
    #[error("access label `{label}` is not a collection path")]
    InvalidLabel {
        /// The label as sent.
        label: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// Objects of this type stay where they were created (R32).
    #[error("the access label of an existing {} cannot be changed", object_type.name().to_lowercase())]
    LabelNotEditable {
        /// The type.
        object_type: ObjectType,
    },
    /// The object does not exist.
    #[error("no such {0}")]
    NotFound(ObjectRef),
    /// The request has no access label, and the account has no default collection because it never logged in.
    #[error("the account has no default collection yet; log in once or set an access label")]
    NoDefaultCollection,
}

impl JudgeError {
    /// The word for it in answers to scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownCollection { .. } => "unknown-collection",
            Self::InvalidLabel { .. } => "invalid-label",
            Self::LabelNotEditable { .. } => "label-not-editable",
            Self::NotFound(_) => "not-found",
            Self::NoDefaultCollection => "no-default-collection",
        }
    }
}

impl Policy {
    /// Judges a request.
    ///
    /// A caller that is unknown or inactive gets a denial before anything about the objects shows, and one without
    /// credentials gets no error that would show what exists. A reference to a missing object is an error only for a caller who passes every other check, so that names
    /// cannot be probed.
    pub fn judge(&self, subject: &Subject, demand: &Demand, facts: &Facts) -> Result<Judgement, JudgeError> {
        self.judge_licensed(subject, demand, facts, self.settings().advanced_license)
    }

    /// [`Policy::judge`] with the licence tier as an argument, for questions about another licence.
    pub(crate) fn judge_licensed(
        &self,
        subject: &Subject,
        demand: &Demand,
        facts: &Facts,
        advanced_license: bool,
    ) -> Result<Judgement, JudgeError> {
        match self.judge_known(subject, demand, facts, advanced_license) {
            Err(_) if *subject == Subject::Anonymous => Ok(Judgement {
                decision: Decision::Denied(Denial::Unauthenticated),
                placed: None,
                checks: Vec::new(),
            }),
            judgement => judgement,
        }
    }

    fn judge_known(
        &self,
        subject: &Subject,
        demand: &Demand,
        facts: &Facts,
        advanced_license: bool,
    ) -> Result<Judgement, JudgeError> {
        let denied = |denial, placed| {
            Ok(Judgement {
                decision: Decision::Denied(denial),
                placed,
                checks: Vec::new(),
            })
        };
        let bare = |decision| {
            Ok(Judgement {
                decision,
                placed: None,
                checks: Vec::new(),
            })
        };
        if demand.access == Access::Public {
            return bare(self.decide(subject, Access::Public, &[]));
        }
        let caller = match self.caller(subject) {
            Ok(caller) => caller,
            Err(denial) => return denied(denial, None),
        };
        if demand.access == Access::Admin && !matches!(caller, Caller::Administrator) {
            return bare(self.decide(subject, Access::Admin, &[]));
        }
        if demand.access == Access::Operation
            && demand.wants.is_empty()
            && !matches!(caller, Caller::Anonymous)
        {
            return denied(Denial::Rule(RuleDenial::NothingAsked), None);
        }

        let place = match &demand.placement {
            None => None,
            Some(placement) => match self.resolve(subject, placement, facts)? {
                Resolved::At(place) => Some((placement, place)),
                Resolved::Conflicting(labelled) => {
                    // A node may be in `/System` by one of its labels, from where nobody moves it.
                    let moves_node = labelled.is_some() && placement.object_type == ObjectType::Node;
                    if !matches!(caller, Caller::Administrator) || moves_node {
                        return denied(Denial::ConflictingLabels, None);
                    }
                    labelled.map(|target| (placement, Place { target, source: None }))
                }
            },
        };
        let mut placed = place.as_ref().map(|(_, place)| Placed {
            collection: place.target.clone(),
            moved: place.source.is_some(),
            schedule: None,
        });
        if let Some((placement, place)) = &place
            && placement.object_type == ObjectType::Node
            && let Some(rule) = node_move(self, caller, place, advanced_license)
        {
            return denied(Denial::Rule(rule), placed);
        }
        if let Some(why) = demand.admin_only
            && !matches!(caller, Caller::Administrator)
        {
            return denied(Denial::AdministratorOnly { why }, placed);
        }

        let mut needed = Needed::of(demand, facts, place.as_ref().map(|(_, place)| place));
        if let Some((placement, place)) = &place
            && placement.node_bound
        {
            let schedule = self.schedule(subject, &place.target);
            let administrator = matches!(caller, Caller::Administrator);
            if placement.existing.is_none() || place.source.is_some() {
                needed.check(Operation::NodeSchedule, ModifierSet::EMPTY, &place.target);
                set_schedule(&mut placed, schedule.ok());
            } else if !administrator {
                set_schedule(&mut placed, schedule.ok());
            }
        }
        if needed.conflicting && !matches!(caller, Caller::Administrator) {
            return denied(Denial::ConflictingLabels, placed);
        }
        let first_missing = needed.not_found.into_iter().next();
        if needed.checks.is_empty()
            && let Some(missing) = first_missing
        {
            return Err(JudgeError::NotFound(missing));
        }
        let decision = self.decide(subject, demand.access, &needed.checks);
        match first_missing {
            Some(missing) if decision.is_allowed() => Err(JudgeError::NotFound(missing)),
            _ => Ok(Judgement {
                decision,
                placed,
                checks: needed.checks,
            }),
        }
    }

    /// Where a new object of this demand may run or lie, before anything else of it is looked up. Nothing when it needs no
    /// nodes, exists already, or may not be made: then [`Policy::judge`] says why.
    pub fn schedule_of_new(&self, subject: &Subject, demand: &Demand) -> Option<Schedule> {
        let placement = demand.placement.as_ref()?;
        if !placement.node_bound || placement.existing.is_some() {
            return None;
        }
        match self.resolve(subject, placement, &Facts::default()).ok()? {
            Resolved::At(place) => self.schedule(subject, &place.target).ok(),
            Resolved::Conflicting(_) => None,
        }
    }

    /// The collection of the placed object.
    fn resolve(
        &self,
        subject: &Subject,
        placement: &Placement,
        facts: &Facts,
    ) -> Result<Resolved, JudgeError> {
        let labelled = match &placement.label {
            Some(label) => Some(self.collection_of_label(label)?),
            None => None,
        };
        let Some(existing) = &placement.existing else {
            let target = match labelled {
                Some(target) => target,
                None => self.default_of(subject)?,
            };
            return Ok(Resolved::At(Place { target, source: None }));
        };
        let Some(found) = facts.objects.get(existing) else {
            return Err(JudgeError::NotFound(existing.clone()));
        };
        let home = match &found.home {
            Home::Collection(home) if labelled.as_ref().is_none_or(|target| target == home) => {
                return Ok(Resolved::At(Place {
                    target: home.clone(),
                    source: None,
                }));
            }
            Home::Collection(home) => Some(home),
            Home::Conflicting => None,
        };
        if labelled.is_some() && !placement.object_type.label_editable() {
            return Err(JudgeError::LabelNotEditable {
                object_type: placement.object_type,
            });
        }
        Ok(match (labelled, home) {
            (Some(target), Some(home)) => Resolved::At(Place {
                target,
                source: Some(Moved {
                    from: home.clone(),
                    object_type: placement.object_type,
                    object: existing.clone(),
                }),
            }),
            (labelled, _) => Resolved::Conflicting(labelled),
        })
    }

    /// The collection that an access label names (R12). A value without a leading slash is a label of the
    /// oldest releases and means a collection below `/Shared/Legacy`.
    pub fn collection_of_label(&self, label: &str) -> Result<CollectionId, JudgeError> {
        let path = if label.is_empty() || label.starts_with('/') {
            label.parse::<CollectionPath>()
        } else {
            format!("/Shared/Legacy/{label}").parse()
        };
        let path = path.map_err(|source| JudgeError::InvalidLabel {
            label: label.to_owned(),
            source,
        })?;
        match self.collection_by_path(&path) {
            Some(collection) => Ok(collection.id.clone()),
            None => Err(JudgeError::UnknownCollection {
                label: label.to_owned(),
            }),
        }
    }

    fn default_of(&self, subject: &Subject) -> Result<CollectionId, JudgeError> {
        let collection = match subject {
            Subject::Anonymous => None,
            Subject::Account(id) => self.default_collection(id),
        };
        match collection {
            Some(collection) => Ok(collection.id.clone()),
            None => Err(JudgeError::NoDefaultCollection),
        }
    }
}

/// What became of a placement.
enum Resolved {
    /// The object lies, or will lie, here.
    At(Place),
    /// The labels of the existing object contradict each other; with the collection that the request wants.
    Conflicting(Option<CollectionId>),
}

/// A resolved placement.
struct Place {
    target: CollectionId,
    source: Option<Moved>,
}

/// What leaves which collection.
struct Moved {
    from: CollectionId,
    object_type: ObjectType,
    object: ObjectRef,
}

fn set_schedule(placed: &mut Option<Placed>, schedule: Option<Schedule>) {
    if let Some(placed) = placed {
        placed.schedule = schedule;
    }
}

/// The limits on moving nodes (R46). They hold for administrators too (R5).
fn node_move(
    policy: &Policy,
    caller: Caller<'_>,
    place: &Place,
    advanced_license: bool,
) -> Option<RuleDenial> {
    let moved = place.source.as_ref()?;
    let system = CollectionId::new(builtin::SYSTEM);
    if !matches!(caller, Caller::Administrator) {
        return Some(RuleDenial::NodeMoveIsAdminOnly);
    }
    if policy.covers(&system, &moved.from) {
        return Some(RuleDenial::NodeInSystemCollection);
    }
    let always_possible = [builtin::SHARED, builtin::SYSTEM];
    if !advanced_license && !always_possible.contains(&place.target.as_str()) {
        return Some(RuleDenial::AdvancedLicenseRequired);
    }
    None
}

/// What a type needs in the collection that an object moves to (R33). Nodes need nothing there: only
/// administrators move them.
const fn create_operation(object_type: ObjectType) -> Option<Operation> {
    match object_type {
        ObjectType::Config => Some(Operation::ConfigCreate),
        ObjectType::Secret => Some(Operation::SecretCreate),
        ObjectType::Service => Some(Operation::ServiceCreate),
        _ => None,
    }
}

/// The checks of a request, and what stands in their way.
#[derive(Default)]
struct Needed {
    checks: Vec<Check>,
    not_found: Vec<ObjectRef>,
    conflicting: bool,
}

impl Needed {
    fn of(demand: &Demand, facts: &Facts, place: Option<&Place>) -> Self {
        let mut needed = Self::default();
        let wants = with_network_modifiers(&demand.wants, facts);
        let moved = place.and_then(|place| Some((place.source.as_ref()?, &place.target)));
        for (position, want) in wants.iter().enumerate() {
            needed.want(want, facts, place);
            // The first want is what the request does to the object itself.
            if position == 0
                && let Some((moved, target)) = moved
                && want.on == Target::Object(moved.object.clone())
                && let Some(create) = create_operation(moved.object_type)
            {
                needed.check(create, want.modifiers, target);
            }
        }
        needed
    }

    fn check(&mut self, operation: Operation, modifiers: ModifierSet, collection: &CollectionId) {
        let check = Check {
            operation,
            modifiers,
            collection: collection.clone(),
        };
        if !self.checks.contains(&check) {
            self.checks.push(check);
        }
    }

    fn home(&mut self, want: &Want, home: &Home) {
        match home {
            Home::Collection(collection) => self.check(want.operation, want.modifiers, collection),
            Home::Conflicting => self.conflicting = true,
        }
    }

    fn want(&mut self, want: &Want, facts: &Facts, place: Option<&Place>) {
        let root = Home::Collection(CollectionId::new(builtin::ROOT));
        let workload = place.map(|place| Home::Collection(place.target.clone()));
        match &want.on {
            Target::Root => self.home(want, &root),
            // Without a placement there is no workload; the root is the strictest reading.
            Target::Workload => self.home(want, workload.as_ref().unwrap_or(&root)),
            Target::Object(object) => self.object(want, object, facts),
            Target::Network(object) => self.object(want, object, facts),
            Target::VolumeOrWorkload(object) => match facts.objects.get(object) {
                Some(found) => self.home(want, &found.home),
                None => self.home(want, workload.as_ref().unwrap_or(&root)),
            },
            Target::VolumesOf(object) => match facts.objects.get(object) {
                Some(found) => {
                    for home in &found.volumes {
                        self.home(want, home);
                    }
                }
                None => self.not_found.push(object.clone()),
            },
        }
    }

    fn object(&mut self, want: &Want, object: &ObjectRef, facts: &Facts) {
        match facts.objects.get(object) {
            Some(found) => self.home(want, &found.home),
            None => self.not_found.push(object.clone()),
        }
    }
}

/// Predefined networks and the host directories of other containers cost the workload's own operation a
/// modifier (R39). Where that operation has no such modifier, the network is checked like any other, in `/`.
fn with_network_modifiers(wants: &[Want], facts: &Facts) -> Vec<Want> {
    let mut wants = wants.to_vec();
    let mut extra = ModifierSet::EMPTY;
    let own: &[Modifier] = wants.first().map_or(&[], |want| want.operation.modifiers());
    wants.retain(|want| match &want.on {
        Target::Network(object) => match facts.objects.get(object).and_then(predefined) {
            None => true,
            Some(None) => false,
            Some(Some(modifier)) if own.contains(&modifier) => {
                extra.insert(modifier);
                false
            }
            Some(Some(_)) => true,
        },
        Target::VolumesOf(object) => {
            let mounts = facts.objects.get(object).is_some_and(|found| found.host_mounts);
            if mounts {
                extra.insert(Modifier::HostBindMounts);
            }
            true
        }
        _ => true,
    });
    if let Some(own) = wants.first_mut() {
        own.modifiers = own.modifiers.union(extra);
    }
    wants
}

/// Whether a network is predefined, and the modifier that joining it costs.
fn predefined(network: &ObjectFacts) -> Option<Option<Modifier>> {
    match network.predefined_network.as_deref()? {
        "host" => Some(Some(Modifier::HostNetworkingMode)),
        "bridge" | "nat" => Some(Some(Modifier::BridgeNetworkingMode)),
        "none" | "ingress" => Some(None),
        _ => None,
    }
}
