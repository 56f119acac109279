"""Terraform, written after its documentation: notifications of runs and workspaces, lines of an apply, a plan."""

from typing import Any


def run(trigger: str = "run:completed", status: str = "applied", **fields: Any) -> dict[str, Any]:
    """A run's notification."""
    return {
        "payload_version": 1,
        "notification_configuration_id": "nc-AeUQ2zfKZzW9TiGZ",
        "run_url": "https://app.terraform.io/app/acme/network/runs/run-FwnENkvDnrpyFC7M",
        "run_id": "run-FwnENkvDnrpyFC7M",
        "run_message": "Open port 8443 to the partner",
        "run_created_at": "2026-03-02T09:00:00.000Z",
        "run_created_by": "Ann",
        "workspace_id": "ws-XdeUVMWShTesDMME",
        "workspace_name": "network",
        "organization_name": "acme",
        "notifications": [
            {
                "message": "Run Applied",
                "trigger": trigger,
                "run_status": status,
                "run_updated_at": "2026-03-02T09:04:00.000Z",
                "run_updated_by": "bob",
            }
        ],
        **fields,
    }


def assessment(trigger: str = "assessment:drifted", **fields: Any) -> dict[str, Any]:
    """A workspace's notification."""
    return {
        "payload_version": "2",
        "notification_configuration_id": "nc-SZ3V3cLFxK6sqLKn",
        "trigger_scope": "assessment",
        "trigger": trigger,
        "message": "Drift Detected",
        "details": {
            "new_assessment_result": {
                "id": "asmtres-vRVQxpqq64EA9V5a",
                "succeeded": True,
                "drifted": True,
                "all_checks_succeeded": True,
                "resources_drifted": 4,
                "checks_failed": 0,
                "created_at": "2026-03-02T05:23:10Z",
                **fields,
            },
            "workspace_id": "ws-XdeUVMWShTesDMME",
            "workspace_name": "network",
            "organization_name": "acme",
        },
    }


def said(kind: str, **hook: Any) -> dict[str, Any]:
    """A line of ``terraform apply -json``."""
    return {
        "@level": "info",
        "@message": "aws_s3_bucket.logs: done",
        "@module": "terraform.ui",
        "@timestamp": "2026-03-02T09:03:41.869168-04:00",
        "type": kind,
        "hook": {
            "resource": {"addr": "aws_s3_bucket.logs", "resource_type": "aws_s3_bucket", "resource_name": "logs"},
            "action": "create",
            "id_key": "id",
            "id_value": "acme-logs",
            **hook,
        },
    }


LINES = [
    {"@level": "info", "@module": "terraform.ui", "@timestamp": "2026-03-02T09:03:40Z", "type": "version", "ui": "1.2"},
    said("apply_start"),
    said("apply_complete", id_value="arn:aws:iam::111122223333:role/pay"),
    said("apply_errored", action="update"),
    said("apply_complete", action="read"),
]
PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.9.0",
    "timestamp": "2026-03-02T09:01:00Z",
    "errored": False,
    "resource_changes": [
        {"address": "aws_s3_bucket.logs", "change": {"actions": ["create"], "before": None, "after": {}}},
        {
            "address": "aws_iam_role.pay",
            "change": {"actions": ["update"], "before": {"arn": "arn:aws:iam::111122223333:role/pay"}},
        },
        {"address": "aws_instance.web", "change": {"actions": ["delete", "create"], "before": {"id": "i-0abc"}}},
        {"address": "aws_instance.db", "change": {"actions": ["no-op"], "before": {}}},
    ],
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "applied": (run(), {}),
    "applying": (run("run:applying", "applying"), {}),
    "created": (run("run:created", "pending"), {}),
    "verification": (
        run("verification", "", run_id=None, run_created_by=None, workspace_name=None, organization_name=None),
        {},
    ),
    "drift": (assessment(), {}),
    "lines": (LINES, {"x-weir-repository": "acme/infra"}),
    "line": (said("apply_complete"), {}),
    "plan": (PLAN, {"x-weir-repository": "acme/infra"}),
}
