"""What a report is of, where its format does not say: the repository, by a record header of whoever sends it.

OSV-Scanner and Checkov name files only, and ``/src/package-lock.json`` is in every build. Named, their findings are of
a repository, and a report is compared with the one before: what it no longer has is fixed. So the header is right only
for a scan of all of the repository, in one document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streams.sources.canonical import Repository, repository
from streams.sources.fields import text

REPOSITORY: Final = "x-weir-repository"
"""Record header: ``owner/name``, or a clone URL."""


def scanned(headers: Mapping[str, str]) -> Repository | None:
    """The repository that a report is of, None where the sender does not say.

    >>> scanned({"x-weir-repository": "git@github.com:acme/pay.git"}).path
    'acme/pay'
    """
    given = text(headers.get(REPOSITORY), 1024)
    return repository(given) if given else None
