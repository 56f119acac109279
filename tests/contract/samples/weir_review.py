"""Reviews of each kind, as the contract says."""

from typing import Any


def review(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "review",
        "v": 1,
        "source_id": f"r-{number}",
        "time": f"2026-03-02T09:{number:02}:00Z",
        "domain": "system:shop",
        "unit_id": "wu-0123456789abcdef0123",
        "reviewer": "ada@acme.example",
        "kind": kind,
        **fields,
    }


OTHER = {"other_unit_id": "wu-ffff456789abcdef0123"}
KINDS = (
    review("verdict", 0, verdict="false_positive", comment="the nightly scan"),
    review("comment", 1, comment="asked the owner"),
    review("approval", 2),
    review("override", 3, field="severity", value="4"),
    review("exception", 4, expires="2026-04-01T00:00:00Z", comment="fix in the next release"),
    review("merge", 5, **OTHER),
    review("split", 6, signals=["00aa11bb22cc33dd", "11aa11bb22cc33dd"]),
    review("unmerge", 7, **OTHER),
    review("suppress", 8, unit_id="", pattern="00112233445566ff", expires="2026-04-01T00:00:00+02:00"),
    review("unsuppress", 9, unit_id="", pattern="00112233445566ff"),
    review("escalate", 10),
    review("unlink", 11, value="access_key:AKIAEXAMPLE"),
)
SAMPLES: dict[str, tuple[object, dict[str, str]]] = {each["kind"]: (each, {}) for each in KINDS}
