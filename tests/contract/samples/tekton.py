"""Tekton's CloudEvents, written after its documentation: in both modes, of a pipeline's run and a task's."""

from typing import Any

SHA = "5b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"
EXACT = "sha256:" + "0123456789abcdef" * 4


def attributes(kind: str, number: int = 1) -> dict[str, str]:
    """The headers of binary mode, names in lower case."""
    return {
        "ce_id": f"77f78ae7-ff6d-4e39-9d05-{number:012d}",
        "ce_source": "/apis/tekton.dev/v1beta1/namespaces/ci/pipelineruns/pay-build-7",
        "ce_specversion": "1.0",
        "ce_subject": "pay-build-7",
        "ce_time": "2026-03-02T09:13:00.157819Z",
        "ce_type": f"dev.tekton.event.{kind}.v1",
        "content-type": "application/json",
    }


def structured(kind: str, data: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """The same as one object."""
    names = ("id", "source", "specversion", "subject", "time", "type")
    return {name: attributes(kind, number)[f"ce_{name}"] for name in names} | {"data": data}


PIPELINE: dict[str, Any] = {
    "pipelineRun": {
        "metadata": {"name": "pay-build-7", "namespace": "ci", "uid": "4ccb4f01-3ecc-4eb4-87e1-000000000001"},
        "spec": {"pipelineRef": {"name": "build"}, "serviceAccountName": "builder"},
        "status": {
            "conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}],
            "startTime": "2026-03-02T09:10:00Z",
            "completionTime": "2026-03-02T09:13:00Z",
            "pipelineResults": [
                {"name": "IMAGE_URL", "value": "ghcr.io/acme/pay:1.5\n"},
                {"name": "IMAGE_DIGEST", "value": EXACT},
                {"name": "CHAINS-GIT_COMMIT", "value": SHA},
            ],
        },
    }
}
TASK: dict[str, Any] = {
    "taskRun": {
        "metadata": {"name": "pay-test-7", "namespace": "ci"},
        "spec": {"serviceAccountName": "builder"},
        "status": {
            "conditions": [{"type": "Succeeded", "status": "False", "reason": "TaskRunTimeout"}],
            "podName": "pay-test-7-pod",
            "startTime": "2026-03-02T09:10:00Z",
        },
    }
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "binary": (PIPELINE, attributes("pipelinerun.successful") | {"x-weir-cluster": "prod-eu"}),
    "structured": (structured("taskrun.failed", TASK, 2), {}),
    "array": ([structured("taskrun.started", TASK, 3), structured("taskrun.unknown", TASK, 4)], {}),
}
