//! Runs all plugins over a request: first those that change the object, then all as judges of what it became.

use serde_json::Value;

use super::cluster::Cluster;
use super::kinds;
use super::outcome::{Admitted, Fault, No, Note, Outcome, Refusal, Refused, Status};
use super::plugin::Plugin;
use super::plugins;
use super::pod::CONTAINER_LISTS;
use super::read::{At, Unreadable};
use super::request::{AdmissionRequest, Target};
use super::settings::Settings;

/// What plugins look at; nothing in it changes during a review.
pub(super) struct Review<'a> {
    pub(super) request: &'a AdmissionRequest,
    pub(super) cluster: &'a Cluster,
    pub(super) settings: &'a Settings,
}

/// What plugins write to.
pub(super) struct Draft {
    /// The object as it is so far; absent when it is deleted.
    pub(super) object: Option<Value>,
    /// The pod security policy that admitted a new pod.
    pub(super) policy: Option<String>,
    notes: Vec<Note>,
    plugin: Plugin,
}

impl Draft {
    /// Notes what the plugin at work did or wants to be known.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        let note = Note {
            plugin: self.plugin,
            text: text.into(),
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

impl<'a> Review<'a> {
    /// The namespace of the object.
    pub(super) fn namespace(&self) -> Option<&'a str> {
        self.request.target.namespace.as_deref()
    }

    /// A refusal of the usual form.
    pub(super) fn forbidden(&self, why: impl std::fmt::Display) -> No {
        No::forbidden(self.request, why)
    }
}

/// Decides whether a write may go on and what is stored (ADM-001).
///
/// Every plugin that is on gets the object in the order of [`Plugin::ALL`]: first to change it, then to judge it.
/// A refusal does not end the review, so that the answer holds every reason; the first one is what the API would
/// answer. An object in which a field cannot be read is refused.
///
/// ```
/// use mke_rbac::admission::{AdmissionOperation, AdmissionRequest, Cluster, Objects, Requester, Settings, review};
/// use mke_rbac::model::Model;
/// use serde_json::json;
///
/// let cluster = Cluster::new(Objects::defaults(), &Model::default())?;
/// let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mypod"},
///     "spec": {"containers": [{"name": "c", "image": "nginx", "securityContext": {"privileged": true}}]}});
///
/// let jane = Requester::new("jane-id", []);
/// let request = AdmissionRequest::of(AdmissionOperation::Create, jane, pod.clone(), "default")?;
/// let outcome = review(&request, &cluster, &Settings::default());
/// assert_eq!(outcome.refusal().unwrap().message, "pods \"mypod\" is forbidden: user \"jane-id\" is not an admin \
///     and does not have permissions to use privileged mode for resource");
///
/// let admin = Requester::administrator("root-id");
/// let request = AdmissionRequest::of(AdmissionOperation::Create, admin, pod, "default")?;
/// assert!(review(&request, &cluster, &Settings::default()).is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn review(request: &AdmissionRequest, cluster: &Cluster, settings: &Settings) -> Outcome {
    let mut draft = Draft {
        object: request.object.clone(),
        policy: None,
        notes: Vec::new(),
        plugin: Plugin::Request,
    };
    if let Err(no) = fits(request) {
        return denied(vec![no.by(Plugin::Request)], draft);
    }
    let review = Review {
        request,
        cluster,
        settings,
    };
    let mut refusals: Vec<Refusal> = Vec::new();
    for step in [plugins::mutate, plugins::validate] {
        for plugin in Plugin::ALL.into_iter().filter(|plugin| settings.is_on(*plugin)) {
            draft.plugin = plugin;
            if let Err(no) = step(plugin, &review, &mut draft) {
                let refusal = no.by(plugin);
                if !refusals.contains(&refusal) {
                    refusals.push(refusal);
                }
            }
        }
    }
    if !refusals.is_empty() {
        return denied(refusals, draft);
    }
    let patch = match (&request.object, &draft.object) {
        (Some(before), Some(after)) => json_patch::diff(before, after),
        _ => json_patch::Patch(Vec::new()),
    };
    Outcome::Allowed(Admitted {
        object: draft.object,
        patch,
        notes: draft.notes,
    })
}

fn denied(refusals: Vec<Refusal>, draft: Draft) -> Outcome {
    Outcome::Denied(Refused {
        refusals,
        notes: draft.notes,
    })
}

/// Whether request and object belong together: a pod must not pass as something else.
fn fits(request: &AdmissionRequest) -> Result<(), No> {
    let target = &request.target;
    // Plugins go by the kind, the API server by the resource.
    if target.subresource.is_none()
        && let Some(known) = kinds::of_resource(&target.group, &target.resource)
        && known.kind != target.kind
    {
        let message = format!(
            "{} are of the kind {}, not `{}`; correct the request",
            target.qualified(),
            known.kind,
            target.kind
        );
        return Err(No::plain(Status::Invalid, message));
    }
    let namespaced = kinds::find(&target.group, &target.kind).is_some_and(|known| known.namespaced);
    if namespaced && target.namespace.as_deref().is_none_or(str::is_empty) {
        let message = format!(
            "{} \"{}\" needs a namespace; name it",
            target.qualified(),
            request.shown_name()
        );
        return Err(No::plain(Status::Invalid, message));
    }
    let Some(object) = &request.object else {
        if request.is_write() {
            return Err(No::plain(
                Status::Invalid,
                format!(
                    "a request to write {} brings no object; send it",
                    target.qualified()
                ),
            ));
        }
        return Ok(());
    };
    let found = Target::of(object, target.namespace.as_deref().unwrap_or("default"))?;
    let subresource = target.subresource.is_some();
    let mut faults = Vec::new();
    let mut compare = |path: &str, same: bool, expected: String| {
        if !same {
            faults.push(Fault {
                path: path.to_owned(),
                message: format!("must be {expected}, as in the request"),
            });
        }
    };
    if !subresource {
        compare("kind", found.kind == target.kind, format!("`{}`", target.kind));
        compare(
            "apiVersion",
            found.group == target.group,
            format!("of the group `{}`", target.group),
        );
        let resource = kinds::find(&target.group, &target.kind).map(|known| known.resource);
        let same = resource.is_none_or(|resource| resource == target.resource);
        compare("kind", same, format!("of the resource `{}`", target.resource));
        let namespace = target.namespace.as_deref().unwrap_or_default();
        let own = object.pointer("/metadata/namespace").and_then(Value::as_str);
        let same = own.is_none_or(|own| own == namespace || own.is_empty());
        compare("metadata.namespace", same, format!("`{namespace}`"));
    }
    if let (Some(found), Some(name)) = (&found.name, &target.name) {
        compare("metadata.name", found == name, format!("`{name}`"));
    }
    // Older versions of the API list these containers at the top, newer ones in the specification of the pod. What
    // one of them does not look at the other would run.
    let at_the_top = |list: &&str| object.get(*list).is_some_and(|list| !list.is_null());
    if target.is_ephemeral_containers()
        && let Some(list) = CONTAINER_LISTS.iter().find(|list| at_the_top(list))
        && object.get("spec").is_some_and(|spec| !spec.is_null())
    {
        faults.push(Fault {
            path: (*list).to_owned(),
            message: "must not stand beside `spec`; leave one of them out".to_owned(),
        });
    }
    readable(object)?;
    if faults.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let message = format!("the object does not fit the request: {}", all.join("; "));
    Err(No::plain(Status::Invalid, message).because(faults))
}

/// Fields that every plugin may meet.
fn readable(object: &Value) -> Result<(), Unreadable> {
    if let Some(metadata) = At::root(object).field("metadata")? {
        metadata.pairs("labels")?;
        metadata.pairs("annotations")?;
    }
    Ok(())
}
