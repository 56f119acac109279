"""What a pod of Weir may do: Pod Security "restricted", and what is expected beyond it.

Source: Kubernetes documentation, Pod Security Standards, the tables Baseline and Restricted. Stricter than Baseline in
one point: no sysctl, SELinux or AppArmor setting of its own at all. Windows pods are out of scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def containers(pod: Resource) -> list[Resource]:
    """All containers of a pod spec, those that run first included."""
    return [*pod.get("initContainers", []), *pod.get("containers", []), *pod.get("ephemeralContainers", [])]


def restricted(pod: Resource) -> Iterator[str]:
    """What admission at level "restricted" would refuse in this pod spec."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{field} is on"
    for volume in pod.get("volumes", []):
        for kind in volume.keys() - VOLUMES - {"name"}:
            yield f"volume {volume['name']} is of type {kind}"
    of_pod = pod.get("securityContext", {})
    if of_pod.get("sysctls"):
        yield "sets sysctls"
    for container in containers(pod):
        name = f"container {container['name']}"
        own = container.get("securityContext", {})
        both = {**of_pod, **own}
        if both.get("runAsNonRoot") is not True:
            yield f"{name}: runAsNonRoot is not true"
        if both.get("runAsUser") == 0:
            yield f"{name}: runAsUser is 0"
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name}: seccompProfile is not RuntimeDefault"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation is not false"
        if own.get("privileged"):
            yield f"{name}: privileged"
        if own.get("procMount", "Default") != "Default":
            yield f"{name}: procMount is not Default"
        if "ALL" not in own.get("capabilities", {}).get("drop", []):
            yield f"{name}: capabilities do not drop ALL"
        if added := set(own.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
            yield f"{name}: adds capabilities {', '.join(sorted(added))}"
        if "seLinuxOptions" in both or "appArmorProfile" in both:
            yield f"{name}: sets its own SELinux or AppArmor profile"
        for port in container.get("ports", []):
            if port.get("hostPort"):
                yield f"{name}: takes port {port['hostPort']} of the node"


def hardened(pod: Resource) -> Iterator[str]:
    """What "restricted" leaves open and Weir does not need."""
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken is not false"
    if pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is not false: Services named weir-* would set WEIR_* variables"
    for volume in pod.get("volumes", []):
        if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
            yield f"volume {volume['name']} has no sizeLimit"
    for container in containers(pod):
        name = f"container {container['name']}"
        own = container.get("securityContext", {})
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: readOnlyRootFilesystem is not true"
        if not {**pod.get("securityContext", {}), **own}.get("runAsUser"):
            yield f"{name}: no runAsUser"
        for kind in ("requests", "limits"):
            for resource in ("cpu", "memory", "ephemeral-storage"):
                if resource not in container.get("resources", {}).get(kind, {}):
                    yield f"{name}: no {resource} in {kind}"
        image = container.get("image", "")
        if not re.search(r"@sha256:[0-9a-f]{64}$|:[\w][\w.-]*$", image) or image.endswith(":latest"):
            yield f"{name}: image {image or 'missing'} names no version"
