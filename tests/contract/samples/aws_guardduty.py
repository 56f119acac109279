"""GuardDuty findings, written after the GuardDuty user guide and API reference."""

from typing import Any

ACCOUNT, REGION, DETECTOR = "111122223333", "eu-central-1", "12abc34d567e8fa901bc2d34e56789f0"


def finding(identity: str, kind: str, severity: float, resource: dict[str, Any], **service: Any) -> dict[str, Any]:
    """A finding with what the format requires."""
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": identity,
        "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{DETECTOR}/finding/{identity}",
        "type": kind,
        "resource": resource,
        "service": {
            "serviceName": "guardduty",
            "detectorId": DETECTOR,
            "resourceRole": "TARGET",
            "eventFirstSeen": "2026-03-02T08:50:11.000Z",
            "eventLastSeen": "2026-03-02T09:02:44.000Z",
            "archived": False,
            "count": 3,
            **service,
        },
        "severity": severity,
        "createdAt": "2026-03-02T08:57:30.114Z",
        "updatedAt": "2026-03-02T09:12:30.250Z",
        "title": "A title.",
        "description": "What it is about.",
    }


def event(detail: dict[str, Any]) -> dict[str, Any]:
    """What EventBridge delivers."""
    return {
        "version": "0",
        "id": "0a1b2c3d-0000-4000-8000-000000000001",
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "account": ACCOUNT,
        "time": "2026-03-02T09:15:00Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def pascal(value: Any) -> Any:
    """The same in the spelling of SDKs and CLI."""
    if isinstance(value, dict):
        return {name[0].upper() + name[1:]: pascal(member) for name, member in value.items()}
    return [pascal(member) for member in value] if isinstance(value, list) else value


REMOTE = {
    "ipAddressV4": "203.0.113.77",
    "country": {"countryName": "Nowhere"},
    "organization": {"asn": "64500", "asnOrg": "Example", "isp": "Example", "org": "Example"},
}

KEY = finding(
    "0e" * 16,
    "CredentialAccess:IAMUser/AnomalousBehavior",
    5.0,
    {
        "resourceType": "AccessKey",
        "accessKeyDetails": {
            "accessKeyId": "ASIAEXAMPLEKEY000001",
            "principalId": "AROAEXAMPLEROLE00001:deploy-42",
            "userName": "deployer",
            "userType": "AssumedRole",
        },
    },
    action={
        "actionType": "AWS_API_CALL",
        "awsApiCallAction": {
            "api": "GetSecretValue",
            "serviceName": "secretsmanager.amazonaws.com",
            "callerType": "Remote IP",
            "userAgent": "aws-cli/2.15.0 Python/3.11",
            "remoteIpDetails": REMOTE,
            "remoteAccountDetails": {"accountId": "444455556666", "affiliated": False},
            "affectedResources": {},
        },
    },
)

INSTANCE = finding(
    "1f" * 16,
    "Recon:EC2/PortProbeUnprotectedPort",
    2.0,
    {
        "resourceType": "Instance",
        "instanceDetails": {
            "instanceId": "i-0123456789abcdef0",
            "instanceState": "running",
            "iamInstanceProfile": {"arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web", "id": "AIPAEXAMPLE"},
            "networkInterfaces": [
                {
                    "networkInterfaceId": "eni-0123456789abcdef0",
                    "privateIpAddress": "10.0.0.12",
                    "publicIp": "198.51.100.7",
                    "ipv6Addresses": ["2001:db8::12"],
                    "securityGroups": [{"groupId": "sg-0123456789abcdef0", "groupName": "web"}],
                }
            ],
        },
    },
    archived=True,
    action={
        "actionType": "PORT_PROBE",
        "portProbeAction": {
            "blocked": False,
            "portProbeDetails": [
                {
                    "localPortDetails": {"port": 22},
                    "localIpDetails": {"ipAddressV4": "10.0.0.12"},
                    "remoteIpDetails": REMOTE,
                }
            ],
        },
    },
)

POD = finding(
    "2a" * 16,
    "PrivilegeEscalation:Kubernetes/PrivilegedContainer",
    8.5,
    {
        "resourceType": "EKSCluster",
        "eksClusterDetails": {"name": "prod", "arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod"},
        "kubernetesDetails": {
            "kubernetesUserDetails": {
                "username": "system:serviceaccount:pay:builder",
                "groups": ["system:authenticated"],
            },
            "kubernetesWorkloadDetails": {
                "name": "pay-debug",
                "namespace": "pay",
                "type": "pods",
                "containers": [{"name": "shell", "image": "ghcr.io/acme/shell:1.0"}],
            },
        },
    },
    action={
        "actionType": "KUBERNETES_API_CALL",
        "kubernetesApiCallAction": {
            "requestUri": "/api/v1/namespaces/pay/pods",
            "verb": "create",
            "sourceIPs": ["203.0.113.78"],
            "userAgent": "kubectl/v1.31.0",
        },
    },
)

SEQUENCE = finding(
    "3b" * 16,
    "AttackSequence:IAM/CompromisedCredentials",
    9.0,
    {"resourceType": "AttackSequence"},
    detection={
        "sequence": {
            "uid": "seq-1",
            "actors": [
                {
                    "id": "a",
                    "user": {
                        "name": "ann",
                        "uid": f"arn:aws:iam::{ACCOUNT}:user/ann",
                        "credentialUid": "AKIAEXAMPLEKEY000002",
                    },
                }
            ],
            "resources": [{"uid": "arn:aws:s3:::acme-exports", "resourceType": "S3_BUCKET"}],
            "endpoints": [{"id": "e", "ip": "203.0.113.77"}],
        }
    },
)

BUCKET = finding(
    "4c" * 16,
    "Exfiltration:S3/AnomalousBehavior",
    8.0,
    {
        "resourceType": "S3Bucket",
        "accessKeyDetails": {"accessKeyId": "AKIAEXAMPLEKEY000002", "userName": "ann", "userType": "IAMUser"},
        "s3BucketDetails": [{"arn": "arn:aws:s3:::acme-exports", "name": "acme-exports"}],
    },
    action={"actionType": "DNS_REQUEST", "dnsRequestAction": {"domain": "Bad.example.", "protocol": "UDP"}},
)

SAMPLES: dict[str, tuple[Any, dict[str, str]]] = {
    "by EventBridge": (event(KEY), {}),
    "exported, one a line": (INSTANCE, {}),
    "an array": ([POD, SEQUENCE], {}),
    "GetFindings in the spelling of the CLI": ({"Findings": [pascal(BUCKET), pascal(KEY)]}, {}),
}
