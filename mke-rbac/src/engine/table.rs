//! Every endpoint of Engine API 1.41, and what calling it needs (RBAC-012).
//!
//! A method and path that is not in this table is refused, for administrators too (proxy-01). Where an endpoint
//! needs more than the table says, because of its query or body, [`super::body`] adds it.

use super::endpoint::AnswerKind::{Events, Info, Inspect, List, Prune, Stream, Upgrade};
use super::endpoint::Base::{New, Own, Root};
use super::endpoint::Param::{Many, One};
use super::endpoint::{BodyKind, Endpoint, Param};
use crate::demand::Access::{self, Admin, Authenticated, Filter, Public};
use crate::demand::ObjectKind;
use crate::operation::Operation as Op;

const KIB: usize = 1024;
/// Largest checked body, in bytes: generous for a service with many settings.
const DEFAULT_MAX: usize = 1024 * KIB;
/// Secrets and configs carry their data (up to 500 and 1000 KiB) in base64.
const DATA_MAX: usize = 4 * 1024 * KIB;

const JSON: BodyKind = BodyKind::Json {
    max: DEFAULT_MAX,
    optional: false,
};
const JSON_OPTIONAL: BodyKind = BodyKind::Json {
    max: DEFAULT_MAX,
    optional: true,
};
const JSON_DATA: BodyKind = BodyKind::Json {
    max: DATA_MAX,
    optional: false,
};
const TAR: BodyKind = BodyKind::Raw {
    content_type: "application/x-tar",
};

const OPERATION: Access = Access::Operation;
const FILTERS: &[Param] = &[One("filters")];
const NO_PLUGINS: &str = "plugins cannot be managed through the cluster; use the engine of the node";
const NO_NETWORK_PRUNE: &str = "networks cannot be pruned through the cluster; remove them one by one";
const LOGS: &[Param] = &[
    One("follow"),
    One("stdout"),
    One("stderr"),
    One("since"),
    One("until"),
    One("timestamps"),
    One("tail"),
    One("details"),
];
const ATTACH: &[Param] = &[
    One("detachKeys"),
    One("logs"),
    One("stream"),
    One("stdin"),
    One("stdout"),
    One("stderr"),
];
const SIZE: &[Param] = &[One("h"), One("w")];
const STREAM_HEADERS: &[&str] = &["connection", "upgrade"];
const WEBSOCKET_HEADERS: &[&str] = &[
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "origin",
];
const SESSION_HEADERS: &[&str] = &[
    "connection",
    "upgrade",
    "x-docker-expose-session-uuid",
    "x-docker-expose-session-name",
    "x-docker-expose-session-sharedkey",
    "x-docker-expose-session-grpc-method",
];
const REGISTRY: &[&str] = &["x-registry-auth"];
const BUILD: &[Param] = &[
    One("dockerfile"),
    Many("t"),
    Many("extrahosts"),
    One("remote"),
    One("q"),
    One("nocache"),
    One("cachefrom"),
    One("pull"),
    One("rm"),
    One("forcerm"),
    One("memory"),
    One("memswap"),
    One("cpushares"),
    One("cpusetcpus"),
    One("cpusetmems"),
    One("cpuperiod"),
    One("cpuquota"),
    One("buildargs"),
    One("shmsize"),
    One("squash"),
    One("labels"),
    One("networkmode"),
    One("platform"),
    One("target"),
    One("outputs"),
    One("version"),
    One("session"),
    One("buildid"),
    One("ulimits"),
    One("securityopt"),
    One("cgroupparent"),
    One("isolation"),
];

/// Declares [`EndpointId`] and [`ENDPOINTS`] together, so that neither can lack a row of the other.
macro_rules! endpoints {
    ($($id:ident $method:literal $template:literal $access:ident $(. $with:ident ($($argument:expr),*))*;)*) => {
        /// Names every endpoint of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EndpointId {
            $(#[doc = concat!("`", $method, " ", $template, "`")] $id,)*
        }

        /// The table.
        pub static ENDPOINTS: &[Endpoint] = &[
            $(Endpoint::new(EndpointId::$id, $method, $template, $access)$(.$with($($argument),*))*,)*
        ];
    };
}

use ObjectKind::{Config, Container, Exec, Image, Network, Node, Secret, Service, Task, Volume};

#[rustfmt::skip]
endpoints! {
    ContainerList "GET" "/containers/json" Filter.query(&[One("all"), One("limit"), One("size"), One("filters"), One("since"), One("before")]).answer(List(Container));
    ContainerCreate "POST" "/containers/create" OPERATION.base(New(Op::ContainerCreate)).query(&[One("name"), One("platform")]).body(JSON);
    ContainerPrune "POST" "/containers/prune" Filter.query(FILTERS).answer(Prune { kind: Container, each: Op::ContainerRemove });
    ContainerInspect "GET" "/containers/{id}/json" OPERATION.own(Container).base(Own(Op::ContainerView)).query(&[One("size")]).answer(Inspect(Container));
    ContainerTop "GET" "/containers/{id}/top" OPERATION.own(Container).base(Own(Op::ContainerTop)).query(&[One("ps_args")]);
    ContainerLogs "GET" "/containers/{id}/logs" OPERATION.own(Container).base(Own(Op::ContainerLogs)).query(LOGS).answer(Stream);
    ContainerChanges "GET" "/containers/{id}/changes" OPERATION.own(Container).base(Own(Op::ContainerChanges));
    ContainerExport "GET" "/containers/{id}/export" OPERATION.own(Container).base(Own(Op::ContainerExport)).answer(Stream);
    ContainerStats "GET" "/containers/{id}/stats" OPERATION.own(Container).base(Own(Op::ContainerStats)).query(&[One("stream"), One("one-shot")]).answer(Stream);
    ContainerResize "POST" "/containers/{id}/resize" OPERATION.own(Container).base(Own(Op::ContainerResize)).query(SIZE);
    ContainerStart "POST" "/containers/{id}/start" OPERATION.own(Container).base(Own(Op::ContainerStart)).query(&[One("detachKeys")]);
    ContainerStop "POST" "/containers/{id}/stop" OPERATION.own(Container).base(Own(Op::ContainerStop)).query(&[One("t")]);
    ContainerRestart "POST" "/containers/{id}/restart" OPERATION.own(Container).base(Own(Op::ContainerRestart)).query(&[One("t")]);
    ContainerKill "POST" "/containers/{id}/kill" OPERATION.own(Container).base(Own(Op::ContainerKill)).query(&[One("signal")]);
    ContainerUpdate "POST" "/containers/{id}/update" OPERATION.own(Container).base(Own(Op::ContainerCreate)).body(JSON);
    ContainerRename "POST" "/containers/{id}/rename" OPERATION.own(Container).base(Own(Op::ContainerRename)).query(&[One("name")]);
    ContainerPause "POST" "/containers/{id}/pause" OPERATION.own(Container).base(Own(Op::ContainerPause));
    ContainerUnpause "POST" "/containers/{id}/unpause" OPERATION.own(Container).base(Own(Op::ContainerUnpause));
    ContainerAttach "POST" "/containers/{id}/attach" OPERATION.own(Container).base(Own(Op::ContainerAttach)).query(ATTACH).answer(Upgrade).headers(STREAM_HEADERS);
    ContainerAttachWebsocket "GET" "/containers/{id}/attach/ws" OPERATION.own(Container).base(Own(Op::ContainerAttach)).query(ATTACH).answer(Upgrade).headers(WEBSOCKET_HEADERS);
    ContainerWait "POST" "/containers/{id}/wait" OPERATION.own(Container).base(Own(Op::ContainerWait)).query(&[One("condition")]).answer(Stream);
    ContainerRemove "DELETE" "/containers/{id}" OPERATION.own(Container).base(Own(Op::ContainerRemove)).query(&[One("v"), One("force"), One("link")]);
    ContainerArchiveInfo "HEAD" "/containers/{id}/archive" OPERATION.own(Container).base(Own(Op::ContainerFilesystemRead)).query(&[One("path")]);
    ContainerArchiveGet "GET" "/containers/{id}/archive" OPERATION.own(Container).base(Own(Op::ContainerFilesystemRead)).query(&[One("path")]).answer(Stream);
    ContainerArchivePut "PUT" "/containers/{id}/archive" OPERATION.own(Container).base(Own(Op::ContainerFilesystemWrite)).query(&[One("path"), One("noOverwriteDirNonDir"), One("copyUIDGID")]).body(TAR);
    ExecCreate "POST" "/containers/{id}/exec" OPERATION.own(Container).base(Own(Op::ContainerExec)).body(JSON);
    ExecStart "POST" "/exec/{id}/start" OPERATION.own(Exec).base(Own(Op::ContainerExec)).body(JSON_OPTIONAL).answer(Upgrade).headers(STREAM_HEADERS);
    ExecResize "POST" "/exec/{id}/resize" OPERATION.own(Exec).base(Own(Op::ContainerExec)).query(SIZE);
    ExecInspect "GET" "/exec/{id}/json" OPERATION.own(Exec).base(Own(Op::ContainerExec));

    ImageList "GET" "/images/json" Filter.query(&[One("all"), One("filters"), One("digests"), One("filter")]).answer(List(Image));
    ImageBuild "POST" "/build" OPERATION.base(Root(Op::ImageBuild)).query(BUILD).body(TAR).answer(Stream).headers(&["x-registry-config"]);
    BuildPrune "POST" "/build/prune" Admin.query(&[One("keep-storage"), One("all"), One("filters")]);
    BuildCancel "POST" "/build/cancel" OPERATION.base(Root(Op::ImageBuild)).query(&[One("id")]);
    ImageCreate "POST" "/images/create" OPERATION.base(Root(Op::ImageCreate)).query(&[One("fromImage"), One("fromSrc"), One("repo"), One("tag"), One("message"), Many("changes"), One("platform")]).body(TAR).answer(Stream).headers(REGISTRY);
    ImageInspect "GET" "/images/{name}/json" OPERATION.own(Image).base(Root(Op::ImageView));
    ImageHistory "GET" "/images/{name}/history" OPERATION.own(Image).base(Root(Op::ImageHistory));
    ImagePush "POST" "/images/{name}/push" OPERATION.own(Image).base(Root(Op::ImagePush)).query(&[One("tag")]).answer(Stream).headers(REGISTRY);
    ImageTag "POST" "/images/{name}/tag" OPERATION.own(Image).base(Root(Op::ImageTag)).query(&[One("repo"), One("tag")]);
    ImageRemove "DELETE" "/images/{name}" OPERATION.own(Image).base(Root(Op::ImageRemove)).query(&[One("force"), One("noprune")]);
    ImageSearch "GET" "/images/search" OPERATION.base(Root(Op::ImageSearch)).query(&[One("term"), One("limit"), One("filters")]).headers(REGISTRY);
    ImagePrune "POST" "/images/prune" OPERATION.base(Root(Op::ImagePrune)).query(FILTERS);
    ImageCommit "POST" "/commit" OPERATION.base(Root(Op::ImageCommit)).query(&[One("container"), One("repo"), One("tag"), One("comment"), One("author"), One("pause"), Many("changes")]).body(JSON_OPTIONAL);
    ImageExport "GET" "/images/{name}/get" OPERATION.own(Image).base(Root(Op::ImageExport)).answer(Stream);
    ImageExportMany "GET" "/images/get" OPERATION.base(Root(Op::ImageExport)).query(&[Many("names")]).answer(Stream);
    ImageLoad "POST" "/images/load" OPERATION.base(Root(Op::ImageLoad)).query(&[One("quiet")]).body(TAR).answer(Stream);

    NetworkList "GET" "/networks" Filter.query(FILTERS).answer(List(Network));
    NetworkInspect "GET" "/networks/{id}" OPERATION.own(Network).base(Own(Op::NetworkView)).query(&[One("verbose"), One("scope")]).answer(Inspect(Network));
    NetworkRemove "DELETE" "/networks/{id}" OPERATION.own(Network).base(Own(Op::NetworkRemove));
    NetworkCreate "POST" "/networks/create" OPERATION.base(New(Op::NetworkCreate)).body(JSON);
    NetworkConnect "POST" "/networks/{id}/connect" OPERATION.own(Network).base(Own(Op::NetworkConnect)).body(JSON);
    NetworkDisconnect "POST" "/networks/{id}/disconnect" OPERATION.own(Network).base(Own(Op::NetworkDisconnect)).body(JSON);
    NetworkPrune "POST" "/networks/prune" Admin.unavailable(NO_NETWORK_PRUNE);

    VolumeList "GET" "/volumes" Filter.query(FILTERS).answer(List(Volume));
    VolumeCreate "POST" "/volumes/create" OPERATION.base(New(Op::VolumeCreateAttach)).body(JSON);
    VolumeInspect "GET" "/volumes/{name}" OPERATION.own(Volume).base(Own(Op::VolumeView)).answer(Inspect(Volume));
    VolumeRemove "DELETE" "/volumes/{name}" OPERATION.own(Volume).base(Own(Op::VolumeRemove)).query(&[One("force")]);
    VolumePrune "POST" "/volumes/prune" Filter.query(FILTERS).answer(Prune { kind: Volume, each: Op::VolumeRemove });

    SwarmInspect "GET" "/swarm" Admin;
    SwarmInit "POST" "/swarm/init" Admin.body(JSON);
    SwarmJoin "POST" "/swarm/join" Admin.body(JSON);
    SwarmLeave "POST" "/swarm/leave" Admin.query(&[One("force")]);
    SwarmUpdate "POST" "/swarm/update" Admin.query(&[One("version"), One("rotateWorkerToken"), One("rotateManagerToken"), One("rotateManagerUnlockKey")]).body(JSON);
    SwarmUnlockKey "GET" "/swarm/unlockkey" Admin;
    SwarmUnlock "POST" "/swarm/unlock" Admin.body(JSON);

    NodeList "GET" "/nodes" Filter.query(FILTERS).answer(List(Node));
    NodeInspect "GET" "/nodes/{id}" OPERATION.own(Node).base(Own(Op::NodeView)).answer(Inspect(Node));
    NodeRemove "DELETE" "/nodes/{id}" Admin.own(Node).query(&[One("force")]);
    NodeUpdate "POST" "/nodes/{id}/update" OPERATION.own(Node).base(Own(Op::NodeUpdate)).query(&[One("version")]).body(JSON);

    ServiceList "GET" "/services" Filter.query(&[One("filters"), One("status")]).answer(List(Service));
    ServiceCreate "POST" "/services/create" OPERATION.base(New(Op::ServiceCreate)).body(JSON).headers(REGISTRY);
    ServiceInspect "GET" "/services/{id}" OPERATION.own(Service).base(Own(Op::ServiceView)).query(&[One("insertDefaults")]).answer(Inspect(Service));
    ServiceRemove "DELETE" "/services/{id}" OPERATION.own(Service).base(Own(Op::ServiceDelete));
    ServiceUpdate "POST" "/services/{id}/update" OPERATION.own(Service).base(Own(Op::ServiceUpdate)).query(&[One("version"), One("registryAuthFrom"), One("rollback")]).body(JSON).headers(REGISTRY);
    ServiceLogs "GET" "/services/{id}/logs" OPERATION.own(Service).base(Own(Op::ServiceLogs)).query(LOGS).answer(Stream);

    TaskList "GET" "/tasks" Filter.query(FILTERS).answer(List(Task));
    TaskInspect "GET" "/tasks/{id}" OPERATION.own(Task).base(Own(Op::ServiceViewTasks)).answer(Inspect(Task));
    TaskLogs "GET" "/tasks/{id}/logs" OPERATION.own(Task).base(Own(Op::ServiceLogs)).query(LOGS).answer(Stream);

    SecretList "GET" "/secrets" Filter.query(FILTERS).answer(List(Secret));
    SecretCreate "POST" "/secrets/create" OPERATION.base(New(Op::SecretCreate)).body(JSON_DATA);
    SecretInspect "GET" "/secrets/{id}" OPERATION.own(Secret).base(Own(Op::SecretView)).answer(Inspect(Secret));
    SecretRemove "DELETE" "/secrets/{id}" OPERATION.own(Secret).base(Own(Op::SecretDelete));
    SecretUpdate "POST" "/secrets/{id}/update" OPERATION.own(Secret).base(Own(Op::SecretUpdate)).query(&[One("version")]).body(JSON_DATA);

    ConfigList "GET" "/configs" Filter.query(FILTERS).answer(List(Config));
    ConfigCreate "POST" "/configs/create" OPERATION.base(New(Op::ConfigCreate)).body(JSON_DATA);
    ConfigInspect "GET" "/configs/{id}" OPERATION.own(Config).base(Own(Op::ConfigView)).answer(Inspect(Config));
    ConfigRemove "DELETE" "/configs/{id}" OPERATION.own(Config).base(Own(Op::ConfigDelete));
    ConfigUpdate "POST" "/configs/{id}/update" OPERATION.own(Config).base(Own(Op::ConfigUpdate)).query(&[One("version")]).body(JSON_DATA);

    PluginList "GET" "/plugins" Admin.unavailable(NO_PLUGINS);
    PluginPrivileges "GET" "/plugins/privileges" Admin.unavailable(NO_PLUGINS);
    PluginPull "POST" "/plugins/pull" Admin.unavailable(NO_PLUGINS);
    PluginCreate "POST" "/plugins/create" Admin.unavailable(NO_PLUGINS);
    PluginInspect "GET" "/plugins/{name}/json" Admin.unavailable(NO_PLUGINS);
    PluginRemove "DELETE" "/plugins/{name}" Admin.unavailable(NO_PLUGINS);
    PluginEnable "POST" "/plugins/{name}/enable" Admin.unavailable(NO_PLUGINS);
    PluginDisable "POST" "/plugins/{name}/disable" Admin.unavailable(NO_PLUGINS);
    PluginUpgrade "POST" "/plugins/{name}/upgrade" Admin.unavailable(NO_PLUGINS);
    PluginPush "POST" "/plugins/{name}/push" Admin.unavailable(NO_PLUGINS);
    PluginSet "POST" "/plugins/{name}/set" Admin.unavailable(NO_PLUGINS);

    RegistryLogin "POST" "/auth" Authenticated.body(JSON);
    SystemInfo "GET" "/info" Authenticated.answer(Info);
    SystemVersion "GET" "/version" Authenticated;
    Ping "GET" "/_ping" Public;
    PingHead "HEAD" "/_ping" Public;
    SystemEvents "GET" "/events" Filter.query(&[One("since"), One("until"), One("filters")]).answer(Events);
    SystemDiskUsage "GET" "/system/df" Admin;
    Distribution "GET" "/distribution/{name}/json" Authenticated.own(Image).headers(REGISTRY);
    BuildSession "POST" "/session" OPERATION.base(Root(Op::ImageBuild)).answer(Upgrade).headers(SESSION_HEADERS);
    BuildGrpc "POST" "/grpc" OPERATION.base(Root(Op::ImageBuild)).answer(Upgrade).headers(STREAM_HEADERS);
}
