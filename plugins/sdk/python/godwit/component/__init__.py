"""The component side: what both layouts share.

Here `wit_world` is what componentize-py makes of the contract; it exists inside a component only. Type checkers see it
after `componentize-py -d wit/v1 -w text-migration -w migration bindings FOLDER`.
"""

from __future__ import annotations

import io
import sys

from componentize_py_types import Err
from wit_world.exports import Description as DescriptionExport
from wit_world.imports import documents, log, run, types

from godwit import Denied, DocumentsError, Invalid, Level, LimitReached, Migration, Run, Step
from godwit.errors import whole
from migration import migration

assert isinstance(migration, Migration), "the module `migration` has an object `migration`"
steps = {step.name: step for step in migration.steps}


class Description(DescriptionExport):
    """The export `description`."""

    def describe(self) -> types.Descriptor:
        return types.Descriptor(
            app=migration.app,
            version=migration.version,
            requires=migration.requires,
            depends_on=[types.Dependency(app, versions) for app, versions in migration.depends_on.items()],
            summary=migration.summary,
            steps=[_described(step) for step in migration.steps],
        )


def _described(step: Step) -> types.Step:
    return types.Step(
        name=step.name,
        phase=types.Phase.ONLINE if step.online else types.Phase.OFFLINE,
        mode=types.Mode.DERIVE if step.derives else types.Mode.REWRITE,
        collection=step.collection,
        reads=list(step.reads),
        writes=list(step.writes),
    )


class Imports:
    """The contract's imports."""

    def get(self, collection: str, id: str) -> bytes | None:
        try:
            return documents.get(collection, id)
        except Err as error:
            raise _translated(error, collection) from None

    def scan(self, collection: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        try:
            return [(item.id, item.body) for item in documents.scan(collection, after, limit)]
        except Err as error:
            raise _translated(error, collection) from None

    def put(self, collection: str, id: str, body: bytes) -> None:
        try:
            documents.put(collection, id, body)
        except Err as error:
            raise _translated(error, collection) from None

    def delete(self, collection: str, id: str) -> None:
        try:
            documents.delete(collection, id)
        except Err as error:
            raise _translated(error, collection) from None

    def log(self, level: Level, message: str, item: str | None) -> None:
        log.log(log.Level[level.name], whole(message), item)

    def run(self) -> Run:
        current = run.current()
        return Run(current.from_version, current.started_at, current.seed)


def _translated(error: Err[documents.AccessError], collection: str) -> DocumentsError:
    match error.value:
        case documents.AccessError_Limit(limit):
            return LimitReached(limit)
        case documents.AccessError_Invalid(why):
            return Invalid(why)
        case _:
            return Denied(collection)


imports = Imports()


class _Lines(io.TextIOBase):
    """An output whose lines go to the log."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            imports.log(self._level, line, None)
        return len(text)


# There are no files in the sandbox: what is printed would end it.
sys.stdout = _Lines(Level.INFO)
sys.stderr = _Lines(Level.WARN)
