"""Events of EventBridge, written after the services' own pages of events."""

from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
DIGEST = "sha256:" + "0123456789abcdef" * 4
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RUN = "01234567-0123-0123-0123-012345678901"


def event(kind: str, detail: dict[str, Any], *resources: str, service: str = "") -> dict[str, Any]:
    """An event with its envelope."""
    return {
        "version": "0",
        "id": f"0a1b2c3d-0000-4000-8000-{len(kind):012d}",
        "detail-type": kind,
        "source": f"aws.{service or kind.split()[0].lower()}",
        "account": ACCOUNT,
        "time": "2026-03-02T09:12:31Z",
        "region": REGION,
        "resources": list(resources),
        "detail": detail,
    }


PIPELINE = event(
    "CodePipeline Pipeline Execution State Change",
    {
        "pipeline": "pay",
        "version": 3,
        "state": "STARTED",
        "execution-id": RUN,
        "pipeline-execution-attempt": 1,
        "execution-trigger": {
            "trigger-type": "StartPipelineExecution",
            "trigger-detail": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ann",
        },
    },
    f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:pay",
)
STAGE = event(
    "CodePipeline Stage Execution State Change",
    {"pipeline": "pay", "version": 3, "state": "FAILED", "stage": "Test", "execution-id": RUN},
)
ACTION = event(
    "CodePipeline Action Execution State Change",
    {
        "pipeline": "pay",
        "version": 3,
        "execution-id": RUN,
        "stage": "Prod",
        "action": "Roll",
        "state": "SUCCEEDED",
        "region": REGION,
        "type": {"owner": "AWS", "category": "Deploy", "provider": "CodeDeploy", "version": "1"},
    },
)
COMMITTED = event(
    "CodePipeline Action Execution State Change",
    {
        "pipeline": "pay",
        "execution-id": RUN,
        "stage": "Source",
        "action": "Checkout",
        "state": "SUCCEEDED",
        "execution-result": {"external-execution-id": COMMIT, "external-execution-summary": "Fix"},
        "type": {"owner": "AWS", "category": "Source", "provider": "CodeCommit", "version": "1"},
    },
)
DEPLOYMENT = event(
    "CodeDeploy Deployment State-change Notification",
    {
        "application": "pay",
        "deploymentGroup": "prod",
        "deploymentId": "d-123456789",
        "instanceGroupId": RUN,
        "region": REGION,
        "state": "FAILURE",
    },
    f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:pay",
)
ON_INSTANCE = event(
    "CodeDeploy Instance State-change Notification",
    {
        "application": "pay",
        "deploymentGroup": "prod",
        "deploymentId": "d-123456789",
        "instanceId": "i-0123456789abcdef0",
        "state": "SUCCESS",
    },
)
BUILD = event(
    "CodeBuild Build State Change",
    {
        "build-status": "IN_PROGRESS",
        "project-name": "pay",
        "build-id": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/pay:{RUN}",
        "additional-information": {"initiator": "codepipeline/pay", "source-version": COMMIT, "build-number": 55.0},
    },
)
PHASE = event("CodeBuild Build Phase Change", {"completed-phase": "BUILD", "project-name": "pay"})
BRANCH = event(
    "CodeCommit Repository State Change",
    {
        "event": "referenceUpdated",
        "repositoryName": "pay",
        "referenceType": "branch",
        "referenceName": "main",
        "commitId": COMMIT,
        "callerUserArn": f"arn:aws:iam::{ACCOUNT}:user/ann",
    },
)
PUSH = event(
    "ECR Image Action",
    {
        "result": "SUCCESS",
        "repository-name": "acme/pay",
        "image-digest": DIGEST,
        "action-type": "PUSH",
        "image-tag": "1.4",
    },
)
SCAN = event(
    "ECR Image Scan",
    {
        "scan-status": "COMPLETE",
        "repository-name": "acme/pay",
        "finding-severity-counts": {"CRITICAL": 0, "HIGH": 2, "LOW": 7},
        "image-digest": DIGEST,
        "image-tags": ["1.4"],
    },
)
LAUNCH = event(
    "EC2 Instance Launch Successful",
    {
        "StatusCode": "InProgress",
        "AutoScalingGroupName": "web",
        "EC2InstanceId": "i-0123456789abcdef0",
        "ActivityId": RUN,
        "Cause": "the desired capacity was changed",
        "StatusMessage": "",
    },
    service="autoscaling",
)
NOT_ENDED = event(
    "EC2 Instance Terminate Unsuccessful",
    {"AutoScalingGroupName": "web", "EC2InstanceId": "i-0123456789abcdef0", "StatusMessage": "not allowed"},
    service="autoscaling",
)
WAITS = event(
    "EC2 Instance-launch Lifecycle Action",
    {"AutoScalingGroupName": "web", "LifecycleHookName": "warm", "EC2InstanceId": "i-0123456789abcdef0"},
    service="autoscaling",
)
REFRESH = event(
    "EC2 Auto Scaling Instance Refresh Succeeded",
    {"AutoScalingGroupName": "web", "InstanceRefreshId": RUN},
    service="autoscaling",
)
BACK = event(
    "EC2 Auto Scaling Instance Refresh Rollback Started",
    {"AutoScalingGroupName": "web", "InstanceRefreshId": RUN},
    service="autoscaling",
)
SERVICE = event(
    "ECS Deployment State Change",
    {
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_COMPLETED",
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "deploymentId": "ecs-svc/123",
        "updatedAt": "2026-03-02T09:12:31Z",
        "reason": "ECS deployment ecs-svc/123 completed.",
    },
    f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/pay",
)
PLACEMENT = event(
    "ECS Service Action",
    {
        "eventType": "ERROR",
        "eventName": "SERVICE_TASK_PLACEMENT_FAILURE",
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "reason": "RESOURCE:MEMORY",
    },
    f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/pay",
)
TASK = event(
    "ECS Task State Change",
    {
        "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/0123456789abcdef",
        "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/pay:7",
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "group": "service:pay",
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [
            {
                "name": "pay",
                "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/acme/pay:1.4",
                "imageDigest": DIGEST,
                "lastStatus": "STOPPED",
                "exitCode": 137,
            }
        ],
    },
)
HOST = event(
    "ECS Container Instance State Change",
    {
        "agentConnected": False,
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "ec2InstanceId": "i-0123456789abcdef0",
        "status": "ACTIVE",
    },
    f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/{RUN}",
)
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/pay/{RUN}"
STACK = event(
    "CloudFormation Stack Status Change",
    {
        "stack-id": STACK_ID,
        "status-details": {"status": "UPDATE_ROLLBACK_COMPLETE", "status-reason": "asked for"},
        "client-request-token": "token-1",
    },
)
RESOURCE = event(
    "CloudFormation Resource Status Change",
    {
        "stack-id": STACK_ID,
        "logical-resource-id": "Bucket",
        "physical-resource-id": "acme-exports",
        "status-details": {"status": "CREATE_FAILED", "status-reason": "it is there"},
        "resource-type": "AWS::S3::Bucket",
    },
)
STATE = event("EC2 Instance State-change Notification", {"instance-id": "i-0123456789abcdef0", "state": "stopping"})
ALARM = event(
    "CloudWatch Alarm State Change",
    {
        "alarmName": "errors",
        "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": "2026-03-02T09:12:31.000+0000"},
        "previousState": {"value": "OK", "reason": "", "timestamp": "2026-03-02T08:12:31.000+0000"},
        "configuration": {"metrics": []},
    },
    f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:errors",
)
OTHER = event("Scheduled Event", {}, service="events")

SAMPLES: dict[str, tuple[Any, dict[str, str]]] = {
    "a pipeline's run": (PIPELINE, {}),
    "a stage": (STAGE, {}),
    "an action that deploys": (ACTION, {}),
    "an action that checks out": (COMMITTED, {}),
    "a deployment": (DEPLOYMENT, {}),
    "a deployment on an instance": (ON_INSTANCE, {}),
    "a build": (BUILD, {}),
    "a phase of a build": (PHASE, {}),
    "a branch": (BRANCH, {}),
    "an image pushed": (PUSH, {}),
    "an image scanned": (SCAN, {}),
    "an instance launched": (LAUNCH, {}),
    "an instance not terminated": (NOT_ENDED, {}),
    "a lifecycle action": (WAITS, {}),
    "an instance refresh": (REFRESH, {}),
    "an instance refresh rolled back": (BACK, {}),
    "a deployment of a service": (SERVICE, {}),
    "a service that cannot place tasks": (PLACEMENT, {}),
    "a task": (TASK, {}),
    "a container instance": (HOST, {}),
    "a stack": (STACK, {}),
    "a stack's resource": (RESOURCE, {}),
    "an instance": (STATE, {}),
    "an alarm": (ALARM, {}),
    "a type that is not read": (OTHER, {}),
}
