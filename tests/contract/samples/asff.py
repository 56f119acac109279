"""ASFF findings, written after the Security Hub user guide: packages, a control, a detection, a scanner's template."""

from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
INSTANCE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123456789abcdef0"


def finding(identity: str, product: str, **fields: Any) -> dict[str, Any]:
    """A finding with what the format requires."""
    return {
        "SchemaVersion": "2018-10-08",
        "Id": identity,
        "ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/{product.lower()}",
        "ProductName": product,
        "Region": REGION,
        "GeneratorId": product,
        "AwsAccountId": ACCOUNT,
        "CreatedAt": "2026-03-01T10:00:00Z",
        "UpdatedAt": "2026-03-02T09:12:30.250Z",
        "Severity": {"Label": "HIGH", "Normalized": 70},
        "Title": "A title",
        "Description": "What it is about.",
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
        **fields,
    }


PACKAGES = finding(
    f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/0a1b",
    "Inspector",
    Types=["Software and Configuration Checks/Vulnerabilities/CVE"],
    Title="CVE-2026-1111 - kernel, org.example:core",
    Resources=[
        {
            "Type": "AwsEc2Instance",
            "Id": INSTANCE,
            "Region": REGION,
            "Details": {"AwsEc2Instance": {"IpV4Addresses": ["198.51.100.7"]}},
        }
    ],
    Vulnerabilities=[
        {
            "Id": "CVE-2026-1111",
            "VulnerablePackages": [
                {
                    "Name": "kernel",
                    "Version": "5.10.1",
                    "Release": "1.amzn2",
                    "PackageManager": "OS",
                    "FixedInVersion": "0:5.10.2-1.amzn2",
                    "Remediation": "yum update kernel",
                },
                {
                    "Name": "org.example:core",
                    "Version": "1.2",
                    "PackageManager": "JAR",
                    "FilePath": "/opt/app/core-1.2.jar",
                    "FixedInVersion": "NotAvailable",
                },
            ],
            "Cvss": [{"Version": "3.1", "BaseScore": 7.5}, {"Version": "2.0", "BaseScore": 9}],
            "EpssScore": "0.31",
            "RelatedVulnerabilities": ["GHSA-jfh8-c2jp-5v3q"],
        }
    ],
)

REGISTRY = finding(
    f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/0a1c",
    "Inspector",
    Types=["Software and Configuration Checks/Vulnerabilities/CVE"],
    Resources=[
        {
            "Type": "AwsEcrContainerImage",
            "Id": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/acme/pay/sha256:" + "0123456789abcdef" * 4,
            "Details": {
                "AwsEcrContainerImage": {
                    "RepositoryName": "acme/pay",
                    "ImageDigest": "sha256:" + "0123456789abcdef" * 4,
                    "ImageTags": ["1.4"],
                }
            },
        }
    ],
    Vulnerabilities=[{"Id": "CVE-2026-2222"}],
)


def control(status: str, **fields: Any) -> dict[str, Any]:
    """A control's finding on a bucket."""
    return finding(
        f"arn:aws:securityhub:{REGION}:{ACCOUNT}:security-control/S3.8/finding/0a2b",
        "Security Hub",
        GeneratorId="security-control/S3.8",
        Types=["Software and Configuration Checks/Industry and Regulatory Standards"],
        Compliance={"Status": status, "SecurityControlId": "S3.8"},
        Remediation={"Recommendation": {"Text": "Block public access."}},
        Resources=[{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::acme-exports", "Region": REGION}],
        **fields,
    )


DETECTION = finding(
    f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/0d/finding/0a3b",
    "GuardDuty",
    GeneratorId=f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/0d",
    Types=["TTPs/Initial Access/UnauthorizedAccess:IAMUser-ConsoleLogin"],
    Severity={"Normalized": 40},
    Resources=[
        {
            "Type": "AwsIamAccessKey",
            "Id": "AWS::IAM::AccessKey:AKIAIOSFODNN7EXAMPLE",
            "Details": {"AwsIamAccessKey": {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "PrincipalName": "ops"}},
        },
        {"Type": "AwsAccount", "Id": f"AWS::::Account:{ACCOUNT}", "Region": REGION},
    ],
)


def template(target: str, package: str) -> dict[str, Any]:
    """A finding as Trivy's template writes it."""
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"{target}/CVE-2026-1111",
        "ProductArn": f"arn:aws:securityhub:{REGION}::product/aquasecurity/aquasecurity",
        "GeneratorId": "Trivy/CVE-2026-1111",
        "AwsAccountId": ACCOUNT,
        "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
        "CreatedAt": "2026-03-02T09:12:30Z",
        "UpdatedAt": "2026-03-02T09:12:30Z",
        "Severity": {"Label": "HIGH"},
        "Title": f"Trivy found a vulnerability to CVE-2026-1111 in container {target}, related to {package}",
        "Description": "Overflow in the parser.",
        "ProductFields": {"Product Name": "Trivy"},
        "Resources": [
            {
                "Type": "Container",
                "Id": target,
                "Region": REGION,
                "Details": {
                    "Container": {"ImageName": target},
                    "Other": {
                        "CVE ID": "CVE-2026-1111",
                        "CVE Title": "openssl: overflow in the parser",
                        "PkgName": package,
                        "Installed Package": "3.0.15-1",
                        "Patched Package": "3.0.16-1",
                        "NvdCvssScoreV3": "8.1",
                    },
                },
            }
        ],
        "RecordState": "ACTIVE",
    }


DEBIAN = "ghcr.io/acme/pay:1.4 (debian 12.9)"
SAMPLES = {
    "one": (PACKAGES, {}),
    "event": ({"detail-type": "Security Hub Findings - Imported", "detail": {"findings": [control("FAILED")]}}, {}),
    "result": ({"Findings": [control("PASSED"), REGISTRY, DETECTION]}, {}),
    "template": ({"Findings": [template(DEBIAN, "openssl"), template(DEBIAN, "libssl3")]}, {}),
    "array": ([template("web/package-lock.json", "lodash"), template("Java", "org.example:core")], {}),
}
