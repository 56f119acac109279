"""Which requests to the Kubernetes API change something on somebody's decision, and what kind of change that is.

Objects of the resources below, made, altered or deleted. Not the work of the control plane: its controllers, nodes and
schedulers carry out what was decided, and change thousands of objects for one decision. Not status, leases and locks
either. Pods, jobs, replica sets and custom resources count only where a person changes them, and so does an ``update``
of anything but workloads and access: operators do that all day to what they own, while Helm, Argo CD and Flux patch.

Sources: Kubernetes API reference (resources and groups); kube-controller-manager's controllers, which have service
accounts of their own in ``kube-system`` (``--use-service-account-credentials``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.events import ChangeKind, ChangeStatus

VERBS: Final = frozenset(("create", "update", "patch", "delete", "deletecollection"))

_KINDS: dict[ChangeKind, str] = {
    "deploy": "deployments statefulsets daemonsets cronjobs rollouts",
    "access": """
        roles clusterroles rolebindings clusterrolebindings serviceaccounts certificatesigningrequests
        securitycontextconstraints
    """,
    "infrastructure": """
        networkpolicies services ingresses ingressclasses endpoints endpointslices namespaces nodes persistentvolumes
        persistentvolumeclaims storageclasses customresourcedefinitions apiservices gateways httproutes grpcroutes
        runtimeclasses csidrivers
    """,
    "configuration": """
        configmaps secrets mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies
        validatingadmissionpolicybindings podsecuritypolicies resourcequotas limitranges poddisruptionbudgets
        priorityclasses horizontalpodautoscalers podtemplates flowschemas prioritylevelconfigurations
    """,
    "policy_exception": "policyexceptions",
}
_BY_RESOURCE: Final = {resource: kind for kind, names in _KINDS.items() for resource in names.split()}
_PEOPLES: Final[dict[str, ChangeKind]] = dict.fromkeys(
    ("pods", "jobs", "replicasets", "replicationcontrollers"), "deploy"
)
_SUBRESOURCES: Final[dict[tuple[str, str], ChangeKind]] = {
    ("deployments", "rollback"): "rollback",
    ("certificatesigningrequests", "approval"): "access",
    ("pods", "ephemeralcontainers"): "configuration",
    ("pods", "resize"): "configuration",
    **{(each, "scale"): "configuration" for each in ("deployments", "statefulsets", "replicasets", "rollouts")},
}
_NEVER: Final = frozenset(("events", "leases", "bindings", "controllerrevisions"))
_ASKING: Final = ("reviews",)
"""``subjectaccessreviews``, ``tokenreviews`` and their like are created to ask, and are not kept."""

HELM: Final = "sh.helm.release.v1."
"""Helm 3 keeps each revision of a release in a secret of this name, ``….NAME.vREVISION`` (Helm, "storage drivers")."""

_NAMES = """
    attachdetach-controller bootstrap-signer certificate-controller clusterrole-aggregation-controller coredns
    cronjob-controller daemon-set-controller deployment-controller disruption-controller endpoint-controller
    endpointslice-controller endpointslicemirroring-controller ephemeral-volume-controller expand-controller
    generic-garbage-collector horizontal-pod-autoscaler job-controller kube-proxy
    legacy-service-account-token-cleaner namespace-controller node-controller persistent-volume-binder
    pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller
    replication-controller resource-claim-controller resourcequota-controller root-ca-cert-publisher
    route-controller selinux-warning-controller service-account-controller service-cidrs-controller
    service-controller statefulset-controller storage-version-migrator-controller taint-eviction-controller
    token-cleaner ttl-after-finished-controller ttl-controller validatingadmissionpolicy-status-controller
"""
_CONTROLLERS: Final = frozenset(f"system:serviceaccount:kube-system:{name}" for name in _NAMES.split())
_COMPONENTS: Final = ("system:node:", "system:kube-", "system:apiserver", "system:cloud-controller-manager", "eks:")


class Alteration(NamedTuple):
    """A change as its request says it. ``persons`` where it counts only if a person made it."""

    kind: ChangeKind
    status: ChangeStatus
    persons: bool = False


def is_control_plane(user: str) -> bool:
    """Whether a user is a part of the control plane or a node, and does what others decided.

    >>> is_control_plane("system:node:worker-1"), is_control_plane("system:serviceaccount:argocd:argocd-server")
    (True, False)
    """
    return user in _CONTROLLERS or user.startswith(_COMPONENTS)


def alteration(verb: str, resource: str, subresource: str | None, group: str, name: str) -> Alteration | None:
    """What a successful request changes, None where nothing that counts.

    >>> alteration("patch", "deployments", None, "apps", "pay")
    Alteration(kind='deploy', status='started', persons=False)
    """
    if verb not in VERBS or resource in _NEVER or resource.endswith(_ASKING):
        return None
    if subresource:
        kind = _SUBRESOURCES.get((resource, subresource))
        return Alteration(kind, "succeeded") if kind else None
    if resource == "secrets":
        if name.startswith(HELM):  # made at the start of an installation, an upgrade or a rollback
            return Alteration("deploy", "started") if verb == "create" else None
        rotated = verb in ("update", "patch")
        return Alteration("secret_rotation" if rotated else "configuration", "succeeded", verb == "update")
    if resource in ("configmaps", "endpoints") and "leader" in name:
        return None  # the lock of an election, renewed every few seconds
    if resource in _PEOPLES:
        return Alteration(_PEOPLES[resource], "started" if verb != "delete" else "succeeded", persons=True)
    kind = _BY_RESOURCE.get(resource)
    if kind is None:
        custom = "." in group and not group.endswith(".k8s.io")
        return Alteration("configuration", "succeeded", persons=True) if custom else None
    if resource in ("endpoints", "endpointslices", "nodes", "persistentvolumeclaims"):
        return Alteration(kind, "succeeded", persons=True)
    rolls = kind == "deploy" and verb in ("create", "update", "patch")
    return Alteration(kind, "started" if rolls else "succeeded", verb == "update" and kind not in ("deploy", "access"))
