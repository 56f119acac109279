"""KEV, EPSS and policy exceptions: what their records hold, and what is refused where."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from streams.replay.documents import documents
from streams.sources.base import Ignored, Malformed
from streams.sources.epss import Epss
from streams.sources.kev import Kev
from streams.sources.policy_exceptions import PolicyExceptions
from streams.sources.registry import recognise

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "kev"

EXCEPTION = {
    "id": "EX-7",
    "created_at": "2026-03-01T09:00:00Z",
    "control": "waf",
    "component": "pay",
    "requested_by": "ada",
    "approved_by": "grace",
    "reason": "a rule\nis rewritten",
    "valid_from": "2026-03-01T12:00:00Z",
    "valid_to": "2026-03-08T12:00:00Z",
}


def drafts(source: Any, document: object) -> list[Any]:
    return [content for _, content in source.read(document, {})]


def kev(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"catalogVersion": "2026.03.02", "dateReleased": "2026-03-02T15:00:06.8Z", "vulnerabilities": list(entries)
            , **fields}  # fmt: skip


def test_kev_keeps_what_decides() -> None:
    """A CVE's record has its days and ransomware use; the catalogue's own record has version, date and count."""
    entry = {"cveID": "cve-2026-1000", "dateAdded": "2026-03-02", "dueDate": "2026-03-23", "product": "Gateway"}
    known = {**entry, "cveID": "CVE-2026-1001", "dueDate": "soon", "knownRansomwareCampaignUse": "Known"}
    found = drafts(Kev(), kev(entry, known, count=7))
    assert [(draft["key"], draft["record"]) for draft in found] == [
        ("CVE-2026-1000", {"added": "2026-03-02", "due": "2026-03-23", "ransomware": None}),
        ("CVE-2026-1001", {"added": "2026-03-02", "due": None, "ransomware": True}),
        ("feed", {"version": "2026.03.02", "released": "2026-03-02T15:00:06.8Z", "count": 7}),
    ]


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("CVE-2026-1000", "vulnerabilities[0]"),
        ({"cveID": "CVE-2026-1", "dateAdded": "2026-03-02"}, "vulnerabilities[0].cveID"),
        ({"cveID": "CVE-2026-1000", "dateAdded": "02.03.2026"}, "vulnerabilities[0].dateAdded"),
        ({"cveID": "CVE-2026-1000", "dateAdded": "2026-02-30"}, "vulnerabilities[0].dateAdded"),
    ],
)
def test_a_broken_kev_entry_is_named(entry: Any, place: str) -> None:
    """An entry without a CVE id or a real day is malformed at its place, and the rest is read."""
    found = drafts(Kev(), kev(entry))
    assert isinstance(found[0], Malformed)
    assert found[0].place == place
    assert found[1]["key"] == "feed"


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded KEV catalogue is not beside the repository")
def test_the_real_catalogue_is_read_whole() -> None:
    """Every one of the 1,404 recorded entries becomes a record, in at most 100 bytes of it."""
    document = json.loads(gzip.decompress((DATA / "known_exploited_vulnerabilities.json.gz").read_bytes()))
    assert recognise(document, {}).name == "cisa.kev"  # type: ignore[union-attr]
    found = drafts(Kev(), document)
    assert len(found) == 1405
    assert not [draft for draft in found if isinstance(draft, Malformed)]
    assert max(len(json.dumps(draft["record"])) for draft in found) <= 100
    assert sum(draft["record"].get("ransomware") is True for draft in found) > 100


EPSS_FILE = (
    "#model_version:v2025.03.14,score_date:2026-03-02T12:00:21Z\n"
    "cve,epss,percentile\n"
    "CVE-2026-12003,0.2,0.95\n"
    "CVE-2026-12001,0.00043,0.1\n"
    "CVE-1999-0001,1e-05,0\n"
    "CVE-2026-13000,2,0.5\n"
)


@pytest.mark.parametrize("packed", [False, True])
def test_the_daily_epss_file_is_one_document_of_blocks(tmp_path: Path, packed: bool) -> None:
    """The comment's model and date count for all rows; neighbouring CVEs share a record; wrong rows are named."""
    path = tmp_path / "epss_scores-current.csv"
    path.write_bytes(gzip.compress(EPSS_FILE.encode()) if packed else EPSS_FILE.encode())
    with documents(path, "csv") as opened:
        [document] = [json.loads(found.value) for found in opened]
    assert recognise(document, {}).name == "first.epss"  # type: ignore[union-attr]
    found = drafts(Epss(), document)
    stated = {"date": "2026-03-02T12:00:21+00:00", "model": "v2025.03.14"}
    assert [(draft["key"], draft["record"]) for draft in found[:-1]] == [
        ("CVE-1999-0xxx", {**stated, "scores": ";0001=1e-05"}),
        ("CVE-2026-12xxx", {**stated, "scores": ";12001=0.00043;12003=0.2"}),
    ]
    assert found[-1] == Malformed("rows[3]", "not a CVE id and a probability")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"comment": "# by hand", "columns": ["cve", "epss"], "rows": []}, "comment"),
        ({"comment": "#model_version:v1,score_date:yesterday!!", "columns": ["cve", "epss"], "rows": []}, "comment"),
        ({"comment": EPSS_FILE.partition("\n")[0], "columns": ["cve"], "rows": []}, "columns"),
        ({"data": 7}, "data"),
        ({"data": [{"cve": "CVE-2026-12003", "epss": "high"}]}, "data[0].epss"),
    ],
)
def test_what_is_no_epss_is_refused(document: object, expected: str) -> None:
    """Without model and date, columns or probabilities the place says what is missing."""
    [found] = drafts(Epss(), document)
    assert isinstance(found, Malformed)
    assert found.place == expected


def test_an_answer_of_the_epss_api_has_a_record_a_cve() -> None:
    """Scores that are asked for one by one replace no block; an empty answer is nothing."""
    row = {"cve": "CVE-2026-12003", "epss": "0.200000000", "percentile": "0.95", "date": "2026-03-03"}
    [draft] = drafts(Epss(), {"status": "OK", "data": [row]})
    assert (draft["key"], draft["record"]) == ("CVE-2026-12003", {"epss": 0.2, "date": "2026-03-03"})
    assert drafts(Epss(), {"data": []}) == [Ignored("no scores")]


def test_an_exception_is_context_and_a_change() -> None:
    """One line gives the record under its id, and a change when it was created, by who approved it."""
    context, change = drafts(PolicyExceptions(), EXCEPTION)
    assert (context["kind"], context["key"]) == ("policy_exception", "EX-7")
    assert context["record"]["valid_to"] == "2026-03-08T12:00:00Z"
    assert context["record"]["reason"] == "a rule is rewritten"
    assert (change["kind"], change["source_id"], change["time"]) == ("policy_exception", "EX-7", "2026-03-01T09:00:00Z")
    assert change["entities"] == [("component", "pay"), ("principal", "grace")]
    assert change["actor"] == "grace"


def test_an_exception_without_ends_holds_from_its_creation_on() -> None:
    """A missing validity is from creation on until further notice; an accepted CVE is an entity of the change."""
    given = {**EXCEPTION, "valid_from": None, "valid_to": None, "control": "cve-2026-1000", "approved_by": None}
    context, change = drafts(PolicyExceptions(), given)
    assert (context["record"]["valid_from"], context["record"]["valid_to"]) == ("2026-03-01T09:00:00Z", None)
    assert ("vulnerability", "CVE-2026-1000") in change["entities"]
    assert change["actor"] == "ada"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"id": ""}, "id"),
        ({"control": None}, "control"),
        ({"component": ["pay"]}, "component"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"valid_to": "2026-03-08"}, "valid_to"),
        ({"valid_to": "2026-03-01T12:00:00Z"}, "valid_to"),
    ],
)
def test_a_broken_exception_is_refused_at_its_place(fields: dict[str, Any], place: str) -> None:
    """Ids, times and an end after the beginning are needed; else nothing of it is taken."""
    [found] = drafts(PolicyExceptions(), {**EXCEPTION, **fields})
    assert isinstance(found, Malformed)
    assert found.place == place
