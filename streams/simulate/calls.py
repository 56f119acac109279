"""The API calls of the simulated company: what services, pipelines and people do all day, and what intruders do.

Operation names and parameter spellings as CloudTrail writes them (request parameters in lower camel case; Lambda
operations with their API version).
"""

from __future__ import annotations

from streams.simulate.cloudtrail import Call
from streams.simulate.world import ACCOUNT, CLUSTER, REGION, Service, ServiceUser

Weighted = tuple[float, Call]


def of_service(service: Service) -> tuple[Weighted, ...]:
    """What a service's role calls, with relative frequencies."""
    kms = (("AWS::KMS::Key", service.key_arn),)
    calls: list[Weighted] = [
        (
            5.0,
            Call(
                "kms",
                "Decrypt",
                True,
                {
                    "encryptionContext": {"SecretARN": service.secret_arn},
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                },
                resources=kms,
            ),
        ),
        (
            3.0,
            Call(
                "ssm",
                "GetParameter",
                True,
                {"name": f"/{service.system}/{service.name}/config", "withDecryption": True},
            ),
        ),
        (2.0, Call("secretsmanager", "GetSecretValue", True, {"secretId": service.secret_arn})),
        (2.0, Call("sts", "GetCallerIdentity", True)),
        (1.5, Call("dynamodb", "DescribeTable", True, {"tableName": service.table})),
        (1.0, Call("sqs", "GetQueueAttributes", True, {"queueUrl": _queue(service), "attributeNames": ["All"]})),
        (0.7, Call("logs", "DescribeLogStreams", True, {"logGroupName": f"/app/{service.name}"})),
        (
            0.5,
            Call(
                "s3",
                "GetBucketLocation",
                True,
                {"bucketName": service.bucket, "location": "", "Host": f"{service.bucket}.s3.{REGION}.amazonaws.com"},
                resources=(("AWS::S3::Bucket", service.bucket_arn),),
            ),
        ),
    ]
    if service.runtime == "kubernetes":
        calls.append((0.8, Call("ecr", "BatchGetImage", True, _image(service))))
        calls.append((0.8, Call("ecr", "GetDownloadUrlForLayer", True, _image(service))))
    if service.runtime == "lambda":
        calls.append((1.0, Call("lambda", "GetFunction20150331v2", True, {"functionName": service.name})))
        calls.append((1.2, Call("logs", "CreateLogStream", False, {"logGroupName": f"/aws/lambda/{service.name}"})))
    if service.runtime == "host":
        calls.append((2.0, Call("ssm", "UpdateInstanceInformation", False, {"instanceId": service.instance_id})))
        calls.append((1.0, Call("ec2", "DescribeTags", True, {"filterSet": {"items": [{"name": "resource-id"}]}})))
    return tuple(calls)


def of_pipeline(services: tuple[Service, ...]) -> tuple[Weighted, ...]:
    """What a system's deploy role reads between deploys."""
    calls: list[Weighted] = [
        (3.0, Call("ecr", "GetAuthorizationToken", True)),
        (2.0, Call("eks", "DescribeCluster", True, {"name": CLUSTER})),
        (2.0, Call("sts", "GetCallerIdentity", True)),
        (1.0, Call("cloudformation", "DescribeStacks", True, {"stackName": f"{services[0].system}-prod"})),
    ]
    calls += [(1.0, Call("ecr", "DescribeImages", True, _image(service))) for service in services]
    return tuple(calls)


def of_person() -> tuple[Weighted, ...]:
    """What people look at in the console."""
    return (
        (3.0, Call("cloudwatch", "DescribeAlarms", True, {"maxRecords": 100})),
        (3.0, Call("logs", "FilterLogEvents", True, {"logGroupName": "/app/edge-gateway", "limit": 50})),
        (2.0, Call("ec2", "DescribeInstances", True, {"instancesSet": {}, "filterSet": {}})),
        (2.0, Call("cloudtrail", "LookupEvents", True, {"maxResults": 50})),
        (1.5, Call("lambda", "ListFunctions20150331", True, {"maxItems": 50})),
        (1.0, Call("ec2", "DescribeSecurityGroups", True, {"securityGroupSet": {}, "filterSet": {}})),
        (1.0, Call("iam", "GetRole", True, {"roleName": "ledger-prod"})),
        (0.7, Call("s3", "ListBuckets", True, {"Host": f"s3.{REGION}.amazonaws.com"})),
        (0.5, Call("ce", "GetCostAndUsage", True, {"granularity": "DAILY", "metrics": ["UnblendedCost"]})),
    )


def of_user(service: Service) -> tuple[Weighted, ...]:
    """What a service user's job does, always the same few things."""
    return (
        (3.0, Call("secretsmanager", "GetSecretValue", True, {"secretId": service.secret_arn})),
        (2.0, Call("sts", "GetCallerIdentity", True)),
        (2.0, Call("dynamodb", "DescribeTable", True, {"tableName": service.table})),
        (1.0, Call("ssm", "GetParameter", True, {"name": f"/{service.system}/{service.name}/export"})),
    )


def enumeration() -> tuple[Call, ...]:
    """What somebody asks who does not know the account yet."""
    return (
        Call("sts", "GetCallerIdentity", True),
        Call("iam", "ListUsers", True, {"maxItems": 1000}),
        Call("iam", "ListRoles", True, {"maxItems": 1000}),
        Call("iam", "ListAttachedUserPolicies", True, {"userName": "admin"}),
        Call("iam", "GetAccountAuthorizationDetails", True, {"maxItems": 1000}),
        Call("iam", "ListAccessKeys", True),
        Call("s3", "ListBuckets", True, {"Host": f"s3.{REGION}.amazonaws.com"}),
        Call("ec2", "DescribeInstances", True, {"instancesSet": {}, "filterSet": {}}),
        Call("ec2", "DescribeSecurityGroups", True, {"securityGroupSet": {}, "filterSet": {}}),
        Call("ec2", "DescribeVpcs", True, {"vpcSet": {}, "filterSet": {}}),
        Call("ec2", "DescribeSnapshots", True, {"ownersSet": {"items": [{"owner": ACCOUNT}]}, "filterSet": {}}),
        Call("secretsmanager", "ListSecrets", True, {"maxResults": 100}),
        Call("ssm", "DescribeParameters", True, {"maxResults": 50}),
        Call("lambda", "ListFunctions20150331", True, {"maxItems": 50}),
        Call("rds", "DescribeDBInstances", True, {"maxRecords": 100}),
        Call("dynamodb", "ListTables", True, {"limit": 100}),
        Call("kms", "ListKeys", True, {"limit": 1000}),
        Call("organizations", "DescribeOrganization", True),
    )


def persistence(user: str, key: str) -> tuple[Call, ...]:
    """A way back in: a new user with administrator rights and a key."""
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user}"
    return (
        Call("iam", "CreateUser", False, {"userName": user}, {"user": {"path": "/", "userName": user, "arn": arn}}),
        Call(
            "iam",
            "AttachUserPolicy",
            False,
            {"userName": user, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        Call(
            "iam",
            "CreateAccessKey",
            False,
            {"userName": user},
            {"accessKey": {"userName": user, "accessKeyId": key, "status": "Active"}},
        ),
    )


def read_secret(service: Service) -> Call:
    """The read of a service's secret."""
    return Call("secretsmanager", "GetSecretValue", True, {"secretId": service.secret_arn})


def loosen_user(user: ServiceUser) -> Call:
    """A user's inline policy is replaced by one that allows far too much."""
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    return Call(
        "iam",
        "PutUserPolicy",
        False,
        {"userName": user.name, "policyName": "export-job", "policyDocument": document},
        resources=(("AWS::IAM::User", user.arn),),
    )


def role_policy(service: Service) -> Call:
    """An ordinary change of a role's inline policy."""
    document = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:SendMessage"],"Resource":"'
        f'arn:aws:sqs:{REGION}:{ACCOUNT}:{service.name}"}}]}}'
    )
    return Call(
        "iam",
        "PutRolePolicy",
        False,
        {"roleName": service.role, "policyName": "queue-access", "policyDocument": document},
    )


def open_ingress(service: Service, port: int) -> Call:
    """A port of a host is opened to the whole internet."""
    permission = {
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "groups": {},
        "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "temporary, vendor support"}]},
    }
    return Call(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        False,
        {"groupId": service.security_group, "ipPermissions": {"items": [permission]}},
        {"_return": True},
        resources=(("AWS::EC2::SecurityGroup", service.security_group_arn),),
    )


def update_code(service: Service, digest: str) -> Call:
    """A function gets new code."""
    image = f"{service.image}@{digest}"
    return Call(
        "lambda",
        "UpdateFunctionCode20150331v2",
        False,
        {"functionName": service.name, "imageUri": image, "publish": True, "dryRun": False},
        {
            "functionName": service.name,
            "functionArn": service.function_arn,
            "role": service.role_arn,
            "packageType": "Image",
            "lastUpdateStatus": "InProgress",
        },
        resources=(("AWS::Lambda::Function", service.function_arn),),
    )


def configure(service: Service) -> Call:
    """A function's environment or a service's parameter is changed."""
    if service.runtime == "lambda":
        return Call(
            "lambda",
            "UpdateFunctionConfiguration20150331v2",
            False,
            {"functionName": service.name, "timeout": 30, "memorySize": 1024},
            {"functionArn": service.function_arn, "role": service.role_arn},
            resources=(("AWS::Lambda::Function", service.function_arn),),
        )
    return Call(
        "ssm",
        "PutParameter",
        False,
        {"name": f"/{service.system}/{service.name}/config", "type": "String", "overwrite": True},
        {"version": 7, "tier": "Standard"},
    )


def put_image(service: Service, digest: str, tag: str) -> Call:
    """The pipeline pushes an image."""
    return Call(
        "ecr",
        "PutImage",
        False,
        {"repositoryName": f"{service.system}/{service.name}", "imageTag": tag, "registryId": ACCOUNT},
        {
            "image": {
                "repositoryName": f"{service.system}/{service.name}",
                "imageId": {"imageDigest": digest, "imageTag": tag},
            }
        },
        resources=(("AWS::ECR::Repository", service.registry_arn),),
    )


def _image(service: Service) -> dict[str, object]:
    return {"repositoryName": f"{service.system}/{service.name}", "registryId": ACCOUNT}


def _queue(service: Service) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{service.name}"
