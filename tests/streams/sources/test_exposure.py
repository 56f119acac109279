"""What AWS calls and Kubernetes requests open to the internet."""

from __future__ import annotations

from typing import Any

import pytest

from streams.sources.aws_cloudtrail import CloudTrail
from streams.sources.kubernetes_audit import KubernetesAudit
from streams.sources.kubernetes_exposure import exposes

GROUP = "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0123456789abcdef0"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/pay/0123456789abcdef"
SG = "sg-0123456789abcdef0"


def call(service: str, name: str, asked: Any, answer: Any = None, **fields: Any) -> list[Any]:
    """What the change of a call exposes; of a call that is no change, None."""
    record = {"eventVersion": "1.08", "eventID": "e", "eventTime": "2026-03-02T09:00:00Z", "awsRegion": "eu-west-1",
              "eventSource": f"{service}.amazonaws.com", "eventName": name, "recipientAccountId": "111122223333",
              "userIdentity": {"type": "Root"}, "requestParameters": asked, "responseElements": answer}  # fmt: skip
    drafts: list[Any] = [content for _, content in CloudTrail().read(record | fields, {})]
    return next((draft.get("exposes", []) for draft in drafts if draft["type"] == "change"), [None])


def permission(cidr: str = "0.0.0.0/0", first: int | None = 443, last: int | None = 443, protocol: str = "tcp") -> Any:
    ranges = {"items": [{"cidrIpv6" if ":" in cidr else "cidrIp": cidr}]}
    return {"groupId": SG, "ipPermissions": {"items": [
        {"ipProtocol": protocol, "fromPort": first, "toPort": last,
         "ipv6Ranges" if ":" in cidr else "ipRanges": ranges}]}}  # fmt: skip


def rule(**fields: Any) -> Any:
    return {"groupId": SG, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "0.0.0.0/0",
            "securityGroupRuleId": "sgr-0a", "isEgress": False} | fields  # fmt: skip


@pytest.mark.parametrize(
    ("service", "name", "asked", "answer", "expected"),
    [
        ("ec2", "AuthorizeSecurityGroupIngress", permission(), None, [(GROUP, "tcp 443 from 0.0.0.0/0", True)]),
        ("ec2", "AuthorizeSecurityGroupIngress", permission("::/0", 0, 65535), None,
         [(GROUP, "tcp 0-65535 from ::/0", True)]),
        ("ec2", "AuthorizeSecurityGroupIngress", permission(first=None, last=None, protocol="-1"), None,
         [(GROUP, "everything from 0.0.0.0/0", True)]),
        ("ec2", "AuthorizeSecurityGroupIngress", permission("10.0.0.0/8"), None, []),
        ("ec2", "AuthorizeSecurityGroupIngress",
         {"groupId": SG, "cidrIp": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22}, None,
         [(GROUP, "tcp 22 from 0.0.0.0/0", True)]),
        ("ec2", "AuthorizeSecurityGroupIngress", permission(), {"securityGroupRuleSet": {"items": [rule()]}},
         [(GROUP, "tcp 22 from 0.0.0.0/0 sgr-0a", True)]),
        ("ec2", "RevokeSecurityGroupIngress", permission(), None, [(GROUP, "tcp 443 from 0.0.0.0/0", False)]),
        ("ec2", "RevokeSecurityGroupIngress",
         {"groupId": SG, "securityGroupRuleIds": {"items": [{"securityGroupRuleId": "sgr-0a"}]}}, None,
         [(GROUP, "sgr-0a", False)]),
        ("ec2", "RevokeSecurityGroupIngress", {"groupId": SG}, {"revokedSecurityGroupRuleSet": {"items": [rule()]}},
         [(GROUP, "tcp 22 from 0.0.0.0/0", False)]),
        ("ec2", "DeleteSecurityGroup", {"groupId": SG}, None, [(GROUP, "", False)]),
        ("ec2", "AuthorizeSecurityGroupEgress", permission(), None, []),
        ("elasticloadbalancing", "CreateLoadBalancer", {"name": "pay"},
         {"loadBalancers": [{"loadBalancerArn": BALANCER, "scheme": "internet-facing"}]},
         [(BALANCER, "load balancer", True)]),
        ("elasticloadbalancing", "CreateLoadBalancer", {"name": "pay", "scheme": "internal"},
         {"loadBalancers": [{"loadBalancerArn": BALANCER, "scheme": "internal"}]}, []),
        ("elasticloadbalancing", "DeleteLoadBalancer", {"loadBalancerArn": BALANCER}, None, [(BALANCER, "", False)]),
        ("rds", "ModifyDBInstance", {"dBInstanceIdentifier": "pay", "publiclyAccessible": False}, None,
         [("arn:aws:rds:eu-west-1:111122223333:db:pay", "database", False)]),
        ("rds", "ModifyDBInstance", {"dBInstanceIdentifier": "pay"}, None, []),
        ("lambda", "CreateFunctionUrlConfig", {"functionName": "pay", "authType": "NONE"}, None,
         [("arn:aws:lambda:eu-west-1:111122223333:function:pay", "function URL", True)]),
        ("ec2", "DescribeInstances", permission(), None, [None]),
        ("ec2", "AuthorizeSecurityGroupIngress", {"groupId": 7, "ipPermissions": {"items": [3, {"ipRanges": 4}]}},
         {"securityGroupRuleSet": {"items": [7]}}, []),
    ],
)  # fmt: skip
def test_aws_calls_that_open_and_close(service: str, name: str, asked: Any, answer: Any, expected: list[Any]) -> None:
    """A range of all addresses, a scheme, public access; the opposite call names the same resource and way."""
    assert call(service, name, asked, answer) == expected


def test_a_call_that_failed_opens_nothing() -> None:
    """It is no change."""
    assert call("ec2", "AuthorizeSecurityGroupIngress", permission(), errorCode="AccessDenied") == [None]


def balanced(kind: str | None = "LoadBalancer", **annotations: str) -> Any:
    named = {name.replace("__", "/").replace("_", "."): value for name, value in annotations.items()}
    return {"metadata": {"annotations": named}, "spec": {} if kind is None else {"type": kind}}


ELB = "service_beta_kubernetes_io__aws-load-balancer-scheme"
OPEN, CLOSED = ("k8s:x", True), ("k8s:x", False)


@pytest.mark.parametrize(
    ("verb", "resource", "asked", "expected"),
    [
        ("create", "services", balanced(), OPEN),
        ("create", "services", balanced("ClusterIP"), None),
        ("update", "services", balanced("ClusterIP"), CLOSED),
        ("patch", "services", balanced(None), None),
        ("create", "services", None, None),
        ("update", "services", balanced(**{ELB: "internal"}), CLOSED),
        ("create", "services", balanced(**{ELB: "internet-facing"}), OPEN),
        ("delete", "services", None, CLOSED),
        ("create", "ingresses", None, OPEN),
        ("patch", "ingresses", {"metadata": {"labels": {}}}, None),
        ("create", "ingresses", {"spec": {"ingressClassName": "nginx"}}, OPEN),
        ("create", "ingresses", {"spec": {"ingressClassName": "nginx-internal"}}, None),
        ("create", "ingresses", {"spec": {"ingressClassName": "alb"}}, None),
        ("update", "ingresses", {"spec": {"ingressClassName": "alb"}}, CLOSED),
        ("delete", "ingresses", {}, CLOSED),
        ("get", "ingresses", {}, None),
        ("update", "ingresses", {"spec": 7, "metadata": {"annotations": [1]}}, OPEN),
    ],
)
def test_kubernetes_requests(verb: str, resource: str, asked: Any, expected: tuple[str, bool] | None) -> None:
    """An ingress or a load balancer opens, unless it is internal; another type, or deletion, closes."""
    found = [(subject, opened) for subject, _, opened in exposes(verb, resource, "k8s:x", asked, None)]
    assert found == ([] if expected is None else [expected])


def test_the_change_of_an_audit_event_says_it() -> None:
    """With the entity of the object as the resource."""
    event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "stage": "ResponseComplete",
             "requestURI": "/apis/networking.k8s.io/v1/namespaces/shop/ingresses", "verb": "create",
             "user": {"username": "ada"}, "requestReceivedTimestamp": "2026-03-02T09:00:00.000000Z",
             "objectRef": {"resource": "ingresses", "namespace": "shop", "name": "pay",
                           "apiGroup": "networking.k8s.io"},
             "responseStatus": {"code": 201}}  # fmt: skip
    drafts: list[Any] = [content for _, content in KubernetesAudit().read(event, {})]
    assert drafts[1]["exposes"] == [("k8s:ingresses/shop/pay", "ingress", True)]
    assert ("resource", "k8s:ingresses/shop/pay") in drafts[1]["entities"]
    event["objectRef"] |= {"resource": "configmaps", "apiGroup": ""}  # type: ignore[operator] # a dict
    assert "exposes" not in [content for _, content in KubernetesAudit().read(event, {})][1]  # type: ignore[operator]
