import sys
from typing import Any

import pytest

from godwit import (
    REMOVED,
    UNCHANGED,
    BodyError,
    Context,
    Denied,
    Failed,
    Invalid,
    Json,
    Level,
    Migration,
    Outcome,
    Run,
)
from godwit.testing import Host, Line


def migration_of(function: Any, **options: Any) -> Migration:
    migration = Migration("test", "1.0.0")
    migration.rewrite("c", **options)(function)
    return migration


def test_a_migration_describes_itself() -> None:
    migration = Migration("shop", "3.0.0", requires=">=2", depends_on={"billing": ">=1.4"}, summary="splits")

    @migration.rewrite("orders", reads=["cities"], writes=["addresses"])
    def split(order: Json, context: Context) -> Outcome:
        return UNCHANGED

    @migration.derive("orders", name="by-city", online=True, raw=True)
    def index(order: bytes, context: Context) -> None: ...

    first, second = migration.steps
    assert (first.name, first.collection, first.reads, first.writes) == ("split", "orders", ("cities",), ("addresses",))
    assert (first.derives, first.online, first.raw) == (False, False, False)
    assert (second.name, second.derives, second.online, second.raw) == ("by-city", True, True, True)
    assert second.function is index


def test_outcomes() -> None:
    def by_kind(item: Any, context: Context) -> Outcome:
        if item["do"] == "fail":
            raise Failed("no title")
        return {"keep": UNCHANGED, "remove": REMOVED, "update": {"z": 1}, "bytes": b'{"a": 1}'}[item["do"]]

    host = Host(c="\n".join(f'{{"_id":"{do}","do":"{do}"}}' for do in ["bytes", "fail", "keep", "odd", "remove", "update"]))
    report = host.migrate(migration_of(by_kind))
    assert (report.updated, report.unchanged, report.removed) == (["bytes", "update"], ["keep"], ["remove"])
    assert report.failed == [("fail", "no title"), ("odd", "KeyError: 'odd'")]
    assert host.items("c")[0] == ("bytes", b'{"a": 1}')
    assert [line.item for line in host.log] == ["odd"]
    assert host.log[0].message.startswith("KeyError: 'odd' (test_migration.py:")


def test_a_forgotten_return_fails_and_an_exit_takes_nobody_along() -> None:
    host = Host(c='{"_id":"a"}\n{"_id":"b"}')
    report = host.migrate(migration_of(lambda item, context: None if item["_id"] == "a" else sys.exit(1), name="s"))
    assert report.failed == [("a", "step `s` returned nothing"), ("b", "SystemExit: 1")]


def test_a_body_that_says_the_same_counts_as_unchanged() -> None:
    new = {"a": b'{"n":1.0,"_id":"a"}', "b": b'{"_id":"b","n":true}'}
    host = Host(c='{"_id":"a","n":1}\n{"_id":"b","n":1}')
    report = host.migrate(migration_of(lambda item, context: new[context.id]))
    assert (report.unchanged, report.updated) == (["a"], ["b"])


def test_bodies_that_are_no_json() -> None:
    host = Host(opaque=["c"])
    host.put("c", "a", b"\xff")
    assert host.migrate(migration_of(lambda body, context: UNCHANGED)).failed[0][0] == "a"
    host.migrate(migration_of(lambda body, context: body + context.body, raw=True))
    assert host.items("c") == [("a", b"\xff\xff")]


def test_what_a_failing_item_wrote_is_dropped() -> None:
    def count(item: Any, context: Context) -> Outcome:
        total = context.documents.get("tallies", "total") or 0
        context.documents.put("tallies", "total", total + 1)
        if context.id == "b":
            raise Failed("b")
        return UNCHANGED

    host = Host(c='{"_id":"a"}\n{"_id":"b"}\n{"_id":"c"}')
    host.migrate(migration_of(count, writes=["tallies"]))
    assert host.get("tallies", "total") == 2


def test_a_step_reaches_what_it_asked_for() -> None:
    def reach(item: Any, context: Context) -> Outcome:
        documents = context.documents
        assert documents.get("readable", "x") is None
        with pytest.raises(Denied, match="access to collection `other` is denied"):
            documents.get("other", "x")
        with pytest.raises(Denied):
            documents.put("readable", "x", 1)
        with pytest.raises(Invalid):
            documents.put("c", context.id, 1)
        with pytest.raises(Invalid):
            documents.put("c", "", 1)
        with pytest.raises(Invalid):
            documents.get("c", "\ud800")
        with pytest.raises(Invalid):
            documents.put("c", "x", b"no JSON")
        documents.put("c", "z", {"_id": "z"})
        documents.delete("c", "b")
        return UNCHANGED

    host = Host(c='{"_id":"a"}\n{"_id":"b"}')
    report = host.migrate(migration_of(reach, reads=["readable"], writes=["c"]))
    assert (report.unchanged, report.failed) == (["a"], [])
    host.assert_holds("c", '{"_id":"a"}\n{"_id":"z"}')


def test_a_scan_goes_over_many_pages_in_order() -> None:
    documents = Host(c="\n".join(f'{{"_id":"{n:03}"}}' for n in reversed(range(600)))).context().documents
    assert [id for id, _ in documents.scan("c")] == [f"{n:03}" for n in range(600)]
    assert list(documents.scan("c", after="597")) == [("598", {"_id": "598"}), ("599", {"_id": "599"})]
    assert list(documents.scan("empty")) == []


def test_an_unreadable_document_is_named() -> None:
    host = Host()
    host.put("c", "a", b"{")
    with pytest.raises(BodyError, match="^item `a` of collection `c` can't be read: the body is not JSON: "):
        host.context().documents.get("c", "a")


def test_log_and_run() -> None:
    def speak(item: Any, context: Context) -> Outcome:
        context.info(f"seed {context.run.seed}")
        context.warn("alone", alone=True)
        return UNCHANGED

    host = Host(c='{"_id":"a"}')
    host.run = Run("0.9.0", 5, 7)
    host.migrate(migration_of(speak))
    assert host.log == [Line(Level.INFO, "seed 7", "a"), Line(Level.WARN, "alone", None)]


def test_faults_of_a_migration_are_reported() -> None:
    migration = Migration("test", "1.0.0")
    migration.derive("c")(lambda item, context: REMOVED)
    host = Host(c='{"_id":"a"}')
    with pytest.raises(AssertionError, match="derives, yet it changes item `a`"):
        host.migrate(migration)
    with pytest.raises(AssertionError, match="no step `x`"):
        host.migrate(migration, step="x")
    with pytest.raises(AssertionError, match="is not JSON"):
        host.migrate(migration_of(lambda item, context: b"{"))
    with pytest.raises(AssertionError, match="differs at `a`"):
        host.assert_holds("c", '{"_id":"a","n":1}')
    with pytest.raises(AssertionError, match="line 1: no item with an `_id`"):
        Host(c="[]")
