//! What single endpoints need because of their query and body. One file per kind of object.
//!
//! Each rule adds wants to a [`Draft`]; none of them refuses a caller, because who calls is not known here.
//! A rule refuses a *request* only when it has no safe meaning for anybody.

mod container;
mod exec;
mod host;
mod image;
mod list;
mod mount;
mod network;
mod node;
mod secret_config;
mod service;
mod task;
mod volume;

pub(super) use self::mount::{Source, bind_source};
use super::call::CallError;
use super::draft::Draft;
use super::shape::Shape;
use super::shapes::{container as container_shapes, other, service as service_shapes};
use super::table::EndpointId::{self, *};
use crate::demand::ObjectFacts;

/// The structure of an endpoint's JSON body.
pub(super) const fn shape(endpoint: EndpointId) -> &'static Shape {
    match endpoint {
        ContainerCreate => &container_shapes::CREATE,
        ContainerUpdate => &container_shapes::UPDATE,
        ExecCreate => &container_shapes::EXEC_CREATE,
        ExecStart => &container_shapes::EXEC_START,
        ImageCommit => &container_shapes::CONFIG,
        NetworkCreate => &other::NETWORK,
        NetworkConnect => &other::NETWORK_CONNECT,
        NetworkDisconnect => &other::NETWORK_DISCONNECT,
        VolumeCreate => &other::VOLUME,
        NodeUpdate => &other::NODE,
        ServiceCreate | ServiceUpdate => &service_shapes::SERVICE,
        SecretCreate | SecretUpdate => &other::SECRET,
        ConfigCreate | ConfigUpdate => &other::CONFIG,
        _ => &other::OPAQUE,
    }
}

/// Applies the rules of the draft's endpoint.
pub(super) fn rules(draft: &mut Draft, own: Option<&ObjectFacts>) -> Result<(), CallError> {
    match draft.endpoint.id {
        ContainerCreate => container::create(draft),
        ContainerUpdate => container::update(draft),
        ContainerList => list::containers(draft),
        ExecCreate => exec::create(draft),
        ImageBuild => image::build(draft),
        BuildGrpc => {
            image::control(draft);
            Ok(())
        }
        ImageCommit => image::commit(draft),
        ImageCreate => image::create(draft),
        ImageRemove => image::remove(draft),
        NetworkCreate => network::create(draft),
        NetworkConnect => network::connect(draft),
        NetworkDisconnect => network::disconnect(draft),
        NetworkInspect => network::inspect(draft, own),
        VolumeCreate => volume::create(draft),
        NodeUpdate => node::update(draft, own),
        ServiceCreate => service::create(draft),
        ServiceUpdate => service::update(draft, own),
        SecretCreate | ConfigCreate => secret_config::create(draft),
        SecretUpdate | ConfigUpdate => secret_config::update(draft, own),
        // The table says everything about the rest.
        _ => list::filters(draft),
    }
}
