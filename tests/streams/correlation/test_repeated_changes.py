"""Many calls of one script are one line among the suspects, and all of them are counted."""

from __future__ import annotations

from tests.streams.correlation.build import MINUTE, SECOND, change, finding
from tests.streams.correlation.test_changes import HOST, unit_of


def test_repeats_of_one_change_are_shown_once() -> None:
    """Of thirty like changes the best one is shown, beside another kind of change that would have drowned."""
    script = [
        change(f"call-{n:02}", -MINUTE - n * SECOND, HOST, title="role called ssm:PutParameter") for n in range(30)
    ]
    deploy = change("deploy", -20 * MINUTE, HOST, title="deploy of web")
    unit = unit_of(finding("f", 0, HOST), *script, deploy)
    assert [c.source_id for c in unit.changes] == ["call-00", "deploy"]
    assert unit.change_count == 31
