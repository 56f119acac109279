"""Checkov reports, written after its documentation: one run, several, secrets, packages, nothing to check."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}
NAMED = RECEIVED | {"x-weir-repository": "acme/infra"}


def check(rule: str = "CKV_AWS_18", **fields: Any) -> dict[str, Any]:
    """A failed check of a bucket."""
    return {
        "check_id": rule,
        "bc_check_id": "BC_AWS_S3_13",
        "check_name": "Ensure the bucket has access logging",
        "check_result": {"result": "FAILED", "evaluated_keys": ["logging"]},
        "code_block": [[1, 'resource "aws_s3_bucket" "logs" {\n']],
        "file_path": "/main.tf",
        "file_abs_path": "/src/infra/main.tf",
        "repo_file_path": "/infra/main.tf",
        "file_line_range": [1, 15],
        "resource": "aws_s3_bucket.logs",
        "severity": None,
        "guideline": "https://docs.example.com/s3-13",
        "vulnerability_details": None,
        **fields,
    }


def run(framework: str, failed: list[Any], skipped: list[Any] | None = None, passed: int = 0) -> dict[str, Any]:
    """The run of a framework."""
    return {
        "check_type": framework,
        "results": {
            "passed_checks": [check(check_result={"result": "PASSED"})] * passed,
            "failed_checks": failed,
            "skipped_checks": skipped or [],
            "parsing_errors": [],
        },
        "summary": {"passed": passed, "failed": len(failed), "skipped": 0, "parsing_errors": 0},
        "url": "Add an api key '--bc-api-key <api-key>' to see more detailed insights",
    }


SKIPPED = check("CKV_AWS_21", check_result={"result": "SKIPPED", "suppress_comment": "kept for a day only"})
ONE = run("terraform", [check(), check("CKV_AWS_19", severity="HIGH", file_line_range=[20, 30])], [SKIPPED], passed=2)
SECRET = check("CKV_SECRET_2", check_name="AWS Access Key", resource="3a7bd3e2360a3d29eea436fcfb7e44c735d117c4")
PACKAGE = check(
    "BC_CVE_2026_4444",
    bc_check_id="BC_CVE_2026_4444",
    file_path="/requirements.txt",
    repo_file_path="/requirements.txt",
    resource="requirements.txt.django",
    vulnerability_details={
        "id": "CVE-2026-4444",
        "severity": "critical",
        "package_name": "django",
        "package_version": "1.2",
        "cvss": 9.8,
        "lowest_fixed_version": "2.2.24",
        "description": "Queries can be changed",
    },
)
SEVERAL = [run("secrets", [SECRET]), run("sca_package", [PACKAGE]), run("sast_python", [check("CKV3_SAST_1")])]
NOTHING = {
    "passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 0, "resource_count": 0, "checkov_version": "3.2.1",
}  # fmt: skip

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "one run": (ONE, RECEIVED),
    "several runs": (SEVERAL, RECEIVED),
    "of a repository": (ONE, NAMED),
    "nothing": (NOTHING, RECEIVED),
}
