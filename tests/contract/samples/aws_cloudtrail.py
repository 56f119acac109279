"""CloudTrail records, written after the CloudTrail user guide: one of each shape that the source reads."""

from typing import Any

ACCOUNT = "111122223333"


def record(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A record of a read-only call by a role session; ``fields`` replace or, with ..., remove."""
    given: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEEXAMPLE111:deploy-42",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/deploy-42",
            "accountId": ACCOUNT,
            "accessKeyId": "ASIAEXAMPLEEXAMPLE11",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEEXAMPLE111",
                    "arn": f"arn:aws:iam::{ACCOUNT}:role/ci/deployer",
                    "accountId": ACCOUNT,
                    "userName": "deployer",
                },
                "attributes": {"mfaAuthenticated": "false", "creationDate": "2026-03-02T09:00:00Z"},
            },
        },
        "eventTime": "2026-03-02T09:14:07Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetBucketPolicy",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "198.51.100.23",
        "userAgent": "aws-cli/2.22.0 md/awscrt#0.23.4 ua/2.0 os/linux#6.8 lang/python#3.12.7",
        "requestParameters": {"bucketName": "acme-invoices", "Host": "acme-invoices.s3.eu-central-1.amazonaws.com"},
        "responseElements": None,
        "requestID": "79104EXAMPLEB723",
        "eventID": f"3038ebd2-c98a-4c65-9b6e-e22506292{number:03d}",
        "readOnly": True,
        "resources": [{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::acme-invoices"}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
    }
    given.update(fields)
    return {name: value for name, value in given.items() if value is not ...}


def iam_user(name: str = "dana") -> dict[str, Any]:
    """The identity of an IAM user with a long-term key."""
    return {
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLEEXAMPLE222",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/staff/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAEXAMPLEEXAMPLE22",
        "userName": name,
    }


ATTACH = record(
    2,
    userIdentity=iam_user(),
    eventSource="iam.amazonaws.com",
    eventName="AttachUserPolicy",
    awsRegion="us-east-1",
    requestParameters={"userName": "intern", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    readOnly=False,
    resources=...,
)
DEPLOY = record(
    3,
    eventSource="lambda.amazonaws.com",
    eventName="UpdateFunctionCode20150331v2",
    requestParameters={"functionName": "invoices-render", "publish": True, "dryRun": False},
    responseElements={
        "functionName": "invoices-render",
        "functionArn": f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:invoices-render",
        "codeSha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b=",
        "version": "17",
    },
    readOnly=False,
    resources=...,
)
DENIED = record(
    4,
    eventSource="ec2.amazonaws.com",
    eventName="RunInstances",
    errorCode="Client.UnauthorizedOperation",
    errorMessage="You are not authorized to perform this operation.",
    requestParameters={
        "instancesSet": {"items": [{"imageId": "ami-0abcdef1234567890", "minCount": 1, "maxCount": 20}]},
        "instanceType": "p4d.24xlarge",
        "networkInterfaceSet": {"items": [{"subnetId": "subnet-0a1b2c3d4e5f60718"}]},
    },
    readOnly=False,
    resources=...,
)
LOGIN = record(
    5,
    userIdentity={"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
    eventSource="signin.amazonaws.com",
    eventName="ConsoleLogin",
    awsRegion="us-east-1",
    userAgent="Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
    errorMessage="Failed authentication",
    requestParameters=None,
    responseElements={"ConsoleLogin": "Failure"},
    additionalEventData={"LoginTo": "https://console.aws.amazon.com/console/home", "MFAUsed": "No"},
    readOnly=False,
    resources=...,
    eventType="AwsConsoleSignIn",
)
ASSUME = record(
    6,
    userIdentity={"type": "AWSAccount", "principalId": "AROAEXAMPLEEXAMPLE999:audit", "accountId": "999988887777"},
    eventSource="sts.amazonaws.com",
    eventName="AssumeRole",
    sharedEventID="0a1b2c3d-0000-4000-8000-000000000006",
    requestParameters={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/audit", "roleSessionName": "nightly"},
    responseElements={
        "credentials": {"accessKeyId": "ASIAEXAMPLEEXAMPLE66", "expiration": "Mar 2, 2026, 10:14:07 AM"},
        "assumedRoleUser": {
            "assumedRoleId": "AROAEXAMPLEEXAMPLE666:nightly",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/nightly",
        },
    },
)
SERVICE = record(
    7,
    userIdentity={"accountId": ACCOUNT, "invokedBy": "kms.amazonaws.com"},
    eventSource="kms.amazonaws.com",
    eventName="RotateKey",
    sourceIPAddress="kms.amazonaws.com",
    userAgent="kms.amazonaws.com",
    requestParameters=None,
    readOnly=False,
    resources=[{"ARN": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0a1b2c3d-1111-4222-8333-444455556666"}],
    eventType="AwsServiceEvent",
    serviceEventDetails={"keyId": "0a1b2c3d-1111-4222-8333-444455556666"},
)
INSIGHT = {
    "eventVersion": "1.09",
    "eventTime": "2026-03-02T09:20:00Z",
    "awsRegion": "eu-central-1",
    "eventID": "5d1c8e2e-7a0b-4f0e-9d53-2f8f8f8f8f08",
    "eventType": "AwsCloudTrailInsight",
    "recipientAccountId": ACCOUNT,
    "sharedEventID": "12edc982-0000-4000-8000-000000000008",
    "insightDetails": {"state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"},
    "eventCategory": "Insight",
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "file": ({"Records": [record(), ATTACH, INSIGHT]}, {}),
    "empty file": ({"Records": []}, {}),
    "array": ([DEPLOY, DENIED], {}),
    "eventbridge": (
        {
            "version": "0",
            "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.iam",
            "account": ACCOUNT,
            "time": "2026-03-02T09:14:07Z",
            "region": "us-east-1",
            "resources": [],
            "detail": ATTACH,
        },
        {},
    ),
    "single": (record(), {}),
    "deploy": (DEPLOY, {}),
    "login": (LOGIN, {}),
    "cross-account": (ASSUME, {}),
    "service event": (SERVICE, {}),
    "insight": (INSIGHT, {}),
}
