from pathlib import Path

from godwit.testing import Host
from migration import migration

FOLDER = Path(__file__).parents[2] / "rust" / "bcd-2-0-0"
BEFORE = (FOLDER / "items.before.ndjson").read_text(encoding="utf-8")
AFTER = (FOLDER / "items.after.ndjson").read_text(encoding="utf-8")


def test_before_becomes_after() -> None:
    host = Host(features=BEFORE)
    report = host.migrate(migration)
    host.assert_holds("features", AFTER)
    assert report.failed == []
    assert report.updated and report.unchanged


def test_a_second_pass_changes_nothing() -> None:
    assert Host(features=AFTER).migrate(migration).updated == []


def test_a_feature_without_support_fails() -> None:
    report = Host(features='{"_id":"api.X"}').migrate(migration)
    assert report.failed == [("api.X", "the feature has no `support` object")]
