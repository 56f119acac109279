"""Inspector findings, written after the Inspector user guide and API reference."""

from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE_ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/acme/pay/{DIGEST}"


def finding(identity: str, kind: str, resource: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A finding with what the format requires."""
    return {
        "awsAccountId": ACCOUNT,
        "findingArn": f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/{identity}",
        "type": kind,
        "title": "CVE-2026-1111 - openssl",
        "description": "A weakness in openssl.",
        "severity": "HIGH",
        "status": "ACTIVE",
        "firstObservedAt": "Mon Mar 02 09:10:00.101 UTC 2026",
        "lastObservedAt": "Mon Mar 02 09:12:00.101 UTC 2026",
        "updatedAt": "Mon Mar 02 09:12:30.250 UTC 2026",
        "remediation": {"recommendation": {"text": "None Provided"}},
        "resources": [{"partition": "aws", "region": REGION, "tags": {}, **resource}],
        **fields,
    }


def event(detail: dict[str, Any]) -> dict[str, Any]:
    """What EventBridge delivers."""
    return {
        "version": "0",
        "id": "0a1b2c3d-0000-4000-8000-000000000002",
        "detail-type": "Inspector2 Finding",
        "source": "aws.inspector2",
        "account": ACCOUNT,
        "time": "2026-03-02T09:12:31Z",
        "region": REGION,
        "resources": ["i-0123456789abcdef0"],
        "detail": detail,
    }


def package(name: str, **fields: Any) -> dict[str, Any]:
    """A vulnerable package of a Debian system."""
    return {
        "name": name,
        "version": "3.0.13",
        "release": "1",
        "epoch": 0,
        "arch": "X86_64",
        "packageManager": "OS",
        "fixedInVersion": "0:3.0.14-1",
        "remediation": "apt-get update && apt-get upgrade",
        **fields,
    }


def vulnerable(*packages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Details of vulnerable packages."""
    return {
        "fixAvailable": "YES",
        "exploitAvailable": "YES",
        "epss": {"score": 0.31},
        "inspectorScore": 7.5,
        "packageVulnerabilityDetails": {
            "vulnerabilityId": "CVE-2026-1111",
            "source": "DEBIAN_CVE",
            "relatedVulnerabilities": ["DSA-9999-1"],
            "referenceUrls": ["https://www.cve.org/CVERecord?id=CVE-2026-1111"],
            "cvss": [
                {"baseScore": 5.0, "scoringVector": "", "source": "NVD", "version": "2.0"},
                {"baseScore": 7.5, "scoringVector": "", "source": "NVD", "version": "3.1"},
            ],
            "vulnerablePackages": list(packages),
        },
        **fields,
    }


HOST = {
    "type": "AWS_EC2_INSTANCE",
    "id": "i-0123456789abcdef0",
    "details": {"awsEc2Instance": {"ipV4Addresses": ["198.51.100.7", "10.0.0.12"], "platform": "DEBIAN_12"}},
}
IMAGE = finding(
    "0a1b",
    "PACKAGE_VULNERABILITY",
    {
        "type": "AWS_ECR_CONTAINER_IMAGE",
        "id": IMAGE_ARN,
        "details": {
            "awsEcrContainerImage": {
                "repositoryName": "acme/pay",
                "registry": ACCOUNT,
                "imageHash": DIGEST,
                "imageTags": ["1.4"],
            }
        },
    },
    **vulnerable(package("openssl"), package("libssl3"), package("libssl3")),
)
CLOSED = finding("0a1c", "PACKAGE_VULNERABILITY", HOST, **vulnerable(package("openssl"), status="CLOSED"))
PORT = finding(
    "0a1d",
    "NETWORK_REACHABILITY",
    HOST,
    title="Port 22 is reachable from an Internet Gateway - TCP",
    severity="MEDIUM",
    remediation={"recommendation": {"text": "Restrict the security group."}},
    networkReachabilityDetails={
        "openPortRange": {"begin": 22, "end": 22},
        "protocol": "TCP",
        "networkPath": {
            "steps": [
                {"componentId": "igw-0123456789abcdef0", "componentType": "AWS::EC2::InternetGateway"},
                {"componentId": "sg-0123456789abcdef0", "componentType": "AWS::EC2::SecurityGroup"},
            ]
        },
    },
)
FUNCTION = {
    "type": "AWS_LAMBDA_FUNCTION",
    "id": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:export:$LATEST",
    "details": {"awsLambdaFunction": {"executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/export"}},
}
CODE = finding(
    "0a1e",
    "CODE_VULNERABILITY",
    FUNCTION,
    updatedAt="2026-03-02T10:12:30.250000+01:00",
    title="CWE-798 - Hardcoded credentials",
    codeVulnerabilityDetails={
        "detectorId": "python/hardcoded-credentials@v1.0",
        "detectorName": "Hardcoded credentials",
        "cwes": ["CWE-798"],
        "filePath": {"fileName": "main.py", "filePath": "app/main.py", "startLine": 12, "endLine": 12},
    },
)
JAR = finding(
    "0a1f",
    "PACKAGE_VULNERABILITY",
    FUNCTION,
    **vulnerable(
        package(
            "org.example:core",
            version="1.2",
            release=None,
            packageManager="JAR",
            filePath="lib/core-1.2.jar",
            fixedInVersion="NotAvailable",
            remediation=None,
        ),
        status="SUPPRESSED",
    ),
)

SAMPLES: dict[str, tuple[Any, dict[str, str]]] = {
    "an image's packages by EventBridge": (event(IMAGE), {}),
    "a closed finding": (event(CLOSED), {}),
    "a reachable port": (event(PORT), {}),
    "a report of code and packages": ({"findings": [CODE, JAR]}, {}),
    "one a line": (CODE, {}),
}
