"""Topics are made once, and a wrong one is named with its fix."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streams.edge import client, topics
from streams.settings import Settings

MakeSettings = Callable[..., Settings]
pytestmark = pytest.mark.broker


def test_create_twice_makes_them_once_and_check_is_content(make_settings: MakeSettings) -> None:
    """The first create makes all topics and says so, the second none, and check finds nothing wrong."""
    settings = make_settings(create=False, partitions=3)
    admin = AdminClient(client.admin(settings))
    told: list[str] = []
    assert sorted(topics.create(admin, settings, told.append)) == sorted(topics.wanted(settings))
    assert len(told) == len(topics.wanted(settings))
    assert topics.create(admin, settings, told.append) == []
    assert len(told) == len(topics.wanted(settings))
    assert topics.check(admin, settings) == []


def test_missing_topics_are_problems(make_settings: MakeSettings) -> None:
    """Before create, every topic is reported as missing with the command that makes it."""
    settings = make_settings(create=False)
    problems = topics.check(AdminClient(client.admin(settings)), settings)
    assert {problem.topic for problem in problems} == set(topics.wanted(settings))
    assert {problem.fix for problem in problems} == {"run `weir topics create`"}


def test_wrong_shapes_are_named_with_their_fix(make_settings: MakeSettings) -> None:
    """Partition count, timestamp type, clean-up policy and size limit: each difference is one problem."""
    settings = make_settings(create=False)
    admin = AdminClient(client.admin(settings))
    wrong = {
        "events": (2, {"message.timestamp.type": "CreateTime"}),
        "state": (2, {"cleanup.policy": "compact,delete"}),
        "units": (3, {}),
        "config": (2, {"cleanup.policy": "compact"}),
        "suppressed": (2, {"max.message.bytes": "1048588"}),
    }
    made = [
        NewTopic(
            settings.topic(name),
            num_partitions=count,
            replication_factor=1,
            config={"max.message.bytes": str(settings.max_message_bytes), **config},
        )
        for name, (count, config) in wrong.items()
    ]
    for outcome in admin.create_topics(made).values():
        outcome.result()
    topics.create(admin, settings)

    found = {problem.topic.removeprefix(f"{settings.app}."): problem for problem in topics.check(admin, settings)}
    assert set(found) == set(wrong)
    assert found["events"].what == "message.timestamp.type is CreateTime, not LogAppendTime"
    assert "--add-config message.timestamp.type=LogAppendTime" in found["events"].fix
    assert found["state"].what == "cleanup.policy is compact,delete, not compact"
    assert found["units"].what == "has 3 partitions, not 2"
    assert "cannot be repartitioned" in found["units"].fix
    assert "must have one partition" in found["config"].fix
    assert found["suppressed"].what == "max.message.bytes is 1048588, less than 2097152"


def test_log_and_everything_a_worker_writes_have_equal_partition_counts() -> None:
    """Partition n of the log goes to partition n of the outputs and of the changelog, whatever the count."""
    settings = Settings(app="a", partitions=7)
    counts = {name: count for name, (count, _) in topics.wanted(settings).items()}
    written = ("events", "units", "suppressed", "dead-letters", "state", "indicators", "links-state")
    assert {counts[settings.topic(name)] for name in written} == {7}
    assert counts["a.control"] == counts["a.config"] == counts["a.context"] == 1
