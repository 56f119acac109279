"""GitHub webhook deliveries as a gateway puts them on a topic: the body, and the two identifying headers.

Source: GitHub webhook events and payloads (``push``, ``deployment``, ``deployment_status``, ``dependabot_alert``).
The delivery id is the same on a redelivery, so it is the natural key. ``pushed_at`` is a Unix time in ``push`` and RFC
3339 text elsewhere, as GitHub has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from streams.simulate.chance import Chance, chance, hexadecimal
from streams.simulate.message import Headers
from streams.simulate.vulnerabilities import Vulnerability
from streams.simulate.world import MAIL_DOMAIN, ORGANISATION, Ecosystem, Service

_MANIFESTS: dict[Ecosystem, tuple[str, str]] = {
    "npm": ("package.json", "package-lock.json"),
    "pypi": ("pyproject.toml", "requirements.txt"),
    "golang": ("go.mod", "go.sum"),
    "maven": ("pom.xml", "gradle.lockfile"),
}
_ADVISORY_ECOSYSTEM: dict[Ecosystem, str] = {"npm": "npm", "pypi": "pip", "golang": "go", "maven": "maven"}


def headers(event: str, delivery: str) -> Headers:
    """The Kafka headers that carry the HTTP headers of a delivery."""
    return (
        ("X-GitHub-Event", event.encode()),
        ("X-GitHub-Delivery", delivery.encode()),
        ("content-type", b"application/json"),
    )


def push(service: Service, login: str, time: datetime, sha: str, rng: Chance, message: str, files: list[str]) -> bytes:
    """A push of one commit to the main branch, completed at ``time``."""
    before = hexadecimal(rng, 40)
    bot = login.endswith("[bot]")
    author = {
        "name": login,
        "email": f"{login}@users.noreply.github.com" if bot else f"{login}@{MAIL_DOMAIN}",
        "username": login,
    }
    commit = {
        "id": sha,
        "tree_id": hexadecimal(rng, 40),
        "distinct": True,
        "message": message,
        # The author's own clock: minutes before the push, and no proof of anything.
        "timestamp": _text(time - timedelta(seconds=rng.randint(40, 900))),
        "url": f"https://github.com/{service.repository}/commit/{sha}",
        "author": author,
        "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
        "added": [],
        "removed": [],
        "modified": files,
    }
    repository = _repository(service, time)
    repository["pushed_at"] = int(time.timestamp())
    return orjson.dumps(
        {
            "ref": "refs/heads/main",
            "before": before,
            "after": sha,
            "repository": repository,
            "pusher": {"name": login, "email": author["email"]},
            "organization": _organisation(),
            "sender": _user(login),
            "created": False,
            "deleted": False,
            "forced": False,
            "base_ref": None,
            "compare": f"https://github.com/{service.repository}/compare/{before[:12]}...{sha[:12]}",
            "commits": [commit],
            "head_commit": commit,
        }
    )


def manifest_files(ecosystem: Ecosystem) -> list[str]:
    """The files that a dependency bump touches."""
    return list(_MANIFESTS[ecosystem])


class Deployment:
    """One deployment and its deliveries."""

    def __init__(self, service: Service, login: str, sha: str, digest: str, created: datetime, rng: Chance) -> None:
        self.id = rng.randrange(10**9, 2 * 10**9)
        self._service = service
        self._login = login
        self._created = created
        self._rng = rng
        self._body = {
            "url": f"https://api.github.com/repos/{service.repository}/deployments/{self.id}",
            "id": self.id,
            "node_id": f"DE_kwDO{self.id:x}",
            "sha": sha,
            "ref": "main",
            "task": "deploy",
            "payload": {"image": f"{service.image}@{digest}", "tag": sha[:12]},
            "original_environment": "production",
            "environment": "production",
            "description": f"Deploy {service.name} to production",
            "creator": _user(login),
            "created_at": _text(created),
            "updated_at": _text(created),
            "statuses_url": f"https://api.github.com/repos/{service.repository}/deployments/{self.id}/statuses",
            "repository_url": f"https://api.github.com/repos/{service.repository}",
            "transient_environment": False,
            "production_environment": True,
        }

    def created(self) -> bytes:
        """The ``deployment`` delivery."""
        return orjson.dumps(
            {"action": "created", "deployment": self._body, "workflow": None, "workflow_run": None}
            | self._common(self._created)
        )

    def status(self, state: str, time: datetime) -> bytes:
        """A ``deployment_status`` delivery: ``in_progress``, ``success`` or ``failure``."""
        number = self._rng.randrange(10**9, 2 * 10**9)
        status = {
            "url": f"{self._body['url']}/statuses/{number}",
            "id": number,
            "node_id": f"DES_kwDO{number:x}",
            "state": state,
            "creator": _user(self._login),
            "description": "",
            "environment": "production",
            "target_url": "",
            "log_url": f"https://github.com/{self._service.repository}/actions",
            "created_at": _text(time),
            "updated_at": _text(time),
            "deployment_url": self._body["url"],
            "repository_url": self._body["repository_url"],
        }
        deployment = self._body | {"updated_at": _text(time)}
        return orjson.dumps(
            {"action": "created", "deployment_status": status, "deployment": deployment} | self._common(time)
        )

    def _common(self, time: datetime) -> dict[str, Any]:
        return {
            "repository": _repository(self._service, time),
            "organization": _organisation(),
            "sender": _user(self._login),
        }


def dependabot_alert(service: Service, vulnerability: Vulnerability, number: int, time: datetime) -> bytes:
    """An alert that a dependency of the repository has a known weakness."""
    word = vulnerability.severity.lower()
    package = {"ecosystem": _ADVISORY_ECOSYSTEM[service.ecosystem], "name": vulnerability.package}
    ghsa = _ghsa(vulnerability)
    identifiers = [{"value": ghsa, "type": "GHSA"}]
    cve = vulnerability.id if vulnerability.id.startswith("CVE-") else None
    if cve:
        identifiers.append({"value": cve, "type": "CVE"})
    affected = {
        "package": package,
        "severity": word,
        "vulnerable_version_range": f"< {vulnerability.fixed}",
        "first_patched_version": {"identifier": vulnerability.fixed},
    }
    base = f"repos/{service.repository}/dependabot/alerts/{number}"
    return orjson.dumps(
        {
            "action": "created",
            "alert": {
                "number": number,
                "state": "open",
                "dependency": {
                    "package": package,
                    "manifest_path": _MANIFESTS[service.ecosystem][1],
                    "scope": "runtime",
                },
                "security_advisory": {
                    "ghsa_id": ghsa,
                    "cve_id": cve,
                    "summary": f"{vulnerability.package}: {vulnerability.title}",
                    "description": f"{vulnerability.title} before {vulnerability.fixed}.",
                    "severity": word,
                    "identifiers": identifiers,
                    "references": [{"url": f"https://github.com/advisories/{ghsa}"}],
                    "published_at": _text(time - timedelta(days=40)),
                    "updated_at": _text(time - timedelta(days=2)),
                    "withdrawn_at": None,
                    "vulnerabilities": [affected],
                    "cvss": {"vector_string": None, "score": vulnerability.cvss},
                    "cwes": [{"cwe_id": vulnerability.cwe, "name": vulnerability.title}],
                },
                "security_vulnerability": affected,
                "url": f"https://api.github.com/{base}",
                "html_url": f"https://github.com/{service.repository}/security/dependabot/{number}",
                "created_at": _text(time),
                "updated_at": _text(time),
                "dismissed_at": None,
                "dismissed_by": None,
                "dismissed_reason": None,
                "dismissed_comment": None,
                "fixed_at": None,
                "auto_dismissed_at": None,
            },
            "repository": _repository(service, time),
            "organization": _organisation(),
            "sender": _user("github"),
        }
    )


def _ghsa(vulnerability: Vulnerability) -> str:
    if vulnerability.id.startswith("GHSA-"):
        return vulnerability.id
    rng = chance(0, "ghsa", vulnerability.id)
    return "GHSA-" + "-".join("".join(_quartet(rng)) for _ in range(3))


def _quartet(rng: Chance) -> Iterator[str]:
    return (rng.choice("23456789cfghjmpqrvwx") for _ in range(4))


def _text(time: datetime) -> str:
    return time.isoformat()[:19] + "Z"


def _user(login: str) -> dict[str, Any]:
    return {
        "login": login,
        "id": chance(0, "login", login).randrange(10**7, 10**8),
        "url": f"https://api.github.com/users/{login.replace('[', '%5B').replace(']', '%5D')}",
        "html_url": f"https://github.com/{login.removesuffix('[bot]')}",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def _organisation() -> dict[str, Any]:
    return {"login": ORGANISATION, "id": 90411701, "url": f"https://api.github.com/orgs/{ORGANISATION}"}


def _repository(service: Service, time: datetime) -> dict[str, Any]:
    return {
        "id": chance(0, "repository", service.repository).randrange(10**8, 10**9),
        "name": service.name,
        "full_name": service.repository,
        "private": True,
        "owner": {"login": ORGANISATION, "id": 90411701, "type": "Organization"},
        "html_url": f"https://github.com/{service.repository}",
        "url": f"https://api.github.com/repos/{service.repository}",
        "created_at": "2021-04-12T08:00:00Z",
        "updated_at": _text(time),
        "pushed_at": _text(time),
        "clone_url": f"https://github.com/{service.repository}.git",
        "default_branch": "main",
        "visibility": "private",
    }
