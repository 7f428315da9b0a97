//! To which node a call goes.
//!
//! A call about an object goes to the node that has it, a call that makes something to the node that is chosen for it, and
//! everything else to the engine of this controller. Whether the caller may do it is decided afterwards, on what that node
//! says; so a wrong guess here never gives a right.

use std::sync::Arc;

use mke_rbac::demand::{ObjectKind, ObjectRef};
use mke_rbac::engine::answer::view_operation;
use mke_rbac::engine::{AnswerKind, Call, EndpointId, Route};

use super::caller::Caller;
use super::make;
use crate::controller::error::{ApiError, Kind};
use crate::controller::state::State;
use crate::engine::{EngineClient, Sight, lookup};
use crate::fleet::find::{self, Found};
use crate::fleet::member::Coming;
use crate::fleet::placement::{NoNode, steady};
use crate::fleet::{Fleet, Member};

/// The nodes of a cluster with more than one.
pub(super) type Members = Arc<Vec<Arc<Member>>>;

/// Where a call goes, and from where its objects are looked up.
pub(super) struct Site {
    fleet: Fleet,
    /// Every node, when there is more than one.
    pub(super) members: Option<Members>,
    /// The nodes that have the object of the call, or the one that is chosen for it. The first is asked.
    pub(super) holders: Vec<Arc<Member>>,
    /// Why nothing can be made anywhere. Said only to who may make it.
    pub(super) nowhere: Option<NoNode>,
    /// Counts what is being made, so that the next choice knows of it.
    pub(super) coming: Option<Coming>,
}

impl Site {
    /// Where a call goes as far as its path says.
    pub(super) async fn of_route(state: &State, caller: &Caller, route: &Route) -> Result<Self, ApiError> {
        let mut site = Self {
            fleet: state.fleet.clone(),
            members: state.fleet.members(),
            holders: Vec::new(),
            nowhere: None,
            coming: None,
        };
        let Some(members) = site.members.clone() else {
            return Ok(site);
        };
        let Some(object) = route.own_object() else {
            return Ok(site);
        };
        if matches!(route.endpoint().id, EndpointId::Distribution) {
            return Ok(site);
        }
        site.holders = site.holders_of(&members, caller, &object).await?;
        Ok(site)
    }

    /// Where a call goes that its body or query decides about.
    pub(super) async fn choose(
        &mut self,
        state: &State,
        caller: &Caller,
        call: &Call,
    ) -> Result<(), ApiError> {
        let Some(members) = self.members.clone() else {
            return Ok(());
        };
        match call.endpoint().id {
            EndpointId::ContainerCreate | EndpointId::NetworkCreate | EndpointId::VolumeCreate => {
                if make::is_of_swarm(call) {
                    return Ok(());
                }
                match make::choose(state, &members, caller, call).await? {
                    Ok(chosen) => {
                        self.coming = chosen.first().map(Member::expect_one);
                        self.holders = chosen;
                    }
                    Err(none) => self.nowhere = Some(none),
                }
            }
            EndpointId::ImageCommit => {
                let container = call.query().one("container")?.unwrap_or_default();
                let container = ObjectRef::new(ObjectKind::Container, container);
                self.holders = self.holders_of(&members, caller, &container).await?;
            }
            EndpointId::NetworkConnect | EndpointId::NetworkDisconnect => {
                let body = call.body();
                let name = body
                    .and_then(|body| body["Container"].as_str())
                    .unwrap_or_default();
                let container = ObjectRef::new(ObjectKind::Container, name);
                let holders = self.holders_of(&members, caller, &container).await?;
                if !holders.is_empty() {
                    self.holders = holders;
                }
            }
            EndpointId::ImageExportMany => {
                if let Some(name) = call.query().all("names").next() {
                    let image = ObjectRef::new(ObjectKind::Image, name);
                    self.holders = self.holders_of(&members, caller, &image).await?;
                }
            }
            EndpointId::ImageBuild | EndpointId::BuildSession | EndpointId::BuildGrpc => {
                self.holders = self.builder(&members, caller);
                if self.holders.is_empty() {
                    let why = "no node answers on which you may build".to_owned();
                    self.nowhere = Some(NoNode { why });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The builds of one account go to one node: the session of a build is there, and so are the layers of the last one.
    fn builder(&self, members: &Members, caller: &Caller) -> Vec<Arc<Member>> {
        let mut usable = make::usable(members, caller);
        usable.retain(|member| make::may_run(member, caller));
        let names: Vec<String> = usable.iter().map(|member| member.id()).collect();
        let key = format!("{:?}", caller.subject);
        let chosen = steady(&key, names.iter().map(String::as_str));
        let chosen = chosen.and_then(|id| usable.iter().find(|member| member.id() == id));
        chosen.cloned().into_iter().collect()
    }

    /// The nodes that have an object, this controller's first.
    async fn holders_of(
        &self,
        members: &Members,
        caller: &Caller,
        object: &ObjectRef,
    ) -> Result<Vec<Arc<Member>>, ApiError> {
        let found = match object.kind {
            ObjectKind::Exec => find::exec(&self.fleet, members, &object.name).await?,
            ObjectKind::Container | ObjectKind::Image | ObjectKind::Network | ObjectKind::Volume => {
                find::find(&self.fleet, members, object.kind, &object.name).await?
            }
            _ => return Ok(Vec::new()),
        };
        match found {
            Found::On(mut holders) => {
                holders.sort_by_key(|member| !member.is_local());
                Ok(holders)
            }
            Found::Nowhere => Ok(Vec::new()),
            // To users it is not there: what was last known of it is no ground for a decision.
            Found::Silent(silent) if caller.admin => Err(ApiError::new(
                Kind::Unavailable,
                format!("{object} is on node {}, which does not answer", names(&silent)),
            )),
            Found::Silent(_) => Ok(Vec::new()),
            Found::Several(holders) => self.only_visible(caller, object, holders).await,
        }
    }

    /// Of several objects with one name, the one that the caller may see. What it may not see is not ambiguous to it.
    async fn only_visible(
        &self,
        caller: &Caller,
        object: &ObjectRef,
        holders: Vec<Arc<Member>>,
    ) -> Result<Vec<Arc<Member>>, ApiError> {
        let mut visible = Vec::new();
        for member in holders {
            let facts = lookup::one(&self.sight_of(&member), &caller.policy, object).await;
            let sees = match facts {
                Ok(Some(facts)) => {
                    let operation = view_operation(object.kind);
                    caller.admin || caller.policy.may(&caller.subject, operation, &facts.home)
                }
                Ok(None) => false,
                // The engine itself calls it ambiguous.
                Err(_) => caller.admin,
            };
            if sees {
                visible.push(member);
            }
        }
        if visible.len() < 2 {
            return Ok(visible);
        }
        Err(ApiError::malformed(format!(
            "{object} is ambiguous: nodes {} have one; use the full id, or the node before the name as in `{}/{}`",
            names(&visible),
            visible.first().map(|member| member.name()).unwrap_or_default(),
            object.name
        )))
    }

    /// From where the objects of the call are looked up.
    pub(super) fn sight(&self) -> Sight {
        match self.holders.first().or(self.local().as_ref()) {
            Some(member) => self.sight_of(member),
            None => Sight::single(self.fleet.local().clone()),
        }
    }

    fn sight_of(&self, member: &Member) -> Sight {
        Sight::of_node(member.engine().clone(), member.name(), self.fleet.local().clone())
    }

    /// The engine that the call is sent to.
    pub(super) fn engine(&self) -> EngineClient {
        match self.holders.first() {
            Some(member) => member.engine().clone(),
            None => self.fleet.local().clone(),
        }
    }

    /// The node that the call is sent to; nothing for a single engine.
    pub(super) fn node(&self) -> Option<Arc<Member>> {
        self.holders.first().cloned().or_else(|| self.local())
    }

    /// The kept lists of the nodes of a call that wrote something are looked at anew: events may come after the caller's
    /// next question.
    pub(super) fn touch(&self, endpoint: EndpointId, own: Option<ObjectKind>, id: Option<&str>) {
        let Some(members) = &self.members else {
            return;
        };
        let kind = match endpoint {
            EndpointId::NetworkCreate => Some(ObjectKind::Network),
            EndpointId::VolumeCreate => Some(ObjectKind::Volume),
            EndpointId::ImageBuild
            | EndpointId::ImageCommit
            | EndpointId::ImageLoad
            | EndpointId::ImageCreate => Some(ObjectKind::Image),
            _ => own,
        };
        let Some(kind) = kind else { return };
        let everywhere = matches!(endpoint, EndpointId::ImageLoad | EndpointId::ImageCreate);
        let nodes = match self.holders.as_slice() {
            _ if everywhere => members.as_slice(),
            [] => members.as_slice(),
            holders => holders,
        };
        for member in nodes {
            member.touch(kind, id.unwrap_or_default());
        }
    }

    /// As [`Site::touch`], for all objects of what an answer lists or a prune call removes.
    pub(super) fn touch_all(&self, answer: AnswerKind) {
        let (AnswerKind::Prune { kind, .. } | AnswerKind::List(kind)) = answer else {
            return;
        };
        for member in self.members.iter().flat_map(|members| members.iter()) {
            member.touch_kind(kind);
        }
    }

    fn local(&self) -> Option<Arc<Member>> {
        self.members
            .as_ref()?
            .iter()
            .find(|member| member.is_local())
            .cloned()
    }
}

/// Names of nodes for people.
pub(super) fn names(members: &[Arc<Member>]) -> String {
    let names: Vec<String> = members.iter().map(|member| member.name()).collect();
    names.join(", ")
}
