"""What a Kubernetes object may ask for, and what becomes of it: admission as a function, without a cluster.

    >>> import mke
    >>> cluster = mke.admission.Cluster()
    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
    ...        "spec": {"containers": [{"name": "c", "image": "nginx", "securityContext": {"privileged": True}}]}}
    >>> cluster.review(pod, user="jane-id").refusals.column("plugin")[:1]
    ['UCPAuthorization']
    >>> bool(cluster.review(pod, user="root-id", groups=["system:masters"]))
    True
"""

from __future__ import annotations

from mke._native.admission import Cluster as Cluster
from mke._native.admission import Review as Review
from mke._native.admission import plugins as plugins

__all__ = ["Cluster", "Review", "plugins"]
