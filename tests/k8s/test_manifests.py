"""The manifests hold, and each rule turns red when what it watches is broken."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import check_k8s, k8s_rules
from scripts.repository import ROOT

Resource = dict[str, Any]
BASE = ROOT / "k8s" / "base"


@pytest.fixture(scope="module")
def base() -> list[Resource]:
    return list(check_k8s.read(BASE))


@pytest.fixture(scope="module")
def dev() -> list[Resource]:
    command = check_k8s.builder()
    if command is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    return list(check_k8s.render(ROOT / "k8s" / "overlays" / "dev", command))


def of(resources: list[Resource], title: str) -> Resource:
    return next(r for r in resources if k8s_rules.title(r) == title)


def pod(resources: list[Resource], title: str) -> Resource:
    spec: Resource = of(resources, title)["spec"]["template"]["spec"]
    return spec


def container(resources: list[Resource], title: str = "StatefulSet/weir-correlate") -> Resource:
    first: Resource = pod(resources, title)["containers"][0]
    return first


def variable(resources: list[Resource], name: str) -> Resource:
    return next(v for v in container(resources)["env"] if v["name"] == name)


def test_base_holds_without_a_build_tool(base: list[Resource]) -> None:
    """The base as its files say it passes every schema and rule, on the oldest and newest Kubernetes."""
    assert check_k8s.check(base) == []


def test_built_tree_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole folder, built where a build tool is installed, has no problem."""
    assert check_k8s.main() == 0, capsys.readouterr().err


def test_reading_and_building_the_base_agree(base: list[Resource]) -> None:
    """What the check reads without a build tool is what a build tool makes, but for the ConfigMap's suffix."""
    command = check_k8s.builder()
    if command is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    built = check_k8s.render(BASE, command)
    maps = {r["metadata"]["name"] for r in built if r["kind"] == "ConfigMap"}
    assert len(maps) == 1

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list):
            return [plain(v) for v in value]
        return "weir" if value in maps else value

    assert {k8s_rules.title(r): r for r in plain(list(built))} == {k8s_rules.title(r): r for r in base}


def test_two_workloads_as_designed(base: list[Resource]) -> None:
    """ingest is a Deployment, correlate a parallel StatefulSet named by its pods, two pods each, no volume claim."""
    ingest, correlate = of(base, "Deployment/weir-ingest"), of(base, "StatefulSet/weir-correlate")
    assert (ingest["spec"]["replicas"], correlate["spec"]["replicas"]) == (2, 2)
    assert correlate["spec"]["podManagementPolicy"] == "Parallel"
    assert "volumeClaimTemplates" not in correlate["spec"]


def test_links_is_named_like_correlate(base: list[Resource]) -> None:
    """links is a StatefulSet of one pod under a service of its own; a restart takes up its own partitions."""
    links = of(base, "StatefulSet/weir-links")
    assert links["spec"]["replicas"] == 1
    assert links["spec"]["serviceName"] == of(base, "Service/weir-links")["metadata"]["name"]
    assert container(base, "StatefulSet/weir-links")["args"] == ["links"]
    assert "volumeClaimTemplates" not in links["spec"]


def test_the_context_component_holds(base: list[Resource]) -> None:
    """The poller of feeds passes every rule beside the base, is one pod, and may reach https."""
    found = [*base, *check_k8s.read(ROOT / "k8s" / "components" / "context")]
    assert check_k8s.check(found) == []
    assert list(check_k8s.unlisted(ROOT / "k8s" / "components" / "context")) == []
    assert of(found, "Deployment/weir-context")["spec"]["replicas"] == 1
    assert container(found, "Deployment/weir-context")["args"] == ["context", "poll"]
    assert of(found, "NetworkPolicy/weir-context-egress")["spec"]["egress"] == [
        {"ports": [{"protocol": "TCP", "port": 443}]}
    ]


BREAKS: dict[str, tuple[Callable[[list[Resource]], Any], str]] = {
    "root allowed": (
        lambda r: pod(r, "StatefulSet/weir-correlate")["securityContext"].pop("runAsNonRoot"),
        "runAsNonRoot is not true",
    ),
    "container overrides the pod": (
        lambda r: container(r)["securityContext"].update(runAsNonRoot=False),
        "runAsNonRoot is not true",
    ),
    "runs as root": (lambda r: container(r)["securityContext"].update(runAsUser=0), "runAsUser is 0"),
    "no seccomp": (
        lambda r: pod(r, "Job/weir-topics")["securityContext"].pop("seccompProfile"),
        "seccompProfile is not RuntimeDefault",
    ),
    "escalation": (
        lambda r: container(r)["securityContext"].pop("allowPrivilegeEscalation"),
        "allowPrivilegeEscalation is not false",
    ),
    "init container keeps capabilities": (
        lambda r: pod(r, "Deployment/weir-ingest")["initContainers"][0]["securityContext"].pop("capabilities"),
        "capabilities do not drop ALL",
    ),
    "capability added": (
        lambda r: container(r)["securityContext"]["capabilities"].update(add=["SYS_PTRACE"]),
        "adds capabilities SYS_PTRACE",
    ),
    "host path": (
        lambda r: pod(r, "Job/weir-topics")["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        "volume host is of type hostPath",
    ),
    "host network": (lambda r: pod(r, "Job/weir-topics").update(hostNetwork=True), "hostNetwork is on"),
    "host port": (lambda r: container(r)["ports"][0].update(hostPort=9108), "takes port 9108 of the node"),
    "writable root": (
        lambda r: container(r)["securityContext"].pop("readOnlyRootFilesystem"),
        "readOnlyRootFilesystem is not true",
    ),
    "token mounted": (
        lambda r: pod(r, "Job/weir-topics").pop("automountServiceAccountToken"),
        "automountServiceAccountToken is not false",
    ),
    "service links": (lambda r: pod(r, "Job/weir-topics").pop("enableServiceLinks"), "enableServiceLinks is not false"),
    "no memory limit": (lambda r: container(r)["resources"]["limits"].pop("memory"), "no memory in limits"),
    "latest image": (lambda r: container(r).update(image="weir:latest"), "names no version"),
    "untagged image": (lambda r: container(r).update(image="registry.example:5000/weir"), "names no version"),
    "unknown field": (lambda r: container(r).update(readynessProbe={}), "Kubernetes 1.31"),
    "wrong type": (lambda r: of(r, "StatefulSet/weir-correlate")["spec"].update(replicas="two"), "Kubernetes 1.31"),
    "selector of another": (
        lambda r: of(r, "Deployment/weir-ingest")["spec"]["selector"]["matchLabels"].update(
            {"app.kubernetes.io/component": "correlate"}
        ),
        "does not choose its own pods",
    ),
    "selector too wide": (
        lambda r: of(r, "Deployment/weir-ingest")["spec"]["selector"]["matchLabels"].pop("app.kubernetes.io/component"),
        "also chooses the pods of StatefulSet/weir-correlate",
    ),
    "budget for nobody": (
        lambda r: of(r, "PodDisruptionBudget/weir-ingest")["spec"]["selector"].update(matchLabels={"app": "x"}),
        "its selector chooses no pod",
    ),
    "no budget": (
        lambda r: r.remove(of(r, "PodDisruptionBudget/weir-correlate")),
        "no PodDisruptionBudget with maxUnavailable 1",
    ),
    "service for nobody": (
        lambda r: of(r, "Service/weir-correlate")["spec"]["selector"].update({"app.kubernetes.io/name": "x"}),
        "its selector chooses no pod",
    ),
    "service with an address": (
        lambda r: of(r, "Service/weir-correlate")["spec"].pop("clusterIP"),
        "serviceName is not a headless Service",
    ),
    "port gone": (lambda r: container(r)["ports"][0].update(name="http"), "asks port metrics"),
    "spreads others": (
        lambda r: pod(r, "Deployment/weir-ingest")["topologySpreadConstraints"][0]["labelSelector"].update(
            matchLabels={"app.kubernetes.io/component": "correlate"}
        ),
        "spreads pods that are not its own",
    ),
    "no such ConfigMap": (
        lambda r: pod(r, "Job/weir-topics")["volumes"][0]["configMap"].update(name="wier"),
        "no ConfigMap wier",
    ),
    "no such key": (
        lambda r: variable(r, "KAFKA_BOOTSTRAP_SERVERS")["valueFrom"]["configMapKeyRef"].update(key="brokers"),
        "ConfigMap weir has no key brokers",
    ),
    "no such secret": (
        lambda r: variable(r, "WEIR_REDACTION_KEY")["valueFrom"]["secretKeyRef"].update(name="other"),
        "no Secret other",
    ),
    "no such account": (
        lambda r: pod(r, "Job/weir-topics").update(serviceAccountName="default"),
        "no ServiceAccount default",
    ),
    "volume not mounted": (lambda r: container(r)["volumeMounts"].clear(), "no file at WEIR_CONFIG_FILE"),
    "mounted elsewhere": (
        lambda r: container(r)["volumeMounts"][0].update(mountPath="/etc/wier"),
        "no file at WEIR_CONFIG_FILE",
    ),
    "mount of nothing": (
        lambda r: container(r)["volumeMounts"].append({"name": "data", "mountPath": "/data"}),
        "volume data is mounted but not there",
    ),
    "variable that sets nothing": (
        lambda r: container(r)["env"].append({"name": "WEIR_BROKERS", "value": "kafka:9092"}),
        "WEIR_BROKERS sets nothing",
    ),
    "setting misspelt": (
        lambda r: of(r, "ConfigMap/weir")["data"].update({"weir.toml": "metrics_prot = 9108\nmetrics_port = 9108"}),
        "metrics_prot",
    ),
    "endpoints on another port": (
        lambda r: of(r, "ConfigMap/weir")["data"].update({"weir.toml": "metrics_port = 9109"}),
        "asks port metrics, but metrics_port is",
    ),
    "live asks for ready": (
        lambda r: container(r)["livenessProbe"]["httpGet"].update(path="/readyz"),
        "livenessProbe does not ask /healthz",
    ),
    "no readiness": (lambda r: container(r).pop("readinessProbe"), "readinessProbe does not ask /readyz"),
    "one name for all": (
        lambda r: variable(r, "WEIR_INSTANCE").update(valueFrom={"fieldRef": {"fieldPath": "spec.nodeName"}}),
        "WEIR_INSTANCE is not the pod's name",
    ),
    "no time to commit": (
        lambda r: pod(r, "StatefulSet/weir-correlate").pop("terminationGracePeriodSeconds"),
        "terminationGracePeriodSeconds is not longer",
    ),
    "no label": (
        lambda r: of(r, "Service/weir-correlate")["metadata"]["labels"].pop("app.kubernetes.io/part-of"),
        "no label app.kubernetes.io/part-of",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_break_is_seen(base: list[Resource], name: str) -> None:
    """Each way to spoil the base is named by the check."""
    breaks, message = BREAKS[name]
    resources = copy.deepcopy(base)
    breaks(resources)
    problems = check_k8s.check(resources, ["1.31"])
    assert any(message in problem for problem in problems), problems


def test_dev_namespace_must_enforce_restricted(dev: list[Resource]) -> None:
    """A namespace that only warns, and a resource outside of it, are both named."""
    resources = copy.deepcopy(dev)
    of(resources, "Namespace/weir-dev")["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce")
    of(resources, "Service/weir-correlate")["metadata"]["namespace"] = "default"
    assert check_k8s.check(resources) == [
        "Namespace/weir-dev: does not enforce Pod Security restricted",
        "Service/weir-correlate: not in the namespace of this build",
    ]


def test_policy_for_nobody_is_seen(dev: list[Resource]) -> None:
    """A network policy whose selector chooses no pod protects nothing, and is named."""
    resources = copy.deepcopy(dev)
    of(resources, "NetworkPolicy/weir-default-deny")["spec"]["podSelector"]["matchLabels"] = {"app": "weir"}
    assert check_k8s.check(resources) == ["NetworkPolicy/weir-default-deny: its selector chooses no pod"]


def test_file_that_is_not_listed_is_seen(tmp_path: Path) -> None:
    """A manifest that the kustomization does not list would never be applied, and is named."""
    folder = shutil.copytree(BASE, tmp_path / "base")
    (folder / "extra.yaml").write_text("kind: ConfigMap\n")
    assert list(check_k8s.unlisted(folder)) == ["extra.yaml is not listed in kustomization.yaml"]


def test_broken_build_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kustomization that lists a missing file fails the check, with the build tool's words."""
    if check_k8s.builder() is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    (shutil.copytree(BASE, tmp_path / "base") / "ingest.yaml").unlink()
    assert check_k8s.main(tmp_path) == 1
    assert "does not build" in capsys.readouterr().err
