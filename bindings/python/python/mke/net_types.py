"""The types of plain data in `mke.net`. Import it for annotations only."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict, Union

# What `json` reads and writes.
Json = Union[None, bool, int, float, str, List["Json"], Dict[str, "Json"]]


class Route(TypedDict):
    """One route: where it leads, through which interface, and through which router."""

    net: str
    interface: str
    gateway: Optional[str]


class Pool(TypedDict):
    """A base network and the prefix length of the networks that are cut out of it."""

    base: str
    size: int


class AddressProposal(TypedDict):
    """Networks that are in nobody's way, by where each is set. `None`: not used, or it may stay as it is."""

    pod_cidr: Optional[str]
    service_cluster_ip_range: Optional[str]
    default_addr_pool: Optional[str]
    default_address_pools: Optional[str]


class NeededPort(TypedDict):
    """A port that a node needs."""

    number: int
    protocol: str
    scope: List[str]
    purpose: str
    component: Optional[str]
    setting: Optional[str]


class Listening(TypedDict):
    """A socket that waits for others."""

    address: str
    port: int
    protocol: str
    pid: Optional[int]
    process: Optional[str]


class PortConflict(TypedDict):
    """A needed port that somebody else has."""

    number: int
    protocol: str
    purpose: str
    setting: Optional[str]
    by: Listening
    message: str


class Listener(TypedDict):
    """A port that is balanced."""

    port: int
    target_port: int
    health: str


class Parameter(TypedDict):
    """A kernel parameter of the documents."""

    name: str
    before: str
    product: str
    unit: str
    module: Optional[str]
    per_namespace: bool
    set_by: str
    need: str
    meaning: str


class Drift(TypedDict):
    """A parameter that is not any more what was confirmed; `found` is `None` when it is gone."""

    key: str
    expected: str
    found: Optional[str]


Written = TypedDict("Written", {"key": str, "from": str, "to": str})
Written.__doc__ = "One value that was written: the parameter, its value before, its value after."


class KernelStatus(TypedDict):
    """What there is to know about changes of a place."""

    namespace: Optional[str]
    standing: str
    seconds_left: Optional[int]
    settled: Any
    changes: List[List[Written]]
    drift: List[Drift]


class KernelReverted(TypedDict):
    """What was taken back."""

    restored: List[str]
    left: List[str]
    left_file: Optional[bool]


class FileSystem(TypedDict):
    """A file system; sizes in bytes."""

    path: str
    mount: str
    kind: str
    bytes: int
    free: int
    tells_types: bool


class NodeFacts(TypedDict, total=False):
    """What is known of a machine as a node; what is left out is not known."""

    name: str
    manager: bool
    windows: bool
    engine: Optional[str]
    kernel: Optional[str]
    os: Optional[str]
    os_version: Optional[str]
    cpus: Optional[int]
    memory: Optional[int]
    disks: List[FileSystem]
    data_root: Optional[str]
    storage_driver: Optional[str]
    loop_lvm: bool
    selinux: Optional[str]
    cgroup: Optional[str]
    swap_accounting: Optional[bool]
    time_service: Optional[str]
    clock_offset_ms: Optional[int]
    addresses: Optional[Dict[str, Optional[bool]]]
    proxies: Dict[str, str]
    proxy_local: Optional[bool]
    daemon: List[Dict[str, str]]
    preparation: Dict[str, Any]


class StigItem(TypedDict):
    """One rule of DISA's guide with its answer."""

    id: str
    rule: Optional[str]
    category: int
    title: str
    answer: str
    evidence: str
    remedy: str
