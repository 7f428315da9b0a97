"""What a node shall run, the way there, and whether it may be gone now: the agent's own decisions, without an engine.

| to | use |
| --- | --- |
| know what a node shall run | `desired` |
| know what would be done, and what is against it | `plan`, `check`, or both at once: `preview` |
| know what the product is made of | `components`, `pods`, `volumes`, `ports`, `images` |
| know the paths between versions | `check_upgrade`, `allowed_upgrades` |
"""

from __future__ import annotations

from mke._native.agent import Cluster as Cluster
from mke._native.agent import Desired as Desired
from mke._native.agent import Node as Node
from mke._native.agent import Plan as Plan
from mke._native.agent import Preview as Preview
from mke._native.agent import Refusal as Refusal
from mke._native.agent import Step as Step
from mke._native.agent import allowed_upgrades as allowed_upgrades
from mke._native.agent import availability as availability
from mke._native.agent import check as check
from mke._native.agent import check_upgrade as check_upgrade
from mke._native.agent import components as components
from mke._native.agent import desired as desired
from mke._native.agent import images as images
from mke._native.agent import kernel_advice as kernel_advice
from mke._native.agent import plan as plan
from mke._native.agent import pods as pods
from mke._native.agent import ports as ports
from mke._native.agent import preview as preview
from mke._native.agent import volumes as volumes

__all__ = [
    "Cluster",
    "Desired",
    "Node",
    "Plan",
    "Preview",
    "Refusal",
    "Step",
    "allowed_upgrades",
    "availability",
    "check",
    "check_upgrade",
    "components",
    "desired",
    "images",
    "kernel_advice",
    "plan",
    "pods",
    "ports",
    "preview",
    "volumes",
]
