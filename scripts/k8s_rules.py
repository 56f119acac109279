"""What has to fit together in a set of Kubernetes resources: names, labels, references, probes, settings.

Each rule takes all resources of one build and yields one line for each problem. Field meanings: Kubernetes API
reference, apps/v1, batch/v1, core/v1, policy/v1, networking.k8s.io/v1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from scripts.k8s_security import Resource, containers, hardened, restricted
from streams.settings import Settings

Resources = Sequence[Resource]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
SERVING = ("Deployment", "StatefulSet", "DaemonSet")
PROBES = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
LABELS = tuple(f"app.kubernetes.io/{label}" for label in ("name", "component", "part-of"))
SECRETS = {"weir": {"redaction-key", "kafka"}}
"""Made by hand beside the resources: k8s/README.md."""


class _File(Settings):
    """Settings from a file's keys alone, whatever the environment here holds."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def title(resource: Resource) -> str:
    """``Kind/name``, as messages call a resource."""
    return f"{resource['kind']}/{resource['metadata']['name']}"


def workloads(resources: Resources, kinds: Sequence[str] = WORKLOADS) -> list[tuple[Resource, Resource]]:
    """Workloads, each with its pod template."""
    return [(r, r["spec"]["template"]) for r in resources if r["kind"] in kinds]


def of_kind(resources: Resources, kind: str) -> dict[str, Resource]:
    """Resources of one kind by name."""
    return {r["metadata"]["name"]: r for r in resources if r["kind"] == kind}


def labels_of(resource: Resource) -> dict[str, str]:
    """Labels of a resource or a pod template."""
    return dict(resource.get("metadata", {}).get("labels", {}))


def selects(selector: dict[str, str] | None, labels: dict[str, str]) -> bool:
    """Whether plain ``key: value`` pairs choose these labels. No pairs choose nothing here: too wide to be meant."""
    return bool(selector) and (selector or {}).items() <= labels.items()


def security(resources: Resources) -> Iterator[str]:
    """Pod Security "restricted" and what is expected beyond it."""
    for workload, template in workloads(resources):
        for problem in (*restricted(template["spec"]), *hardened(template["spec"])):
            yield f"{title(workload)}: {problem}"


def labels(resources: Resources) -> Iterator[str]:
    """The recommended labels are on everything that a person wrote."""
    for resource in resources:
        if resource["kind"] not in ("ConfigMap", "Secret"):
            for label in LABELS:
                if label not in labels_of(resource):
                    yield f"{title(resource)}: no label {label}"


def selectors(resources: Resources) -> Iterator[str]:
    """Every selector chooses pods that are there, and each workload its own only."""
    pods = {title(workload): labels_of(template) for workload, template in workloads(resources)}
    for workload, template in workloads(resources):
        own = labels_of(template)
        if workload["kind"] in SERVING:
            selector = workload["spec"]["selector"].get("matchLabels")
            if not selects(selector, own):
                yield f"{title(workload)}: its selector does not choose its own pods"
            for other, theirs in pods.items():
                if other != title(workload) and selects(selector, theirs):
                    yield f"{title(workload)}: its selector also chooses the pods of {other}"
        for spread in template["spec"].get("topologySpreadConstraints", []):
            if not selects(spread.get("labelSelector", {}).get("matchLabels"), own):
                yield f"{title(workload)}: spreads pods that are not its own"
    for resource in resources:
        spec = resource.get("spec", {})
        chosen = {
            "Service": spec.get("selector"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        }
        if resource["kind"] in chosen and not any(selects(chosen[resource["kind"]], own) for own in pods.values()):
            yield f"{title(resource)}: its selector chooses no pod"


def references(resources: Resources) -> Iterator[str]:
    """ConfigMaps, Secrets, keys, accounts, services, volumes and ports that something names are there."""
    maps = {name: {*r.get("data", {}), *r.get("binaryData", {})} for name, r in of_kind(resources, "ConfigMap").items()}
    for workload, template in workloads(resources):
        pod = template["spec"]
        if pod.get("serviceAccountName") not in of_kind(resources, "ServiceAccount"):
            yield f"{title(workload)}: no ServiceAccount {pod.get('serviceAccountName')}"
        for what, known, name, keys in _named_sources(pod, maps):
            if name not in known:
                yield f"{title(workload)}: no {what} {name}"
            for key in keys - known.get(name, keys):
                yield f"{title(workload)}: {what} {name} has no key {key}"
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        mounted = {mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", [])}
        for name in sorted(volumes ^ mounted):
            yield f"{title(workload)}: volume {name} is {'not mounted' if name in volumes else 'mounted but not there'}"
        if workload["kind"] == "StatefulSet":
            service = of_kind(resources, "Service").get(workload["spec"].get("serviceName", ""))
            if service is None or service["spec"].get("clusterIP") != "None":
                yield f"{title(workload)}: serviceName is not a headless Service"
    ports = {
        port["name"]: template
        for _, template in workloads(resources)
        for container in template["spec"]["containers"]
        for port in container.get("ports", [])
    }
    for service in of_kind(resources, "Service").values():
        for port in service["spec"].get("ports", []):
            if isinstance(port.get("targetPort"), str) and port["targetPort"] not in ports:
                yield f"{title(service)}: no port {port['targetPort']}"


def _named_sources(
    pod: Resource, maps: dict[str, set[str]]
) -> Iterator[tuple[str, dict[str, set[str]], str, set[str]]]:
    for volume in pod.get("volumes", []):
        if "configMap" in volume:
            source = volume["configMap"]
            yield "ConfigMap", maps, source["name"], {item["key"] for item in source.get("items", [])}
        if "secret" in volume:
            source = volume["secret"]
            yield "Secret", SECRETS, source["secretName"], {item["key"] for item in source.get("items", [])}
    for variable in (v for container in containers(pod) for v in container.get("env", [])):
        source = variable.get("valueFrom", {})
        if "configMapKeyRef" in source:
            yield "ConfigMap", maps, source["configMapKeyRef"]["name"], {source["configMapKeyRef"]["key"]}
        if "secretKeyRef" in source:
            yield "Secret", SECRETS, source["secretKeyRef"]["name"], {source["secretKeyRef"]["key"]}


def probes(resources: Resources) -> Iterator[str]:
    """Ready is after the restore; alive does not ask the brokers; both on the port that the settings open."""
    opened = {
        tomllib.loads(r["data"]["weir.toml"]).get("metrics_port")
        for r in of_kind(resources, "ConfigMap").values()
        if "weir.toml" in r.get("data", {})
    }
    for workload, template in workloads(resources, SERVING):
        for container in template["spec"]["containers"]:
            named = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
            for kind, path in PROBES.items():
                get = container.get(kind, {}).get("httpGet", {})
                if get.get("path") != path:
                    yield f"{title(workload)}: {kind} does not ask {path}"
                elif named.get(get.get("port"), get.get("port")) not in opened:
                    yield f"{title(workload)}: {kind} asks port {get.get('port')}, but metrics_port is {opened}"


def settings(resources: Resources) -> Iterator[str]:
    """Each variable sets something, and ``weir.toml`` is one that ``weir`` takes."""
    known = {f"WEIR_{name.upper()}" for name in Settings.model_fields} | {"KAFKA_BOOTSTRAP_SERVERS"}
    for workload, template in workloads(resources):
        for container in containers(template["spec"]):
            for variable in container.get("env", []):
                if variable["name"].split("__")[0] not in known:
                    yield f"{title(workload)}: {variable['name']} sets nothing"
            wanted = next((v.get("value") for v in container.get("env", []) if v["name"] == "WEIR_CONFIG_FILE"), None)
            if wanted not in _mounted_files(template["spec"], container):
                yield f"{title(workload)}: container {container['name']}: no file at WEIR_CONFIG_FILE ({wanted})"
    for resource in of_kind(resources, "ConfigMap").values():
        try:
            _File(**tomllib.loads(resource.get("data", {}).get("weir.toml", "")))
        except (ValidationError, tomllib.TOMLDecodeError) as error:
            yield f"{title(resource)}: weir.toml: {error}"


def _mounted_files(pod: Resource, container: Resource) -> set[str]:
    items = {volume["name"]: volume.get("configMap", {}).get("items", []) for volume in pod.get("volumes", [])}
    return {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container.get("volumeMounts", [])
        for item in items.get(mount["name"], [])
    }


def identity(resources: Resources) -> Iterator[str]:
    """Each serving pod goes by its own name, so two never share a transactional id."""
    for workload, template in workloads(resources, SERVING):
        for container in template["spec"]["containers"]:
            fields = {
                v["name"]: v.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") for v in container.get("env", [])
            }
            if fields.get("WEIR_INSTANCE") != "metadata.name":
                yield f"{title(workload)}: WEIR_INSTANCE is not the pod's name"


def availability(resources: Resources) -> Iterator[str]:
    """Several pods of a kind leave one at a time, and each is given time to commit."""
    budgets = [r["spec"] for r in of_kind(resources, "PodDisruptionBudget").values()]
    for workload, template in workloads(resources, SERVING):
        if workload["spec"].get("replicas", 1) > 1 and not any(
            selects(b["selector"].get("matchLabels"), labels_of(template)) and b.get("maxUnavailable") == 1
            for b in budgets
        ):
            yield f"{title(workload)}: no PodDisruptionBudget with maxUnavailable 1"
        if template["spec"].get("terminationGracePeriodSeconds", 30) <= 30:
            yield f"{title(workload)}: terminationGracePeriodSeconds is not longer than flush and commit (30 s)"


def namespaces(resources: Resources) -> Iterator[str]:
    """Where a build brings its namespace, it enforces "restricted", and all else is in it."""
    own = of_kind(resources, "Namespace")
    for resource in own.values():
        if labels_of(resource).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{title(resource)}: does not enforce Pod Security restricted"
    for resource in resources if own else ():
        if resource["kind"] != "Namespace" and resource["metadata"].get("namespace") not in own:
            yield f"{title(resource)}: not in the namespace of this build"


Rule = Callable[[Resources], Iterator[str]]
RULES: tuple[Rule, ...] = (
    security,
    labels,
    selectors,
    references,
    probes,
    settings,
    identity,
    availability,
    namespaces,
)


def problems(resources: Resources) -> list[str]:
    """Every problem that a rule finds."""
    return [problem for rule in RULES for problem in rule(resources)]


def commands(resources: Resources) -> list[tuple[str, list[Any]]]:
    """What the containers call of ``weir``: the workload's title and the arguments."""
    return [
        (title(workload), container.get("args", []))
        for workload, template in workloads(resources)
        for container in containers(template["spec"])
    ]
