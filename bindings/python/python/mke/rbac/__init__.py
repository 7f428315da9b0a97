"""Who may do what: policies of collections and of Kubernetes, asked offline and at native speed.

    >>> import mke
    >>> policy = mke.rbac.Policy(
    ...     users=["dina", "sam"],
    ...     orgs={"bank": {"teams": {"ops": ["sam"]}}},
    ...     collections=["/Prod"],
    ...     grants=[("team:bank/ops", "restrictedcontrol", "/Prod")],
    ... )
    >>> policy.decide("sam", "Service Create", "/Prod").message
    'allowed by Restricted Control for team:bank/ops on /Prod'
    >>> print(policy.decide("dina", "Service Create", "/Prod"))
    dina: Service Create in /Prod: access denied: no access to Service Create

`Policy` answers about collections and everything in a state, `KubernetesPolicy` about roles and bindings alone. Questions
that are more than one operation are made by `check`, `create`, `update`, `listing`, `visible_collections`, `schedule`,
`effective`, `api` and `kubernetes`; each gives a mapping for `Policy.answer`, `Policy.explain` and `Policy.who_can`.
"""

from __future__ import annotations

from mke._native.rbac import MODIFIERS as MODIFIERS
from mke._native.rbac import OPERATIONS as OPERATIONS
from mke._native.rbac import AuditLog as AuditLog
from mke._native.rbac import Decision as Decision
from mke._native.rbac import KubernetesDecision as KubernetesDecision
from mke._native.rbac import KubernetesPolicy as KubernetesPolicy
from mke._native.rbac import Policy as Policy
from mke._native.rbac import WriteDecision as WriteDecision
from mke._native.rbac import builtin_roles as builtin_roles
from mke._native.rbac import check_role as check_role
from mke._native.rbac import covers as covers
from mke._native.rbac import verify as verify
from mke.rbac._questions import api as api
from mke.rbac._questions import check as check
from mke.rbac._questions import create as create
from mke.rbac._questions import effective as effective
from mke.rbac._questions import kubernetes as kubernetes
from mke.rbac._questions import listing as listing
from mke.rbac._questions import schedule as schedule
from mke.rbac._questions import update as update
from mke.rbac._questions import visible_collections as visible_collections
from mke.rbac._reports import AccessReport as AccessReport
from mke.rbac._reports import DiffReport as DiffReport
from mke.rbac._reports import Explanation as Explanation
from mke.rbac._reports import PathsReport as PathsReport
from mke.rbac._reports import ReplayReport as ReplayReport
from mke.rbac._reports import Report as Report
from mke.rbac._reports import SimulateReport as SimulateReport
from mke.rbac._reports import TestReport as TestReport
from mke.rbac._reports import UnusedReport as UnusedReport
from mke.rbac._reports import WhoCanReport as WhoCanReport

__all__ = [
    "MODIFIERS",
    "OPERATIONS",
    "AccessReport",
    "AuditLog",
    "Decision",
    "DiffReport",
    "Explanation",
    "KubernetesDecision",
    "KubernetesPolicy",
    "PathsReport",
    "Policy",
    "ReplayReport",
    "Report",
    "SimulateReport",
    "TestReport",
    "UnusedReport",
    "WhoCanReport",
    "WriteDecision",
    "api",
    "builtin_roles",
    "check",
    "check_role",
    "covers",
    "create",
    "effective",
    "kubernetes",
    "listing",
    "schedule",
    "update",
    "verify",
    "visible_collections",
]
