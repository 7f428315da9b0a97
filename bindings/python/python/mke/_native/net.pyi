from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from os import PathLike
from typing import Any, Union, final

from mke._table import Table
from mke.config import Config
from mke.net_types import (
    AddressProposal,
    KernelReverted,
    KernelStatus,
    Listener,
    Listening,
    NeededPort,
    NodeFacts,
    Parameter,
    Pool,
    PortConflict,
    Route,
    StigItem,
)

_Address = Union[str, IPv4Address, IPv6Address]
_Net = Union[str, IPv4Network, IPv6Network]
_Progress = Callable[[str, str], object]

PURPOSES: list[str]

@final
class Finding:
    """One finding of a check. `str()` says it in one line."""

    @property
    def id(self) -> str:
        """Names the check, the same in every version: `daemon-pools-too-few`."""
    @property
    def severity(self) -> str:
        """How bad it is: `error` goes wrong, `warning` may go wrong later, `info` is worth knowing."""
    @property
    def title(self) -> str:
        """What is wrong, in one sentence without an end."""
    @property
    def evidence(self) -> str:
        """What was seen and where."""
    @property
    def remedy(self) -> str:
        """What to do about it."""
    @property
    def switch(self) -> str | None:
        """The switch of the install and upgrade commands that lets it through; `None` when nothing does."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class Host:
    """Routes, addresses and name servers of a host, looked up or written down.

    >>> host = mke.net.Host(
    ...     routes=[{"net": "0.0.0.0/0", "interface": "eth0", "gateway": "192.0.2.1"},
    ...             {"net": "192.0.2.0/24", "interface": "eth0", "gateway": None}],
    ...     addresses=["192.0.2.7"],
    ... )
    >>> host.default_interface, host.address_of("eth0")
    ('eth0', '192.0.2.7')
    """

    def __new__(
        cls,
        *,
        routes: Sequence[Route] | None = None,
        addresses: Sequence[_Address] = ...,
        name_servers: Sequence[_Address] = ...,
    ) -> Host: ...
    @staticmethod
    def observe(root: str | PathLike[str] = ...) -> Host:
        """Looks at the network namespace of this process. `root` is the directory below which the machine's files lie.

        Raises `HostError` when the tables of IPv4 cannot be read.
        """
    @property
    def routes(self) -> Table[Route]:
        """The routes: `net`, `interface`, `gateway`."""
    @property
    def addresses(self) -> list[str]:
        """Its own addresses, without those of the loopback interface."""
    @property
    def name_servers(self) -> list[str]:
        """The name servers of the resolver."""
    @property
    def default_interface(self) -> str | None:
        """The interface with the default route of IPv4."""
    def address_of(self, interface: str) -> str | None:
        """The IPv4 address of an interface; with several, the smallest."""
    def to_dict(self) -> dict[str, Any]:
        """The host as plain data."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class AddressRange:
    """A network, what it is for (one of `PURPOSES`) and where that is written.

    >>> print(mke.net.AddressRange("pods", "192.168.0.0/16", "--pod-cidr"))
    pods 192.168.0.0/16 (--pod-cidr)
    """

    def __new__(cls, purpose: str, net: _Net, source: str = "") -> AddressRange: ...
    @property
    def purpose(self) -> str:
        """What it is for."""
    @property
    def net(self) -> str:
        """The network, without bits behind its prefix."""
    @property
    def source(self) -> str:
        """Who says so: a key of the configuration, a flag, an interface, the name of a node."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class AddressConflict:
    """Two networks that overlap and must not, or may come to overlap."""

    @property
    def severity(self) -> str:
        """`error` when they overlap, `warning` when a pool may come to."""
    @property
    def one(self) -> AddressRange:
        """The one."""
    @property
    def other(self) -> AddressRange:
        """The other."""
    @property
    def shared(self) -> str:
        """The addresses that both have."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class AddressPlan:
    """Everything that takes addresses on one node.

    >>> plan = mke.net.AddressPlan([
    ...     mke.net.AddressRange("pods", "10.0.0.0/8"), mke.net.AddressRange("services", "10.96.0.0/16")])
    >>> [conflict.shared for conflict in plan.conflicts]
    ['10.96.0.0/16']
    """

    def __new__(cls, ranges: Sequence[AddressRange]) -> AddressPlan: ...
    @property
    def ranges(self) -> Table[AddressRange]:
        """The networks, in the order in which they were given."""
    @property
    def conflicts(self) -> Table[AddressConflict]:
        """Every pair that gets in each other's way, errors first."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class KernelStep:
    """One value that would be written."""

    @property
    def key(self) -> str:
        """The parameter, such as `net.ipv4.ip_forward`."""
    @property
    def before(self) -> str:
        """Its value now."""
    @property
    def after(self) -> str:
        """Its value then."""
    def __eq__(self, value: object, /) -> bool: ...

@final
class KernelPlan:
    """What would be written to the kernel, and why. It is false when nothing would be."""

    @property
    def steps(self) -> Table[KernelStep]:
        """The writes, in their order."""
    @property
    def findings(self) -> Table[Finding]:
        """What is wrong, and what is worth knowing; the id of each is `kernel-` and the parameter."""
    def to_dict(self) -> dict[str, Any]:
        """Steps and findings as plain data."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class Kernel:
    """The kernel parameters of this machine, or of a network namespace (a name of `ip netns`, the number of a process, or a path).

    Changes are kept in a journal with the values from before. They are taken back when nobody confirms them in time, by whoever
    looks next: this class, the agent, or `ucp kernel`. `root` is the directory below which the machine's files lie.

    Raises `KernelError` when the namespace cannot be entered.
    """

    def __new__(cls, root: str | PathLike[str] = ..., *, namespace: str | None = None) -> Kernel: ...
    @property
    def namespace(self) -> str | None:
        """The name of the network namespace; `None` for the machine."""
    def values(self, named: Sequence[str] = ...) -> dict[str, str | None]:
        """The values of the parameters in `parameters()` and of those that are `named`. `None` stands for one that is not there, that
        cannot be read, or that belongs to the whole machine while a namespace is looked at.
        """
    def observe(self, named: Sequence[str] = ...) -> dict[str, Any]:
        """Everything that a plan is made from, as plain data: the `states` of parameters, and the `settings` of files for the next
        start.
        """
    def plan(
        self,
        config: Config | None = None,
        *,
        values: Mapping[str, str] | None = None,
        node_ports: str | None = None,
        whole: bool = False,
    ) -> KernelPlan:
        """Plans what leads from what is there to what the cluster needs.

        `config` is its configuration (the defaults without one). `values` are values of your own for any parameter; they go before
        everything. `node_ports` (`"32768-35535"`) are kept from being taken by chance, instead of those of the configuration.
        `whole` asks also for values that the documents only list.
        """
    def apply(
        self, plan: KernelPlan, *, hold: float = 60.0, dry_run: bool = False, progress: _Progress | None = None
    ) -> Table[KernelStep]:
        """Writes a plan, and gives what was written. Everything is taken back when `confirm` does not come within `hold` seconds. With
        `dry_run` nothing is written. `progress` is called with the name and the subject of everything that happens.

        Raises `KernelError`; when the kernel refuses a value, everything is as before.
        """
    def confirm(
        self, *, persist: bool = True, dry_run: bool = False, progress: _Progress | None = None
    ) -> Table[KernelStep]:
        """Keeps the change that waits, and gives its steps. With `persist`, and not for a namespace, the values are there after the
        next start too. With `dry_run` it only says which change waits.

        Raises `KernelError` when nothing waits, or when the change has been taken back.
        """
    def revert(
        self, *, all: bool = False, force: bool = False, dry_run: bool = False, progress: _Progress | None = None
    ) -> KernelReverted:
        """Takes back the youngest change, or with `all` every one; with `force` also what others have changed since. Gives what was
        `restored`, what was `left` to others, and whether the file for the next start was (`left_file`). With `dry_run` nothing is
        written, and `left_file` is not known and `None`.
        """
    def status(self) -> KernelStatus:
        """What is open, what holds and what has drifted, as plain data (`mke.net_types.KernelStatus`). A change that nobody confirmed in
        time is taken back by this look.
        """

@final
class DoctorReport:
    """What a machine is like as a node."""

    @property
    def host(self) -> str:
        """The machine."""
    @property
    def role(self) -> str:
        """`manager` or `worker`."""
    @property
    def score(self) -> int:
        """From 0 to 100."""
    @property
    def errors(self) -> int:
        """How many findings are errors."""
    @property
    def warnings(self) -> int:
        """How many are warnings."""
    @property
    def findings(self) -> Table[Finding]:
        """Every finding, part by part and the worst of each part first."""
    @property
    def sections(self) -> dict[str, str]:
        """The names of the parts for people, by name: `kernel`, `ports`, …"""
    def section(self, name: str) -> Table[Finding]:
        """The findings of one part."""
    @property
    def stig(self) -> Table[StigItem]:
        """The rules of DISA's guide with their answers."""
    def to_dict(self) -> dict[str, Any]:
        """The whole report as plain data."""

@final
class LoadBalancer:
    """What is balanced in front of the managers: connections are passed through, so that client certificates reach them, and the
    health of each is asked.

    `name` is the one that clients use; it must be among the names of the managers' certificates (`missing_name`).
    `kubernetes_port` is `None` for a cluster without Kubernetes. `listen` gives a port of the managers another one on the
    balancer.

    Raises `BalancerError` with every problem.

        >>> balancer = mke.net.LoadBalancer("ucp.example.com", ["192.0.2.11", "192.0.2.12"], listen={443: 8443})
        >>> [(row["port"], row["target_port"], row["health"]) for row in balancer.listeners]
        [(8443, 443, 'ping'), (6443, 6443, 'connect')]
    """

    def __new__(
        cls,
        name: str,
        managers: Sequence[str],
        *,
        controller_port: int = 443,
        kubernetes_port: int | None = ...,
        listen: Mapping[int, int] | None = None,
    ) -> LoadBalancer: ...
    @property
    def name(self) -> str:
        """The name that clients use."""
    @property
    def managers(self) -> list[str]:
        """The managers' names or addresses."""
    @property
    def listeners(self) -> Table[Listener]:
        """The ports: `port` of the balancer, `target_port` of the managers, and how `health` is told."""
    def check_beside(self, other: str, port: int) -> None:
        """Says with `BalancerError` that something else behind the same address takes one of these ports."""
    def nginx(self) -> str:
        """The configuration for nginx."""
    def haproxy(self) -> str:
        """The configuration for HAProxy."""
    def aws(self) -> dict[str, Any]:
        """The resources for AWS as plain data."""
    def __eq__(self, value: object, /) -> bool: ...

def plan_addresses(
    host: Host,
    *,
    config: Config | None = None,
    daemon: str = "",
    overlay_pools: Sequence[Pool] | None = None,
    nodes: Mapping[str, _Address] | None = None,
) -> AddressPlan:
    """Everything that takes addresses on a host that is, or becomes, a node.

    `config` is the cluster's configuration (its defaults without one), `daemon` the text of the Engine's `daemon.json`,
    `overlay_pools` those of the swarm (`[{"base": "10.0.0.0/8", "size": 24}]`), `nodes` the other nodes by name and address.

    Raises `AllocateError` when the Engine finds no place for its bridges.

        >>> host = mke.net.Host(routes=[{"net": "192.168.0.0/24", "interface": "eth0", "gateway": None}])
        >>> print(mke.net.plan_addresses(host).conflicts[0])
        pods 192.168.0.0/16 (cluster_config.pod_cidr) overlap host 192.168.0.0/24 (route of eth0)
    """
def propose_addresses(
    host: Host,
    *,
    config: Config | None = None,
    daemon: str = "",
    overlay_pools: Sequence[Pool] | None = None,
    nodes: Mapping[str, _Address] | None = None,
) -> AddressProposal:
    """Networks with which nothing is in anything's way, by where each is set; only what has to move does. The arguments are those
    of `plan_addresses`; `None` stands for what is not used or may stay as it is.

    Raises `NoPlaceError` for all that has none.

        >>> host = mke.net.Host(routes=[{"net": "192.168.0.0/24", "interface": "eth0", "gateway": None}])
        >>> mke.net.propose_addresses(host)["pod_cidr"]
        '10.1.0.0/16'
    """
def place_networks(wanted: Sequence[AddressRange], used: Sequence[AddressRange]) -> Table[AddressRange]:
    """Finds a place for networks, in their order, away from `used` and from each other: each keeps its place when it is free, and
    otherwise gets the first free network of its size in a private range.

    Raises `NoPlaceError` for all that have none.

        >>> wanted = [mke.net.AddressRange("pods", "192.168.0.0/16")]
        >>> taken = [mke.net.AddressRange("host", "192.168.4.0/24")]
        >>> mke.net.place_networks(wanted, taken)[0].net
        '10.0.0.0/16'
    """
def capacity_problems(
    *,
    nodes: int,
    pods_per_node: int = 110,
    services_wanted: int = 0,
    overlays_wanted: int = 0,
    pods: _Net | None = None,
    services: _Net | None = None,
    overlay_pools: Sequence[Pool] | None = None,
) -> list[str]:
    """Which networks are too small for a cluster, one sentence each; empty when all are large enough. A network that is `None` is
    not used.

        >>> mke.net.capacity_problems(nodes=500, pods_per_node=110, pods="10.4.0.0/20")
        ['10.4.0.0/20 holds 0 pods on 500 nodes, 55000 are wanted: choose a network of at most /16']
    """
def needed_ports(role: str, *, config: Config | None = None, swarm_grpc: int = 2377) -> Table[NeededPort]:
    """The ports of a node, by number: `number`, `protocol`, `purpose`, `scope` (who must reach it), the `component` that serves it
    and the `setting` that moves it. `role` is `"manager"` or `"worker"`; `swarm_grpc` is the port that the swarm was made with.

        >>> mke.net.needed_ports("manager")[1]["purpose"]
        'Web UI and API'
    """
def listening(*, root: str | PathLike[str] = ...) -> Table[Listening]:
    """What listens in the network namespace of this process: `address`, `port`, `protocol`, and `pid` and `process` as far as the
    caller may see them.
    """
def port_conflicts(
    role: str,
    *,
    config: Config | None = None,
    swarm_grpc: int = 2377,
    ours: Sequence[str] = ...,
    root: str | PathLike[str] = ...,
) -> Table[PortConflict]:
    """The needed ports of a node that other processes have now, with what to do. Processes named in `ours` are no conflict."""
def port_problems(config: Config | None = None, *, swarm_grpc: int = 2377) -> list[str]:
    """The mistakes in a choice of ports, one sentence each; empty when there are none.

    >>> [problem.split(",")[0] for problem in mke.net.port_problems(swarm_grpc=4789)]
    []
    >>> len(mke.net.port_problems(swarm_grpc=443))
    1
    """
def firewalld_rules(
    role: str, nodes: Sequence[_Address], *, config: Config | None = None, swarm_grpc: int = 2377
) -> str:
    """`firewall-cmd` commands for one node, with a zone for what only the other `nodes` may reach."""
def nftables_rules(
    role: str, nodes: Sequence[_Address], *, config: Config | None = None, swarm_grpc: int = 2377
) -> str:
    """A table of `nft` for one node."""
def aws_security_group(
    role: str, group: str, clients: Sequence[str], *, config: Config | None = None, swarm_grpc: int = 2377
) -> list[dict[str, Any]]:
    """`IpPermissions` of an AWS security group as plain data. `group` is the group itself, so that nodes reach each other; `clients`
    are the networks of clients.
    """
def parameters() -> Table[Parameter]:
    """The kernel parameters of the documents: `name`, its value `before` an installation and after one (`product`), `unit`, the
    `module` that brings it, whether it is `per_namespace`, who it is `set_by`, how much a cluster has `need` of it, its `meaning`.

        >>> len(mke.net.parameters())
        91
    """
def observe_node(*, manager: bool = False, root: str | PathLike[str] = ...) -> NodeFacts:
    """What is known of this machine as a node, as plain data (`mke.net_types.NodeFacts`); what cannot be found out is `None`. What
    the Engine knows is not in it and can be added.
    """
def preflight(
    nodes: Sequence[NodeFacts],
    *,
    scope: str = "install",
    swarm_only: bool = False,
    manager_lag_ms: int | None = None,
) -> Table[Finding]:
    """What speaks against nodes, each by itself and all together. `scope` says who asks: `"install"`, `"upgrade"` or `"doctor"`;
    `manager_lag_ms` is the longest that one manager waited for another.

        >>> found = mke.net.preflight([{"name": "n1", "manager": True, "cpus": 1}])
        >>> [finding.id for finding in found if finding.switch == "--force-minimums"]
        ['node-cpus']
    """
def check_daemon(text: str) -> Table[Finding]:
    """What of the Engine's `daemon.json` a cluster cannot live with.

    Raises `DaemonFileError` with the place when the text is no JSON object, and `InvalidValueError` with every setting that means
    nothing as it is written.

        >>> [finding.id for finding in mke.net.check_daemon('{"live-restore": true}')]
        ['daemon-live-restore']
    """
def doctor(
    *,
    config: Config | None = None,
    manager: bool = False,
    swarm_grpc: int = 2377,
    root: str | PathLike[str] = ...,
) -> DoctorReport:
    """Looks at this machine as a node and judges it: requirements, Engine, addresses, ports, kernel parameters, and the rules of
    DISA's guide.
    """
def missing_name(name: str, names: Sequence[str]) -> str | None:
    """The warning when a balancer's name is not among the `names` of the managers' certificates; `None` when it is.

    >>> mke.net.missing_name("ucp.example.com", ["*.example.com"]) is None
    True
    """
def packet_size(link: int, encapsulation: str = "vxlan", *, secure: bool = False) -> int | None:
    """The largest packet of a pod, in bytes, on links of `link` bytes; `None` when there is no room. `encapsulation` is `"vxlan"` or
    `"ip-in-ip"`; with `secure`, traffic between pods is encrypted.

        >>> mke.net.packet_size(1500), mke.net.packet_size(1500, "ip-in-ip"), mke.net.packet_size(1500, "ip-in-ip", secure=True)
        (1450, 1480, 1452)
    """
def packet_size_problems(link: int, config: Config | None = None) -> list[str]:
    r"""What is wrong with the packet sizes of a configuration on links of `link` bytes, one sentence each.

    >>> config = mke.config.Config("[cluster_config]\ncalico_vxlan_mtu = \"1480\"\n")
    >>> mke.net.packet_size_problems(1500, config)[0].split(",")[0]
    '`cluster_config.calico_vxlan_mtu` is 1480'
    """
def default_encapsulation(installed: str) -> str:
    """How a cluster's pods talk that says nothing else, by the version that was installed first, such as `"3.2.7"`: clusters that
    began before 3.3.0 stay on `ip-in-ip`, later ones use `vxlan`.

        >>> mke.net.default_encapsulation("3.2.7"), mke.net.default_encapsulation("3.8.2")
        ('ip-in-ip', 'vxlan')
    """
def autodetect_address(method: str, host: Host, *, internal: _Address | None = None) -> str | None:
    """The address that a method of `calico_ip_auto_method` finds on a host; `None` when it finds none. `internal` is the address
    under which Kubernetes knows the node.

    Raises `AutodetectionError` for a text that is no method.

        >>> host = mke.net.Host(
        ...     routes=[{"net": "192.0.2.0/24", "interface": "eth0", "gateway": None}], addresses=["192.0.2.7"])
        >>> mke.net.autodetect_address("interface=eth.*", host)
        '192.0.2.7'
    """
