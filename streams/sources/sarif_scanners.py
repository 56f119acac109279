"""What particular scanners put into SARIF outside its own fields: the package, its fix and the tool's own severity.

SARIF has no field for a package. Trivy writes ``Package:``, ``Installed Version:``, ``Severity:`` and
``Fixed Version:`` lines into the message; Grype names package and image in a sentence, and the rest in the rule's help
text, with package URLs in the rule's ``properties.purls``. Both fill fixed templates (Trivy ``pkg/report/sarif.go``,
Grype ``presenter/sarif``). Any other tool: no package, unless it gives ``properties.purl``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.events import FindingKind
from streams.sources.canonical import purl
from streams.sources.document import mapping, texts
from streams.sources.packages import kind_of_file, kind_of_name, package_url

_LINE = re.compile(
    r"^(Package|Installed Version|Severity|Fixed Version|Fix Version|Version|Type): ?(.*)$", re.MULTILINE
)
_GRYPE = re.compile(r"in (\S{1,64}) package: (\S{1,256}), version (\S{1,256}) was found(?: in image (\S{1,512}) at:)?")
VULNERABILITY = re.compile(r"(CVE-\d{4}-\d{4,19}|GHSA(?:-[0-9a-z]{4}){3})(?=-|$)", re.IGNORECASE)
"""At the head of a rule id: Grype appends the package's name."""

TOOL_KINDS: dict[str, FindingKind] = {
    **dict.fromkeys(("gitleaks", "trufflehog", "detect-secrets", "ggshield"), "secret"),
    **dict.fromkeys(
        ("checkov", "tfsec", "kics", "dockle", "kubescape", "terrascan", "kube-linter"), "misconfiguration"
    ),
}
"""By ``tool.driver.name`` in lower case, for tools whose rules carry no tag that says so."""

TAG_KINDS: dict[str, FindingKind] = {
    "vulnerability": "vulnerability",
    "misconfiguration": "misconfiguration",
    "secret": "secret",
    "license": "license",
}
"""By a rule's ``properties.tags``: Trivy's, and a convention that others follow."""


class Package(NamedTuple):
    """What is known of the affected package: its URL, ``name version`` for a reader, the fix, the severity's word.

    ``image`` is the image that a result names itself.
    """

    url: str | None
    label: str | None
    fix: str | None
    severity: str | None
    image: str | None


def package(message: str, rule: dict[str, Any], properties: dict[str, Any], files: Iterable[str] = ()) -> Package:
    """The package of one result, of its message's text, its rule, its own property bag and the files it is in."""
    bag = mapping(rule.get("properties"))
    urls = [*texts(properties.get("purl")), *texts(bag.get("purl")), *texts(bag.get("purls"))]
    canonical = [found for found in map(purl, urls) if found]
    told = dict(_LINE.findall(message[:4096]))
    help_text = mapping(rule.get("help")).get("text")
    if isinstance(help_text, str):
        # The rule is shared by all packages that it hits: what the result itself says comes first.
        about_rule = dict(_LINE.findall(help_text[:4096]))
        told = {**{key: about_rule[key] for key in ("Severity", "Fix Version") if key in about_rule}, **told}
    kind, name, version, image = None, told.get("Package"), told.get("Installed Version"), None
    if sentence := _GRYPE.search(message[:4096]):
        kind, name, version, image = sentence.groups()
    elif name:
        kind = next(filter(None, map(kind_of_file, files)), None) or kind_of_name(name)
    url = next((found for found in canonical if version and found.endswith(f"@{version}")), None)
    url = url or (package_url(kind, name.strip(), version) if name else None) or next(iter(canonical), None)
    fix = (told.get("Fixed Version") or told.get("Fix Version") or "").strip()[:512]
    label = f"{name} {version}".strip() if name and version else name
    return Package(url, label, fix or None, told.get("Severity"), image)
