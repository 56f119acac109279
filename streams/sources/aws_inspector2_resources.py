"""What an Inspector finding is about: an instance, an image in ECR, a function, a repository of code.

Inspector2 API reference, "Resource" and "ResourceDetails". An image is named as image references do, by digest and by
its tags, so that other scanners' findings of it are in one place with these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.sources.aws_envelope import account_of, instance_entities, known, registry_image
from streams.sources.aws_names import partition_of
from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.canonical import Image, image
from streams.sources.document import line, mapping, sequence, texts
from streams.sources.fields import address, dig, text
from streams.sources.identity import stands_for, tags_of
from streams.sources.scan import image_target

_RESOURCES = 8
_FEW = 4


class About(NamedTuple):
    """``domain``: the image's, if it is about one, else the account's."""

    entities: tuple[EntityDraft, ...]
    identities: tuple[IdentityDraft, ...]
    domain: str
    target: str | None
    location: str | None


def about(finding: dict[str, Any], account: str, region: str) -> About:
    """The resources of a finding, at most eight of them, then its account."""
    found: list[EntityDraft] = []
    said: list[IdentityDraft] = []
    repository = target = None
    given = [mapping(resource) for resource in sequence(finding.get("resources"))[:_RESOURCES]]
    for resource in given:
        name, place = text(resource.get("id"), 1024) or "", text(resource.get("region"), 32) or region
        details = mapping(resource.get("details"))
        if "awsEcrContainerImage" in details or ":ecr:" in name:
            images = _images(name, mapping(details.get("awsEcrContainerImage")), place, account)
            found += [("image", each.id) for each in images]
            said += tags_of(images, images)
            if images:
                repository, target = images[0].repository, image_target(images[-1].id)
            found += known(name)
        elif name.startswith("i-"):
            placed = instance_entities(name, account, place)
            found += placed
            said += [stands_for(placed[1], placed[0])] if len(placed) == 2 else []
            found += _instance(mapping(details.get("awsEc2Instance")))
        elif name.startswith("arn:"):
            found += known(name) + known(dig(details, "awsLambdaFunction", "executionRoleArn"))
        elif name:
            found.append(("resource", name[:512]))
    if path := _path(finding, account, given, region):
        found += path
    if account:
        found.append(("account", account))
    domain = f"image:{repository}" if repository else f"aws:{account or 'unknown'}"
    location = line(given[0].get("id"), 1024) if given else None
    return About(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(said)), domain[:256], target, location)


def _images(arn: str, details: dict[str, Any], region: str, account: str) -> list[Image]:
    """By digest first, then by tags. The ARN is ``…:repository/NAME/sha256:…``."""
    parts = arn.split(":", 5)
    name = text(details.get("repositoryName"), 256)
    exact = text(details.get("imageHash"), 128)
    owner = account_of(details.get("registry")) or account
    if len(parts) == 6 and parts[5].startswith("repository/"):
        path, _, ending = parts[5].removeprefix("repository/").rpartition("/")
        name = name or path or None
        exact = exact or (ending if ending.startswith("sha256:") else None)
        owner, region = account_of(parts[4]) or owner, parts[3] or region
    if not (name and owner and region):
        return []
    repository = registry_image(owner, region, name)
    references = [f"{repository}@{exact}"] if exact else []
    references += [f"{repository}:{tag}" for tag in texts(details.get("imageTags"), 128)[:_FEW]]
    return [each for each in map(image, references) if each and (each.tag or each.digest)]


def _instance(details: dict[str, Any]) -> list[EntityDraft]:
    found = known(details.get("iamInstanceProfileArn"))
    for name in ("ipV4Addresses", "ipV6Addresses"):
        for given in texts(details.get(name), 64)[:_FEW]:
            ip = address(given)
            found += [("ip", ip)] if ip else []
    return found


def _path(finding: dict[str, Any], account: str, given: list[dict[str, Any]], region: str) -> list[EntityDraft]:
    """The security groups and interfaces on the way to a reachable port."""
    region = next((r for each in given if (r := text(each.get("region"), 32))), region)
    kinds = {"AWS::EC2::SecurityGroup": "security-group", "AWS::EC2::NetworkInterface": "network-interface"}
    found: list[EntityDraft] = []
    for step in sequence(dig(finding, "networkReachabilityDetails", "networkPath", "steps"))[:16]:
        kind, name = dig(step, "componentType"), text(dig(step, "componentId"), 64)
        if isinstance(kind, str) and kind in kinds and name and account and region:
            found += known(f"arn:{partition_of(region)}:ec2:{region}:{account}:{kinds[kind]}/{name}")
    return found
