"""Which AWS calls open something to the internet, or close it again, as their records say.

Security groups (a range of every address, ``/0``), load balancers (scheme), database instances (public access) and
function URLs (no authentication). What is opened is named as its entity; a way in is named in words that the opposite
call names, too: protocol, ports, range, and the id of the rule where the answer has it.

Names and defaults: Amazon EC2, Elastic Load Balancing (both versions: internet-facing unless said), Amazon RDS and
AWS Lambda API references. Not read: ModifySecurityGroupRules, prefix lists, routes and network ACLs, so an open group
behind a closed network counts as open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from schemas.events import Exposing
from streams.sources.aws_changes import DATED
from streams.sources.aws_names import entity_of
from streams.sources.aws_resources import resource_of
from streams.sources.document import mapping, sequence
from streams.sources.fields import dig, text

MOST: Final = 16
"""Ways in of one call."""


class Call(NamedTuple):
    """A successful call: its region and account, parameters and answer."""

    region: str
    account: str
    asked: dict[str, Any]
    answer: dict[str, Any]


Read = Callable[[Call], list[Exposing]]


def exposing(action: str) -> Read | None:
    """How to read what a call opens or closes; None for a call that does neither.

    >>> exposing("ec2:AuthorizeSecurityGroupIngress") is None, exposing("ec2:RunInstances") is None
    (False, True)
    """
    return _CALLS.get(DATED.sub("", action))


def _authorized(call: Call) -> list[Exposing]:
    return _rules(call, "securityGroupRuleSet", True)


def _revoked(call: Call) -> list[Exposing]:
    group = _resource(call, call.asked.get("groupId"))
    ids = sequence(dig(call.asked, "securityGroupRuleIds", "items")) or sequence(call.asked.get("securityGroupRuleIds"))
    named = [text(each, 64) or text(mapping(each).get("securityGroupRuleId"), 64) for each in ids[:MOST]]
    return [
        *_rules(call, "revokedSecurityGroupRuleSet", False),
        *((group, each, False) for each in named if each and group),
    ]


def _deleted_group(call: Call) -> list[Exposing]:
    group = _resource(call, call.asked.get("groupId"))
    return [(group, "", False)] if group else []


def _rules(call: Call, field: str, opened: bool) -> list[Exposing]:
    """Of the answer, which has ids; of the parameters where an older record has no answer."""
    found: dict[Exposing, None] = {}
    for rule in map(mapping, sequence(dig(call.answer, field, "items"))):
        group = _resource(call, rule.get("groupId") or call.asked.get("groupId"))
        if group and not rule.get("isEgress"):
            for field_name in ("cidrIpv4", "cidrIpv6"):
                if way := _way(rule, rule.get(field_name)):
                    mark = text(rule.get("securityGroupRuleId"), 64)
                    found[group, f"{way} {mark}" if mark and opened else way, opened] = None
    group = _resource(call, call.asked.get("groupId"))
    if group and not found:
        if way := _way(call.asked, call.asked.get("cidrIp")):
            found[group, way, opened] = None
        for rule in map(mapping, sequence(dig(call.asked, "ipPermissions", "items"))):
            for ranges, name in (("ipRanges", "cidrIp"), ("ipv6Ranges", "cidrIpv6")):
                for each in map(mapping, sequence(dig(rule, ranges, "items"))):
                    if way := _way(rule, each.get(name)):
                        found[group, way, opened] = None
    return list(found)[:MOST]


def _way(rule: dict[str, Any], cidr: object) -> str | None:
    """``tcp 443 from 0.0.0.0/0``; None for a range that is not every address."""
    given = text(cidr, 64)
    if given is None or not given.endswith("/0"):
        return None
    protocol = str(rule.get("ipProtocol"))[:16]
    first, last = rule.get("fromPort"), rule.get("toPort")
    if protocol == "-1" or type(first) is not int or type(last) is not int or first < 0:
        return f"{'everything' if protocol == '-1' else protocol} from {given}"
    return f"{protocol} {first}{'' if first == last else f'-{last}'} from {given}"


def _balancer(call: Call) -> list[Exposing]:
    made = mapping(next(iter(sequence(call.answer.get("loadBalancers"))), None))
    scheme = made.get("scheme") or call.asked.get("scheme")
    subject = _resource(call, made.get("loadBalancerArn")) or _classic(call)
    return [] if subject is None or scheme == "internal" else [(subject, "load balancer", True)]


def _deleted_balancer(call: Call) -> list[Exposing]:
    subject = _resource(call, call.asked.get("loadBalancerArn")) or _classic(call)
    return [(subject, "", False)] if subject else []


def _classic(call: Call) -> str | None:
    name = text(call.asked.get("loadBalancerName") or call.asked.get("name"), 64)
    if name is None:
        return None
    found = entity_of(f"arn:aws:elasticloadbalancing:{call.region}:{call.account}:loadbalancer/{name}")
    return found[1] if found else None


def _database(call: Call) -> list[Exposing]:
    public = call.asked.get("publiclyAccessible")
    subject = _database_of(call)
    return [(subject, "database", public)] if subject and isinstance(public, bool) else []


def _deleted_database(call: Call) -> list[Exposing]:
    subject = _database_of(call)
    return [(subject, "", False)] if subject else []


def _database_of(call: Call) -> str | None:
    name = text(call.asked.get("dBInstanceIdentifier"), 64)
    return name and f"arn:aws:rds:{call.region}:{call.account}:db:{name}"


def _url(call: Call) -> list[Exposing]:
    subject, auth = _function_of(call), call.asked.get("authType")
    return [(subject, "function URL", auth == "NONE")] if subject and isinstance(auth, str) else []


def _deleted_url(call: Call) -> list[Exposing]:
    subject = _function_of(call)
    return [(subject, "function URL", False)] if subject else []


def _function_of(call: Call) -> str | None:
    name = text(call.asked.get("functionName"), 256)
    if name is None:
        return None
    return f"arn:aws:lambda:{call.region}:{call.account}:function:{name.rpartition('function:')[2].partition(':')[0]}"


def _resource(call: Call, value: object) -> str | None:
    named = text(value)
    found = None if named is None else resource_of(named, call.region, call.account)
    return None if found is None else found[1]


_CALLS: Final[dict[str, Read]] = {
    "ec2:AuthorizeSecurityGroupIngress": _authorized,
    "ec2:RevokeSecurityGroupIngress": _revoked,
    "ec2:DeleteSecurityGroup": _deleted_group,
    "elasticloadbalancing:CreateLoadBalancer": _balancer,
    "elasticloadbalancing:DeleteLoadBalancer": _deleted_balancer,
    "rds:CreateDBInstance": _database,
    "rds:ModifyDBInstance": _database,
    "rds:DeleteDBInstance": _deleted_database,
    "lambda:CreateFunctionUrlConfig": _url,
    "lambda:UpdateFunctionUrlConfig": _url,
    "lambda:DeleteFunctionUrlConfig": _deleted_url,
}
