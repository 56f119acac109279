"""What AWS Config sends, written after the AWS Config developer guide."""

import json
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
GROUP = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-0123456789abcdef0"

ITEM = {
    "configurationItemVersion": "1.3",
    "configurationItemCaptureTime": "2026-03-02T09:12:30.250Z",
    "configurationItemStatus": "OK",
    "configurationStateId": "1772442750250",
    "awsAccountId": ACCOUNT,
    "resourceType": "AWS::EC2::SecurityGroup",
    "resourceId": "sg-0123456789abcdef0",
    "resourceName": "web",
    "ARN": GROUP,
    "awsRegion": REGION,
    "availabilityZone": "Not Applicable",
    "tags": {},
    "relatedEvents": [],
    "relationships": [
        {"resourceId": "eni-0123456789abcdef0", "resourceType": "AWS::EC2::NetworkInterface", "name": "Is associated"},
        {"resourceId": "vpc-0123456789abcdef0", "resourceType": "AWS::EC2::VPC", "name": "Is contained in Vpc"},
    ],
    "configuration": {"groupId": "sg-0123456789abcdef0"},
}
DIFF = {
    "changedProperties": {
        "Configuration.IpPermissions.0": {"previousValue": None, "updatedValue": {}, "changeType": "CREATE"}
    },
    "changeType": "UPDATE",
}
NOTIFICATION = {
    "recordVersion": "1.3",
    "messageType": "ConfigurationItemChangeNotification",
    "notificationCreationTime": "2026-03-02T09:12:31.000Z",
    "configurationItem": ITEM,
    "configurationItemDiff": DIFF,
}
ROLE = {
    **ITEM,
    "resourceType": "AWS::IAM::Role",
    "resourceId": "AROAEXAMPLEROLE00001",
    "resourceName": "deployer",
    "ARN": f"arn:aws:iam::{ACCOUNT}:role/deployer",
    "awsRegion": "global",
    "relationships": [],
    "configurationItemStatus": "ResourceDeleted",
}
OVERSIZED = {
    "messageType": "OversizedConfigurationItemChangeNotification",
    "notificationCreationTime": "2026-03-02T09:12:31.000Z",
    "recordVersion": "1.0",
    "s3DeliverySummary": {"s3BucketLocation": "bucket/key", "errorCode": None, "errorMessage": None},
    "configurationItemSummary": {
        "changeType": "CREATE",
        "configurationItemCaptureTime": "2026-03-02T09:12:30.250Z",
        "configurationItemStatus": "ResourceDiscovered",
        "configurationStateId": 0,
        "awsAccountId": ACCOUNT,
        "resourceType": "AWS::EC2::Instance",
        "resourceId": "i-0123456789abcdef0",
        "resourceName": None,
        "ARN": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123456789abcdef0",
        "awsRegion": REGION,
    },
}


def result(compliance: str, kind: str = "AWS::S3::Bucket", name: str = "acme-exports", **fields: Any) -> dict[str, Any]:
    """The notification of a rule's result."""
    return {
        "awsAccountId": ACCOUNT,
        "configRuleName": "s3-bucket-public-read-prohibited",
        "configRuleARN": f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-abcdef",
        "resourceType": kind,
        "resourceId": name,
        "awsRegion": REGION,
        "newEvaluationResult": {
            "evaluationResultIdentifier": {"orderingTimestamp": "2026-03-02T09:12:30.000Z"},
            "complianceType": compliance,
            "resultRecordedTime": "2026-03-02T09:12:41.405Z",
            "annotation": "It is public.",
        },
        "notificationCreationTime": "2026-03-02T09:12:42.000Z",
        "messageType": "ComplianceChangeNotification",
        "recordVersion": "1.0",
        **fields,
    }


def event(kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    """What EventBridge delivers."""
    return {
        "version": "0",
        "id": "0a1b2c3d-0000-4000-8000-000000000003",
        "detail-type": kind,
        "source": "aws.config",
        "account": ACCOUNT,
        "time": "2026-03-02T09:12:43Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


INVOKED = {
    "version": "1.0",
    "invokingEvent": json.dumps(NOTIFICATION),
    "ruleParameters": "{}",
    "resultToken": "token",
    "eventLeftScope": False,
    "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/config",
    "configRuleArn": f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-abcdef",
    "configRuleName": "own-rule",
    "configRuleId": "config-rule-abcdef",
    "accountId": ACCOUNT,
}
HISTORY = {"fileVersion": "1.0", "requestId": "r-1", "configurationItems": [ITEM, ROLE]}

SAMPLES: dict[str, tuple[Any, dict[str, str]]] = {
    "an item by EventBridge": (event("Config Configuration Item Change", NOTIFICATION), {}),
    "an item in a notification": (NOTIFICATION, {}),
    "an oversized item": (OVERSIZED, {}),
    "a rule's function": (INVOKED, {}),
    "a history file": (HISTORY, {}),
    "a snapshot": ({**HISTORY, "configSnapshotId": "s-1"}, {}),
    "a result by EventBridge": (event("Config Rules Compliance Change", result("NON_COMPLIANT")), {}),
    "a result of an account": (result("COMPLIANT", "AWS::::Account", ACCOUNT), {}),
    "progress": (
        event("Config Configuration History Delivery Status", {"messageType": "ConfigurationHistoryDeliveryCompleted"}),
        {},
    ),
}
