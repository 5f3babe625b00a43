"""A host in memory, to test migrations natively with pytest or unittest.

`Host` keeps the promises of the real one: what a failing item wrote is dropped, a step reaches only the collections that
it asked for, a derive step changes nothing that it is fed. Where the real one would report a fault of the migration, this
one raises `AssertionError`.

    from godwit.testing import Host
    from migration import migration

    def test_every_note_has_tags():
        host = Host(notes='{"_id":"a","text":"Grüezi"}')
        report = host.migrate(migration)
        assert report.updated == ["a"]
        host.assert_holds("notes", '{"_id":"a","text":"Grüezi","tags":[]}')
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from ._json import BodyError, parsed
from .context import Context, Level, Run
from .documents import Denied, Invalid
from .migration import Migration, Step
from .outcome import Kind

__all__ = ["Host", "Line", "Report"]

_Key: TypeAlias = "tuple[str, str]"


@dataclass(frozen=True)
class Line:
    """A line that a migration logged."""

    level: Level
    """How much it matters."""
    message: str
    """What it says."""
    item: str | None
    """The item that it is about."""


@dataclass
class Report:
    """The ids of the items that a migration was fed, by what became of them.

    An update to a body that says the same as the old one counts as unchanged, as it does for the real host.
    """

    unchanged: list[str] = field(default_factory=list)
    """Items that were left as they were."""
    updated: list[str] = field(default_factory=list)
    """Items that got a new body."""
    removed: list[str] = field(default_factory=list)
    """Items that were deleted."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """Items that failed, each with the reason."""


class Host:
    """Holds collections in memory and brings them from version to version.

    Collections are given by name as lines, one JSON document each with its id in `_id`; `opaque` names those whose bodies
    may be any bytes.
    """

    def __init__(
        self, collections: dict[str, str] | None = None, /, *, opaque: Iterable[str] = (), **more: str
    ) -> None:
        self.log: list[Line] = []
        """What was logged."""
        self.run = Run(from_version=None, started_at=0, seed=0)
        """What migrations learn about the run."""
        self._opaque = frozenset(opaque)
        self._items: dict[_Key, bytes] = {}
        for collection, lines in {**(collections or {}), **more}.items():
            for id, body in _read(lines):
                self.put(collection, id, body)

    def put(self, collection: str, id: str, body: bytes) -> None:
        """Puts one item into a collection."""
        self._items[collection, id] = body

    def migrate(self, migration: Migration, *, step: str | None = None) -> Report:
        """Carries out all steps of a migration, or the one of that name."""
        steps = [it for it in migration.steps if step in (None, it.name)]
        assert steps or step is None, f"the migration has no step `{step}`"
        report = Report()
        for it in steps:
            self._carry_out(it, report)
        return report

    def context(self, id: str = "", body: bytes = b"") -> Context:
        """A context to call a function with; everything is granted, and writes are in force at once."""
        return Context(_Access(self, None, id), id, body)

    def get(self, collection: str, id: str) -> Any:
        """The body of an item as JSON, or None where there is none."""
        body = self._items.get((collection, id))
        return None if body is None else parsed(body)

    def lines(self, collection: str) -> str:
        """A collection as lines, in order of ids."""
        return "".join(body.decode() + "\n" for _, body in self.items(collection))

    def items(self, collection: str) -> list[tuple[str, bytes]]:
        """The ids and bodies of a collection, in order of ids."""
        return _in_order(self._items, collection)

    def assert_holds(self, collection: str, lines: str) -> None:
        """Checks that a collection holds exactly the items of these lines, to the byte."""
        expected, found = dict(_read(lines)), dict(self.items(collection))
        for id in sorted({*expected, *found}, key=str.encode):
            assert found.get(id) == expected.get(id), (
                f"collection `{collection}` differs at `{id}`\n"
                f"  expected: {_shown(expected.get(id))}\n"
                f"     found: {_shown(found.get(id))}"
            )

    def _carry_out(self, step: Step, report: Report) -> None:
        # Items of the fed collection that the step itself wrote have the new version and are not fed.
        brought: set[_Key] = set()
        for id, _ in self.items(step.collection):
            body = self._items.get((step.collection, id))
            if body is None or (step.collection, id) in brought:
                continue
            access = _Access(self, step, id)
            kind, payload = step.migrate(id, body, access)
            if kind is not Kind.FAILED:
                brought.update(access.writes)
                access.commit()
            self._apply(step, id, kind, payload, report)

    def _apply(self, step: Step, id: str, kind: Kind, payload: str | bytes, report: Report) -> None:
        changes = kind in (Kind.UPDATED, Kind.REMOVED)
        assert not (step.derives and changes), f"step `{step.name}` derives, yet it changes item `{id}`"
        new = payload.encode() if isinstance(payload, str) else payload
        if kind is Kind.FAILED:
            report.failed.append((id, new.decode()))
        elif kind is Kind.REMOVED:
            del self._items[step.collection, id]
            report.removed.append(id)
        elif kind is Kind.UPDATED and not self._says_the_same(step.collection, id, new):
            self._items[step.collection, id] = new
            report.updated.append(id)
        else:
            report.unchanged.append(id)

    def _says_the_same(self, collection: str, id: str, new: bytes) -> bool:
        old = self._items[collection, id]
        if collection in self._opaque:
            return old == new
        try:
            value = _exact(new)
        except ValueError as error:
            raise AssertionError(f"the new body of item `{id}` is not JSON: {error}") from error
        try:
            return bool(_exact(old) == value)
        except ValueError:
            return False


class _Access:
    """What one item may reach; its writes wait until it is known that it did not fail."""

    def __init__(self, host: Host, step: Step | None, id: str) -> None:
        self.writes: dict[_Key, bytes | None] = {}
        self._host = host
        self._step = step
        self._id = id

    def commit(self) -> None:
        """Puts the writes in force."""
        for key, body in self.writes.items():
            if body is None:
                self._host._items.pop(key, None)
            else:
                self._host._items[key] = body
        self.writes = {}

    def get(self, collection: str, id: str) -> bytes | None:
        self._check(collection, writes=False)
        if (collection, id) in self.writes:
            return self.writes[collection, id]
        return self._host._items.get((collection, id))

    def scan(self, collection: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        self._check(collection, writes=False)
        seen = {key: body for key, body in {**self._host._items, **self.writes}.items() if body is not None}
        items = _in_order(seen, collection)
        return [(id, body) for id, body in items if after is None or id.encode() > after.encode()][:limit]

    def put(self, collection: str, id: str, body: bytes) -> None:
        if collection not in self._host._opaque:
            try:
                parsed(body)
            except BodyError as error:
                raise Invalid(str(error)) from error
        self._write(collection, id, body)

    def delete(self, collection: str, id: str) -> None:
        self._write(collection, id, None)

    def log(self, level: Level, message: str, item: str | None) -> None:
        self._host.log.append(Line(level, message, item))

    def run(self) -> Run:
        return self._host.run

    def _write(self, collection: str, id: str, body: bytes | None) -> None:
        self._check(collection, writes=True)
        length = len(id.encode())
        if not 1 <= length <= 512:
            raise Invalid(f"an id has 1 to 512 bytes, not {length}")
        if self._step and (self._step.collection, self._id) == (collection, id):
            raise Invalid("the item that is being migrated is changed by its outcome only")
        self.writes[collection, id] = body
        if self._step is None:
            self.commit()

    def _check(self, collection: str, *, writes: bool) -> None:
        if self._step is None or collection in self._step.writes:
            return
        if writes or collection not in self._step.reads:
            raise Denied(collection)


def _read(lines: str) -> list[tuple[str, bytes]]:
    """The items of lines; each item's body is its line, to the byte."""
    items = []
    for number, line in enumerate(lines.split("\n"), 1):
        if line.strip():
            document = parsed(line)
            id = document.get("_id") if isinstance(document, dict) else None
            assert isinstance(id, str), f"line {number}: no item with an `_id`"
            items.append((id, line.encode()))
    return items


def _in_order(items: dict[_Key, bytes], collection: str) -> list[tuple[str, bytes]]:
    """A collection's items in order of ids, as bytes are ordered."""
    found = [(id, body) for (name, id), body in items.items() if name == collection]
    return sorted(found, key=lambda item: item[0].encode())


def _exact(body: bytes) -> Any:
    """A body as a value that equals another one if both say the same: numbers count by their exact value."""

    def number(text: str) -> Any:
        return ("number", Decimal(text))

    return json.loads(body.decode(), parse_int=number, parse_float=number)


def _shown(body: bytes | None) -> str:
    return "nothing" if body is None else body.decode(errors="replace")
