from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Union, final

from mke._table import Table
from mke.agent_types import (
    Availability,
    Blocked,
    ClusterState,
    Component,
    Engine,
    KubeNode,
    Manager,
    Member,
    Network,
    Observed,
    ProductPort,
    ProductVolume,
    Volume,
    Waiting,
)
from mke.config import Config

@final
class Node:
    """One node: `role` is `"manager"` or `"worker"`, `os` is `"linux"` or `"windows"`. `orchestrator` (`"swarm"`, `"kubernetes"`,
    `"mixed"`) sets the node's two labels for it; without it `labels` say whose workloads the node takes. `engine` has `id`,
    `version`, `root_dir` and `socket`.

    Raises `NodeFactsError` with everything that cannot be.

        >>> mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11", orchestrator="mixed").orchestrator
        'mixed'
    """

    def __new__(
        cls,
        id: str,
        hostname: str,
        role: str,
        address: Union[str, IPv4Address, IPv6Address],
        *,
        os: str = "linux",
        orchestrator: str | None = None,
        labels: Mapping[str, str] | None = None,
        engine: Engine | None = None,
        cores: int | None = None,
    ) -> Node: ...
    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Node:
        """A node from plain data, as `to_dict` gives it and `ucp plan --show facts` prints it below `node`."""
    @property
    def id(self) -> str:
        """The swarm's id of the node."""
    @property
    def hostname(self) -> str:
        """Its host name."""
    @property
    def role(self) -> str:
        """`manager` or `worker`."""
    @property
    def orchestrator(self) -> str:
        """Whose workloads it takes, by its labels: `swarm`, `kubernetes`, `mixed`, or `none` when no label says anything yet."""
    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
    def to_dict(self) -> dict[str, Any]:
        """The node as plain data."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Cluster:
    """A cluster: what is the same for all its nodes.

    `managers` are nodes, or dictionaries with `id`, `hostname` and `address`. `store_members` are the ids of those that the
    replicated store has or is about to have; without it, all managers. `organisation` is where images come from.

        >>> node = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
        >>> mke.agent.Cluster("c1", managers=[node], version="3.8.2")
        <Cluster c1, version 3.8.2, 1 managers>
    """

    def __new__(
        cls,
        cluster_id: str,
        *,
        managers: Sequence[Node | Manager],
        version: str | None = None,
        config: Config | None = None,
        organisation: str = ...,
        store_members: Sequence[str] | None = None,
        interlock: bool = False,
    ) -> Cluster: ...
    @property
    def cluster_id(self) -> str:
        """The swarm's id, which is the id of the installation."""
    @property
    def version(self) -> str:
        """The version that nodes shall have."""
    @property
    def managers(self) -> Table[Manager]:
        """The managers: `id`, `hostname`, `address`."""
    @property
    def store_members(self) -> Table[Member]:
        """The members of the replicated store: `id`, `address`."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Desired:
    """What a node shall run: containers, what lies around them, and what the swarm and Kubernetes may start there."""

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Desired:
        """From plain data, as `to_dict` gives it."""
    @property
    def cluster_id(self) -> str:
        """The installation that everything belongs to."""
    @property
    def node_id(self) -> str:
        """The swarm's id of the node."""
    @property
    def paused(self) -> bool:
        """Whether nothing may be changed there."""
    @property
    def containers(self) -> Table[dict[str, Any]]:
        """The containers as plain data, each after those that it needs: `name`, `image`, `command`, `mounts`, `ports`, …"""
    @property
    def volumes(self) -> Table[Volume]:
        """The volumes: `name`, and whether what one holds is gone for good when it is removed (`precious`)."""
    @property
    def networks(self) -> Table[Network]:
        """The networks: `name` and `driver`."""
    @property
    def files(self) -> Table[dict[str, Any]]:
        """Files in the volumes: `volume`, `path`, `mode`, `content`."""
    @property
    def services(self) -> list[str]:
        """Services of the swarm that may have a task there."""
    @property
    def pods(self) -> list[str]:
        """Containers of pods that may run there."""
    @property
    def waiting(self) -> Table[Waiting]:
        """Components that belong there and are not wanted yet: `component` and `why`."""
    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
    def __contains__(self, key: str, /) -> bool: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class Step:
    """One thing to do on a node, with its reason. `str()` says it in one line."""

    @property
    def kind(self) -> str:
        """What is done, a word that does not change: `pull`, `create-container`, `remove-volume`, …"""
    @property
    def object(self) -> str:
        """The name of what it is done to."""
    @property
    def reason(self) -> str:
        """Why."""
    @property
    def needs(self) -> list[int]:
        """The places of steps before it, from 0, without which it makes no sense."""
    def to_dict(self) -> dict[str, Any]:
        """The step as plain data, with all that belongs to its action."""
    # `object` is a property of this class.
    def __eq__(self, value: Any, /) -> bool: ...

@final
class Plan:
    """What to do on a node. It is false when there is nothing to do; `str()` says every step with its reason."""

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Plan:
        """From plain data, as `to_dict` gives it."""
    @property
    def steps(self) -> Table[Step]:
        """What to do, in order."""
    @property
    def blocked(self) -> Table[Blocked]:
        """What is not as it should be and is left alone: `object`, `why`, and whether it becomes possible by itself (`later`)."""
    @property
    def purpose(self) -> str:
        """What it is made for: `converge` or `uninstall`."""
    @property
    def wants_turn(self) -> bool:
        """Whether something is left for the turn of this manager."""
    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class Refusal:
    """Why a plan may not be carried out. `str()` says it in one line."""

    @property
    def step(self) -> int | None:
        """The place of the step in the plan, from 0; `None` is the plan as a whole."""
    @property
    def why(self) -> str:
        """What is wrong with it."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Preview:
    """What would be done on a node, and what is against it. `str()` is the text of `ucp plan`."""

    @property
    def plan(self) -> Plan:
        """What would be done."""
    @property
    def refusals(self) -> Table[Refusal]:
        """Why it would not be done now; empty when it would."""
    @property
    def unseen(self) -> list[str]:
        """Volumes with wanted files into which nobody could look."""
    @property
    def addons(self) -> dict[str, Any] | None:
        """What would be done in Kubernetes, where the cluster has it and the node is a manager: `plan` with its `steps` and what is
        `blocked`, `refusals`, `looked` (whether `objects` were given) and `missing_images`.
        """
    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do for anybody."""
    def to_dict(self) -> dict[str, Any]:
        """The preview as plain data."""
    def __eq__(self, value: object, /) -> bool: ...

def desired(cluster: Cluster, node: Node) -> Desired:
    """What a node of a cluster shall run.

    >>> manager = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
    >>> worker = mke.agent.Node("n2", "worker-1", "worker", "192.0.2.21")
    >>> cluster = mke.agent.Cluster("c1", managers=[manager])
    >>> "ucp-kv" in mke.agent.desired(cluster, manager), "ucp-kv" in mke.agent.desired(cluster, worker)
    (True, False)
    """
def plan(
    desired: Desired,
    observed: Observed | None = None,
    *,
    state: ClusterState | None = None,
    purpose: str = "converge",
) -> Plan:
    """Plans what to do on a node. `observed` is what is there (`mke.agent_types.Observed`, as `ucp plan --show observed` prints it);
    nothing without it. `state` is how the managers do (`mke.agent_types.ClusterState`); what it does not say is not known, and
    nothing that needs it is planned. `purpose` is `"converge"` or `"uninstall"`.

        >>> node = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
        >>> cluster = mke.agent.Cluster("c1", managers=[node])
        >>> plan = mke.agent.plan(mke.agent.desired(cluster, node))
        >>> plan.steps[0].kind, bool(plan)
        ('create-network', True)
    """
def check(
    plan: Plan, desired: Desired, observed: Observed | None = None, *, state: ClusterState | None = None
) -> Table[Refusal]:
    """Everything that speaks against carrying out a plan now; empty when nothing does. It is judged by code that did not write the
    plan: what is not ours, what takes the store below its quorum, what removes data, what is not brought back.
    """
def preview(
    cluster: Cluster,
    node: Node,
    observed: Observed | None = None,
    *,
    state: ClusterState | None = None,
    nodes: Sequence[Node | KubeNode] | None = None,
    objects: Mapping[str, Any] | None = None,
) -> Preview:
    """Plans and checks in one call; the arguments are those of `desired`, `plan` and `check`. For managers of clusters with Kubernetes
    it also says what would be done there: `nodes` are all nodes of the cluster as far as they are known (`Node`, or
    `mke.agent_types.KubeNode`; without it, this one), and `objects` is what is there, a list as `kubectl get --output json` prints it
    (without it, what a new cluster has).

        >>> node = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
        >>> preview = mke.agent.preview(mke.agent.Cluster("c1", managers=[node]), node)
        >>> len(preview.refusals), preview.is_settled
        (0, False)
    """
def check_upgrade(from_version: str, to_version: str) -> None:
    """Says with `UpgradeRefusedError` why a cluster of one version cannot be upgraded to another; its fields are `why`, all reasons,
    and `allowed`, what is possible instead.

        >>> mke.agent.check_upgrade("3.4.12", "3.5.6")
        >>> try:
        ...     mke.agent.check_upgrade("3.4.15", "3.5.8")
        ... except mke.errors.UpgradeRefusedError as refused:
        ...     refused.allowed
        ['3.4.16 or later 3.4', '3.5.9 or later 3.5', '4.0']
    """
def allowed_upgrades(from_version: str) -> list[str]:
    """What a version can be upgraded to, as texts for people.

    >>> mke.agent.allowed_upgrades("3.8.2")
    ['3.8.3 or later 3.8', '3.9.0 or later 3.9', '4.0']
    """
def kernel_advice(product_version: str, kernel: tuple[int, int]) -> str | None:
    """What somebody should know who installs a version on a kernel such as `(4, 15)`; `None` when there is nothing."""
def availability(managers: int) -> Availability:
    """What a number of managers means: `quorum` of them must agree, `tolerated` can fail, and whether the number is `recommended`.

    >>> mke.agent.availability(3)
    {'managers': 3, 'quorum': 2, 'tolerated': 1, 'recommended': True}
    """
def components(
    *, role: str | None = None, version: str | None = None, swarm_only: bool = False
) -> Table[Component]:
    """The components of the product outside of pods as plain data. `role` (`"manager"`, `"worker"`), `version` and `swarm_only` leave out
    what does not exist there.

        >>> [row["name"] for row in mke.agent.components(role="worker") if row["name"] == "ucp-kv"]
        []
    """
def pods(*, role: str | None = None, version: str | None = None, swarm_only: bool = False) -> Table[Component]:
    """The containers of the product's pods; the arguments are those of `components`."""
def volumes(*, role: str | None = None) -> Table[ProductVolume]:
    """The named volumes as plain data; `role` leaves out those that its nodes do not have.

    >>> [row["content"] for row in mke.agent.volumes() if row["name"] == "ucp-kv"]
    ['data']
    """
def ports(*, role: str | None = None, swarm_only: bool = False) -> Table[ProductPort]:
    """The ports of the product as plain data, as its documents list them; `mke.net.needed_ports` says which a node with a
    configuration needs.

        >>> [row["config_key"] for row in mke.agent.ports() if row["number"] == 6443]
        ['cluster_config.kube_apiserver_port']
    """
def images(*, swarm_only: bool = False, windows: bool = False) -> list[str]:
    """The names of the product's images, in alphabetical order: those of clusters without Kubernetes with `swarm_only`, those of Windows
    nodes with `windows`.
    """
