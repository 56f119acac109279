"""Which AWS calls change something, and what kind of change that is.

A call is a change if it alters configuration: compute, code, roles and policies, network, storage policy, trails, keys,
secrets and parameters. Calls that move data through a service (PutObject, SendMessage, PutItem), report to it
(PutMetricData, UpdateInstanceInformation) or start a piece of work in it (StartQueryExecution, Invoke) are not, though
CloudTrail gives them ``readOnly: false``; nor are tags. Names: AWS Service Authorization Reference.

``CALLS`` decides first, then ``DATA_CALLS`` and ``DATA_SERVICES``, then the verb; the kind of a verb's change is the
service's (``SERVICE_KINDS``), else infrastructure.
"""

from __future__ import annotations

import re

from schemas.events import ChangeKind, ChangeStatus

VERBS = re.compile(
    r"(Create|Update|Put|Attach|Detach|Delete|Authorize|Revoke|Modify|Replace|Associate|Disassociate|Add|Remove|Set"
    r"|Enable|Disable|Allocate|Release|Terminate|Reboot|Register|Deregister|Activate|Deactivate|Import|Restore|Reset"
    r"|Rotate|Change|Apply|Assign|Unassign|Accept|Leave|Schedule|Cancel|Upload|Promote|Failover|Move|Copy)(?=[A-Z0-9])"
)
START_STOP = re.compile(r"(Start|Stop|Run|Reboot)(Instances|DB|Logging|ConfigurationRecorder|Task$|Monitoring)")
DATED = re.compile(r"_?20[0-9]{2}_?[0-9]{2}_?[0-9]{2}(v[0-9]+)?$")
"""The API version that Lambda and CloudFront append to their event names, for example UpdateFunctionCode20150331v2."""

SERVICE_KINDS: dict[str, ChangeKind] = {
    "iam": "access",
    "organizations": "access",
    "sso": "access",
    "sso-directory": "access",
    "identitystore": "access",
    "rolesanywhere": "access",
    "ram": "access",
    "lakeformation": "access",
    "secretsmanager": "configuration",
    "ssm": "configuration",
    "appconfig": "configuration",
    "config": "configuration",
    "guardduty": "configuration",
    "securityhub": "configuration",
    "codeartifact": "code",
    "codecommit": "code",
}

_DATA_SERVICES = (
    "sts signin sso-oauth xray execute-api rds-data redshift-data bedrock-runtime support health ce notifications"
    " tagging cloudshell ssmmessages ec2messages comprehend rekognition textract transcribe translate polly athena"
)
DATA_SERVICES: frozenset[str] = frozenset(_DATA_SERVICES.split())
"""Services whose calls carry data, sign in or report, and configure nothing that an incident comes from."""

_CALLS: dict[tuple[ChangeKind, ChangeStatus], dict[str, str]] = {
    ("deploy", "succeeded"): {
        "lambda": "CreateFunction UpdateFunctionCode PublishVersion CreateAlias UpdateAlias",
        "ecs": "CreateService RegisterTaskDefinition",
        "elasticbeanstalk": "CreateApplicationVersion",
        "apigateway": "CreateDeployment",
        "sagemaker": "CreateEndpoint UpdateEndpoint",
    },
    ("deploy", "started"): {
        "ecs": "UpdateService CreateTaskSet UpdateTaskSet",
        "codedeploy": "CreateDeployment ContinueDeployment",
        "codepipeline": "StartPipelineExecution",
        "elasticbeanstalk": "UpdateEnvironment CreateEnvironment",
        "apprunner": "CreateService UpdateService StartDeployment",
        "amplify": "StartDeployment StartJob",
        "eks": "UpdateNodegroupVersion UpdateClusterVersion",
        "gamelift": "CreateBuild",
    },
    ("rollback", "started"): {
        "cloudformation": "RollbackStack CancelUpdateStack",
        "codepipeline": "RollbackStage",
        "codedeploy": "StopDeployment",
    },
    ("code", "succeeded"): {
        "ecr": "PutImage BatchDeleteImage",
        "ecr-public": "PutImage BatchDeleteImage",
        "lambda": "PublishLayerVersion DeleteLayerVersion",
        "codecommit": "GitPush MergePullRequestByFastForward MergePullRequestBySquash MergePullRequestByThreeWay",
    },
    ("code", "started"): {"codebuild": "StartBuild StartBuildBatch"},
    ("infrastructure", "started"): {"cloudformation": "CreateStack UpdateStack DeleteStack ExecuteChangeSet"},
    ("configuration", "succeeded"): {
        "lambda": "UpdateFunctionConfiguration PutFunctionConcurrency DeleteFunctionConcurrency"
        " UpdateEventSourceMapping CreateEventSourceMapping DeleteEventSourceMapping",
        "cloudtrail": "UpdateTrail PutEventSelectors PutInsightSelectors StartLogging StopLogging",
        "logs": "PutRetentionPolicy DeleteRetentionPolicy PutSubscriptionFilter DeleteSubscriptionFilter",
        "s3": "PutBucketLogging PutBucketLifecycle DeleteBucketLifecycle PutBucketVersioning PutBucketEncryption"
        " DeleteBucketEncryption PutBucketReplication DeleteBucketReplication PutBucketNotification",
        "autoscaling": "SetDesiredCapacity UpdateAutoScalingGroup PutScalingPolicy",
    },
    ("configuration", "started"): {"appconfig": "StartDeployment"},
    ("secret_rotation", "succeeded"): {
        "secretsmanager": "RotateSecret PutSecretValue UpdateSecret UpdateSecretVersionStage RotationSucceeded",
        "kms": "RotateKey RotateKeyOnDemand EnableKeyRotation DisableKeyRotation",
        "acm": "RenewCertificate ImportCertificate",
    },
    ("access", "succeeded"): {
        "s3": "PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock DeleteBucketPublicAccessBlock"
        " PutAccountPublicAccessBlock DeleteAccountPublicAccessBlock PutBucketOwnershipControls PutBucketCors"
        " PutAccessPointPolicy CreateAccessPoint DeleteAccessPointPolicy",
        "lambda": "AddPermission RemovePermission AddLayerVersionPermission RemoveLayerVersionPermission"
        " CreateFunctionUrlConfig UpdateFunctionUrlConfig DeleteFunctionUrlConfig",
        "kms": "PutKeyPolicy CreateGrant RevokeGrant RetireGrant",
        "secretsmanager": "PutResourcePolicy DeleteResourcePolicy",
        "sns": "AddPermission RemovePermission SetTopicAttributes",
        "sqs": "AddPermission RemovePermission SetQueueAttributes",
        "ecr": "SetRepositoryPolicy DeleteRepositoryPolicy PutRegistryPolicy",
        "events": "PutPermission RemovePermission",
        "ec2": "ModifySnapshotAttribute ResetSnapshotAttribute ModifyImageAttribute ResetImageAttribute"
        " AssociateIamInstanceProfile DisassociateIamInstanceProfile ReplaceIamInstanceProfileAssociation"
        " ModifyInstanceMetadataOptions CreateKeyPair ImportKeyPair DeleteKeyPair",
        "rds": "ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute",
        "eks": "CreateAccessEntry UpdateAccessEntry DeleteAccessEntry AssociateAccessPolicy DisassociateAccessPolicy",
        "glacier": "SetVaultAccessPolicy DeleteVaultAccessPolicy",
        "ssm": "ModifyDocumentPermission",
        "logs": "PutResourcePolicy DeleteResourcePolicy",
        "dynamodb": "PutResourcePolicy DeleteResourcePolicy",
        "cognito-identity": "SetIdentityPoolRoles",
        "cognito-idp": "AdminCreateUser AdminAddUserToGroup AdminRemoveUserFromGroup AdminSetUserPassword",
    },
}

CALLS: dict[str, tuple[ChangeKind, ChangeStatus]] = {
    f"{service}:{name}": verdict
    for verdict, services in _CALLS.items()
    for service, names in services.items()
    for name in names.split()
}
"""Calls by name, ``service:Operation``, with their kind and how far the change is when the call returns."""

_DATA_CALLS: dict[str, str] = {
    "s3": "PutObject PutObjectTagging PutObjectAcl PutObjectRetention PutObjectLegalHold DeleteObject DeleteObjects"
    " DeleteObjectTagging CopyObject CreateMultipartUpload UploadPart UploadPartCopy CreateSession RestoreObject"
    " PutBucketTagging DeleteBucketTagging",
    "dynamodb": "PutItem UpdateItem DeleteItem",
    "sqs": "DeleteMessage DeleteMessageBatch ChangeMessageVisibility ChangeMessageVisibilityBatch",
    "kinesis": "PutRecord PutRecords",
    "firehose": "PutRecord PutRecordBatch",
    "logs": "CreateLogStream PutLogEvents DeleteLogStream PutQueryDefinition CreateExportTask CancelExportTask",
    "monitoring": "PutMetricData PutDashboard DeleteDashboards SetAlarmState",
    "events": "PutEvents PutPartnerEvents",
    "ssm": "UpdateInstanceInformation UpdateInstanceAssociationStatus PutInventory PutComplianceItems"
    " PutConfigurePackageResult UpdateOpsItem CreateOpsItem CancelCommand",
    "ec2": "CreateTags DeleteTags",
    "ecs": "RegisterContainerInstance DeregisterContainerInstance UpdateContainerAgent",
    "ecr": "UploadLayerPart",
    "autoscaling": "SetInstanceHealth CreateOrUpdateTags DeleteTags",
    "config": "PutEvaluations",
    "elasticmapreduce": "AddJobFlowSteps AddTags RemoveTags",
    "cloudformation": "CreateChangeSet DeleteChangeSet",
    "codebuild": "CreateReport UpdateReport",
    "cognito-idp": "UpdateUserAttributes ChangePassword SetUserMFAPreference UpdateDeviceStatus",
    "guardduty": "CreateSampleFindings UpdateFindingsFeedback",
    "glue": "UpdatePartition CreatePartition DeletePartition",
    "elasticloadbalancing": "AddTags RemoveTags",
    "rds": "AddTagsToResource RemoveTagsFromResource",
    "cloudtrail": "AddTags RemoveTags",
}
DATA_CALLS: frozenset[str] = frozenset(
    f"{service}:{name}" for service, names in _DATA_CALLS.items() for name in names.split()
)


def change_of(service: str, name: str) -> tuple[ChangeKind, ChangeStatus] | None:
    """Kind and status of the change that a successful call makes; None if it makes none.

    >>> change_of("iam", "AttachRolePolicy")
    ('access', 'succeeded')
    >>> change_of("s3", "PutObject") is None
    True
    """
    name = DATED.sub("", name)
    call = f"{service}:{name}"
    verdict = CALLS.get(call)
    if verdict is not None:
        return verdict
    if call in DATA_CALLS or service in DATA_SERVICES:
        return None
    if VERBS.match(name) or START_STOP.match(name):
        return SERVICE_KINDS.get(service, "infrastructure"), "succeeded"
    return None
