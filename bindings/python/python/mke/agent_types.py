"""The types of plain data in `mke.agent`. Import it for annotations only."""

from __future__ import annotations

from typing import Dict, List, Optional, TypedDict


class _Manager(TypedDict):
    id: str
    hostname: str
    address: str


class Manager(_Manager, total=False):
    """One manager, as its fellow nodes know it; `sans` are further names for the server certificate."""

    sans: str


class Member(TypedDict):
    """One member of the replicated store."""

    id: str
    address: str


class Engine(TypedDict, total=False):
    """What is known of a node's engine."""

    id: str
    version: str
    root_dir: str
    socket: str


class ManagerState(TypedDict):
    """How one manager does; `store` is `healthy`, `unhealthy`, `unknown` or `no-member`."""

    id: str
    store: str
    healthy: bool


class _StateOfManagers(TypedDict):
    managers: List[ManagerState]


class ClusterState(_StateOfManagers, total=False):
    """How the managers do, and which of them has the turn to take its store or controller down."""

    turn: Optional[str]


class _KubeNode(TypedDict):
    name: str
    role: str


class KubeNode(_KubeNode, total=False):
    """A node of the cluster as far as Kubernetes has to know: its host name in small letters, `manager` or `worker`, whose workloads it
    takes (`swarm`, `kubernetes`, `mixed`, `none`) and whether MSR runs there, when known.
    """

    orchestrator: str
    msr: bool


class ObservedNetwork(TypedDict, total=False):
    """A network that is there."""

    id: str
    driver: str
    labels: Dict[str, str]


class ObservedFile(TypedDict, total=False):
    """A file in a volume: SHA-256 of its content, and its permissions."""

    digest: str
    mode: int


class ObservedVolume(TypedDict, total=False):
    """A volume that is there; `files` is `None` when nobody could look into it."""

    driver: str
    mountpoint: str
    labels: Dict[str, str]
    files: Optional[Dict[str, ObservedFile]]


class ObservedContainer(TypedDict, total=False):
    """A container that is there; `state` is `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."""

    id: str
    image: str
    labels: Dict[str, str]
    state: str
    exit_code: int
    volumes: List[str]


class CertificateNeed(TypedDict):
    """Something about certificates that is not as it should be."""

    volume: str
    what: str
    reason: str


class Observed(TypedDict, total=False):
    """What is there on a node, by name."""

    at: str
    networks: Dict[str, ObservedNetwork]
    volumes: Dict[str, ObservedVolume]
    containers: Dict[str, ObservedContainer]
    images: List[str]
    certificates: List[CertificateNeed]


class Blocked(TypedDict):
    """Something that is not as it should be and is left alone."""

    object: str
    why: str
    later: bool


class Waiting(TypedDict):
    """A component that is not wanted yet."""

    component: str
    why: str


class Volume(TypedDict):
    """A wanted volume."""

    name: str
    precious: bool


class Network(TypedDict):
    """A wanted network."""

    name: str
    driver: str


class Availability(TypedDict):
    """What a number of managers means."""

    managers: int
    quorum: int
    tolerated: int
    recommended: bool


class Component(TypedDict):
    """A component of the product."""

    name: str
    kind: str
    image: Optional[str]
    roles: List[str]
    os: str
    placement: str
    purpose: str
    volumes: List[str]
    ports: List[int]
    depends_on: List[str]
    swarm_only: bool
    windows_name: Optional[str]
    when: Optional[str]
    since: Optional[str]
    until: Optional[str]
    made: bool


class ProductVolume(TypedDict):
    """A named volume of the product."""

    name: str
    content: str
    contents: str
    roles: List[str]
    replicated: bool
    in_backup: bool
    files: List[str]
    made: bool


class ProductPort(TypedDict):
    """A port of the product."""

    number: int
    protocols: List[str]
    roles: List[str]
    scope: List[str]
    purpose: str
    component: Optional[str]
    container: Optional[int]
    config_key: Optional[str]
    install_flag: Optional[str]
    swarm_only: bool
    firewall: bool
