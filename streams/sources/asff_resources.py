"""What an ASFF finding is about: its ``Resources`` as entities, and the target that a scanner's template puts there.

Resource types and their details as in the AWS Security Hub user guide, "Resources ASFF object".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.sources.aws_names import entity_of
from streams.sources.base import EntityDraft
from streams.sources.canonical import image
from streams.sources.document import line, mapping, sequence, texts
from streams.sources.fields import address, dig, text
from streams.sources.packages import is_aggregate, kind_of_file, of_target
from streams.sources.scan import image_target

_RESOURCES = 16
_ADDRESSES = 4


class Resources(NamedTuple):
    """``domain``: that of the image, if it is about one. ``family``: the kind of its packages, if the target says so.

    ``other``: ``Details.Other`` of the first resource. What is about a whole account has account and region as target.
    """

    entities: tuple[EntityDraft, ...]
    domain: str | None
    target: str | None
    family: str | None
    file: str | None
    location: str | None
    other: dict[str, Any]


def resources(finding: dict[str, Any]) -> Resources:
    """The resources of a finding, at most 16 of them, and its account."""
    given = [mapping(resource) for resource in sequence(finding.get("Resources"))[:_RESOURCES]]
    entities: list[EntityDraft] = []
    domain = target = family = file = None
    for resource in given:
        kind, name = text(resource.get("Type"), 128) or "", text(resource.get("Id"), 1024) or ""
        details = mapping(resource.get("Details"))
        if kind == "AwsEcrContainerImage":
            found, reference = _registry(name, mapping(details.get(kind)))
            entities += found
            domain, target = domain or _domain(reference), target or image_target(reference)
            entities += [named] if (named := entity_of(name)) else []
        elif kind in ("Container", "Other") and not name.startswith("arn:"):
            artifact, family = of_target(text(dig(details, "Container", "ImageName"), 1024) or name)
            if is_aggregate(artifact):
                continue
            if kind == "Other" or kind_of_file(artifact):
                file = file or artifact
                entities += [("file", artifact)] if artifact else []
            else:
                domain, target = domain or _domain(artifact), target or image_target(artifact)
                seen = image(artifact)
                entities += [("image", seen.id)] if seen and (seen.tag or seen.digest) else []
        elif kind != "AwsAccount" or name.startswith("arn:"):
            entities += _plain(kind, name, details)
        else:
            region = text(resource.get("Region"), 64) or text(finding.get("Region"), 64) or ""
            target = target or f"account {name.rpartition(':')[2]} {region}".strip()
    if account := text(finding.get("AwsAccountId"), 64):
        entities.append(("account", account))
    first = given[0] if given else {}
    other = mapping(dig(first, "Details", "Other"))
    location = line(first.get("Id"), 1024)
    return Resources(tuple(dict.fromkeys(entities)), domain, target, family, file, location, other)


def _plain(kind: str, name: str, details: dict[str, Any]) -> list[EntityDraft]:
    found: list[EntityDraft] = []
    if kind == "AwsIamAccessKey":
        key = text(dig(details, kind, "AccessKeyId"), 128)
        owner = text(dig(details, kind, "PrincipalName"), 256)
        found += [("access_key", key)] if key else []
        found += [("principal", owner)] if owner else []
    if not name or name.startswith("AWS::::"):
        return found
    known = entity_of(name) if name.startswith("arn:") else None
    if known:
        found.append(known)
    elif len(name) <= 512 and not found:
        found.append(("resource", name))
    if kind == "AwsEc2Instance":
        instance = name.rpartition("/")[2].rpartition(":")[2]
        found += [("host", instance)] if instance.startswith("i-") else []
        addresses = texts(dig(details, kind, "IpV4Addresses"), 64)[:_ADDRESSES]
        found += [("ip", ip) for ip in map(address, addresses) if ip]
    return found


def _registry(arn: str, details: dict[str, Any]) -> tuple[list[EntityDraft], str]:
    """Of an image in ECR, ``arn:aws:ecr:REGION:ACCOUNT:repository/NAME/DIGEST``: its entities, and its reference."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("repository/"):
        return [], ""
    name, _, ending = parts[5].removeprefix("repository/").rpartition("/")
    suffix = ".cn" if parts[1] == "aws-cn" else ""
    repository = f"{parts[4]}.dkr.ecr.{parts[3]}.amazonaws.com{suffix}/{name or ending}"
    exact = text(details.get("ImageDigest"), 128) or (ending if name else "")
    tags = texts(details.get("ImageTags"), 128)[:4]
    references = [*([f"{repository}@{exact}"] if exact else []), *(f"{repository}:{tag}" for tag in tags)]
    found: list[EntityDraft] = [("image", i.id) for i in map(image, references) if i and (i.tag or i.digest)]
    return found, references[-1] if references else repository


def _domain(reference: str) -> str | None:
    found = image(reference)
    return f"image:{found.repository}" if found else None
