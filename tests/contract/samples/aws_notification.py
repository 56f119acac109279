"""Notifications of AWS services, written after each service's user guide."""

import json
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdE1"

STORED = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": "2026-03-02T09:12:30.123Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AWS:AROAEXAMPLEROLE00001:deploy-42"},
            "requestParameters": {"sourceIPAddress": "203.0.113.77"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": "acme-exports", "arn": "arn:aws:s3:::acme-exports"},
                "object": {"key": f"red+flower{number}.jpg", "size": 1024, "sequencer": "0055AED6DCD90281E5"},
            },
        }
        for number in (1, 2)
    ]
}
PUSHED = {
    "Records": [
        {
            "eventId": "5a824061-17ca-46a9-bbf9-114edeadbeef",
            "eventVersion": "1.0",
            "eventTime": "2026-03-02T09:12:30.475+0000",
            "eventTriggerName": "all",
            "eventPartNumber": 1,
            "codecommit": {
                "references": [
                    {"commit": COMMIT, "ref": "refs/heads/main"},
                    {"commit": COMMIT, "ref": "refs/tags/1.4", "created": True},
                ]
            },
            "eventName": "ReferenceChanges",
            "eventSourceARN": f"arn:aws:codecommit:{REGION}:{ACCOUNT}:pay",
            "userIdentityARN": f"arn:aws:iam::{ACCOUNT}:user/ann",
            "eventSource": "aws:codecommit",
            "awsRegion": REGION,
            "eventTotalParts": 1,
        }
    ]
}
ALARM = {
    "AlarmName": "errors",
    "AlarmDescription": "Too many",
    "AWSAccountId": ACCOUNT,
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed",
    "StateChangeTime": "2026-03-02T09:12:30.123+0000",
    "Region": "EU (Frankfurt)",
    "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:errors",
    "OldStateValue": "OK",
}
BY_SNS = {
    "Records": [
        {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms:0",
            "Sns": {"Type": "Notification", "MessageId": "95df01b4", "Message": json.dumps(ALARM)},
        }
    ]
}
STEP = {
    "Step": "createSecret",
    "SecretId": SECRET,
    "ClientRequestToken": "1ab23456-cde7-8912-34fa-156178890012",
    "RotationToken": "abcd1234-ef56-7890-1234-8ab4515a7db0",
}
JOB = {
    "CodePipeline.job": {
        "id": "11111111-abcd-1111-abcd-111111abcdef",
        "accountId": ACCOUNT,
        "data": {"actionConfiguration": {"configuration": {"FunctionName": "check", "UserParameters": ""}}},
    }
}
RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}

SAMPLES: dict[str, tuple[Any, dict[str, str]]] = {
    "objects stored": (STORED, {}),
    "references pushed": (PUSHED, {}),
    "an alarm": (ALARM, {}),
    "an alarm by SNS": (BY_SNS, {}),
    "a step of a rotation": (STEP, RECEIVED),
    "a job": (JOB, RECEIVED),
}
