"""Networks and kernels: what a cluster needs, computed, checked and explained before anything starts.

| to | use |
| --- | --- |
| see what takes which addresses and what gets in whose way | `plan_addresses`, `AddressPlan` |
| find addresses that are free | `propose_addresses`, `place_networks`, `capacity_problems` |
| know the ports of a node and who has them | `needed_ports`, `port_conflicts`, `listening` |
| open firewalls | `firewalld_rules`, `nftables_rules`, `aws_security_group` |
| look at kernel parameters, change them, take changes back | `Kernel` |
| know whether machines will do | `observe_node`, `preflight`, `doctor`, `check_daemon` |
| put a load balancer in front of managers | `LoadBalancer` |
| choose packet sizes | `packet_size`, `packet_size_problems` |
"""

from __future__ import annotations

from mke._native.net import PURPOSES as PURPOSES
from mke._native.net import AddressConflict as AddressConflict
from mke._native.net import AddressPlan as AddressPlan
from mke._native.net import AddressRange as AddressRange
from mke._native.net import DoctorReport as DoctorReport
from mke._native.net import Finding as Finding
from mke._native.net import Host as Host
from mke._native.net import Kernel as Kernel
from mke._native.net import KernelPlan as KernelPlan
from mke._native.net import KernelStep as KernelStep
from mke._native.net import LoadBalancer as LoadBalancer
from mke._native.net import autodetect_address as autodetect_address
from mke._native.net import aws_security_group as aws_security_group
from mke._native.net import capacity_problems as capacity_problems
from mke._native.net import check_daemon as check_daemon
from mke._native.net import default_encapsulation as default_encapsulation
from mke._native.net import doctor as doctor
from mke._native.net import firewalld_rules as firewalld_rules
from mke._native.net import listening as listening
from mke._native.net import missing_name as missing_name
from mke._native.net import needed_ports as needed_ports
from mke._native.net import nftables_rules as nftables_rules
from mke._native.net import observe_node as observe_node
from mke._native.net import packet_size as packet_size
from mke._native.net import packet_size_problems as packet_size_problems
from mke._native.net import parameters as parameters
from mke._native.net import place_networks as place_networks
from mke._native.net import plan_addresses as plan_addresses
from mke._native.net import port_conflicts as port_conflicts
from mke._native.net import port_problems as port_problems
from mke._native.net import preflight as preflight
from mke._native.net import propose_addresses as propose_addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from mke._table import Table as _Table

__all__ = [
    "PURPOSES",
    "AddressConflict",
    "AddressPlan",
    "AddressRange",
    "DoctorReport",
    "Finding",
    "Host",
    "Kernel",
    "KernelPlan",
    "KernelStep",
    "KernelTrial",
    "LoadBalancer",
    "autodetect_address",
    "aws_security_group",
    "capacity_problems",
    "check_daemon",
    "default_encapsulation",
    "doctor",
    "firewalld_rules",
    "listening",
    "missing_name",
    "needed_ports",
    "nftables_rules",
    "observe_node",
    "packet_size",
    "packet_size_problems",
    "parameters",
    "place_networks",
    "plan_addresses",
    "port_conflicts",
    "port_problems",
    "preflight",
    "propose_addresses",
]


class KernelTrial:
    """A change of kernel parameters that is kept when the block ends well, and taken back when it raises.

        with mke.net.KernelTrial(kernel, kernel.plan()) as steps:
            check_that_the_node_is_still_reached()

    Should the program die inside of the block, the change is taken back by whoever looks next, once `hold` seconds are over.
    With `dry_run` nothing is written. `persist` is that of `Kernel.confirm`.

    Raises:
        mke.errors.KernelError: the plan cannot be written, or not be kept any more.
    """

    def __init__(
        self,
        kernel: Kernel,
        plan: KernelPlan,
        *,
        hold: float = 60.0,
        persist: bool = True,
        dry_run: bool = False,
    ) -> None:
        self._kernel = kernel
        self._plan = plan
        self._hold = hold
        self._persist = persist
        self._dry_run = dry_run

    def __enter__(self) -> _Table[KernelStep]:
        return self._kernel.apply(self._plan, hold=self._hold, dry_run=self._dry_run)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._dry_run or not self._plan:
            return
        if kind is None:
            self._kernel.confirm(persist=self._persist)
        else:
            self._kernel.revert()
