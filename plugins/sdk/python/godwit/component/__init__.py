"""The component side: what both layouts share.

Here `wit_world` is what componentize-py makes of the contract; it exists inside a component only. Type checkers see it
after `componentize-py -d wit/v1 -w text-migration -w migration bindings FOLDER`.
"""

from __future__ import annotations

# `datetime.strptime` imports it when it is called, and there are no files then.
import _strptime as _strptime  # type: ignore[import-not-found]
import datetime
import io
import os
import random
import sys
import time
from collections.abc import Callable
from importlib.machinery import PathFinder
from typing import Any, NoReturn

from componentize_py_types import Err
from wit_world.exports import Description as DescriptionExport
from wit_world.imports import documents, log, run, types

from godwit import Denied, DocumentsError, Invalid, Level, LimitReached, Migration, Run, Step
from godwit.errors import Error, whole


def _refusal(why: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise Error(why)

    return refuse


def _of_now(function: Callable[[float], Any]) -> Callable[..., Any]:
    return lambda seconds=None: function(time.time() if seconds is None else seconds)


# A migration gives the same result each time. So the clock stands still at the moment when the run was started, and
# what else the sandbox has not is refused, for the one item; of its own it would end the sandbox. Replaced before the
# author's modules are loaded, so that they find it so.
_now: Callable[[], int] = lambda: 0  # There is no run while the component is built.

time.time = lambda: _now() / 1000
time.time_ns = lambda: _now() * 1_000_000
time.gmtime, time.localtime, time.ctime = map(_of_now, (time.gmtime, time.localtime, time.ctime))
_strftime = time.strftime
time.strftime = lambda format, parts=None: _strftime(format, parts or time.localtime())
for _name in ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "sleep"):
    setattr(time, _name, _refusal(f"a migration has no clock that runs: `time.{_name}`"))
os.urandom = random._urandom = _refusal(  # type: ignore[attr-defined]
    "a migration has no randomness that differs from run to run; `context.run.seed` does"
)


class _Kind(type):
    """Other datetimes are instances, too."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _DateTime)


_DateTime = datetime.datetime


class _Stopped(_DateTime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.timezone.utc).replace(tzinfo=None)


_Stopped.__name__ = _Stopped.__qualname__ = "datetime"
_Stopped.__module__ = "datetime"
datetime.datetime = _Stopped  # type: ignore[misc]


class _Lines(io.TextIOBase):
    """An output whose lines go to the log, once there is one."""

    def __init__(self, level: Level, output: Any) -> None:
        self._level = level
        self._output = output
        self._begun = ""

    def write(self, text: str) -> int:
        if not _is_sealed:
            return int(self._output.write(text))
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            imports.log(self._level, line, None)
        return len(text)


# There are no files in the sandbox: what is printed would end it.
_is_sealed = False
sys.stdout = _Lines(Level.INFO, sys.stdout)
sys.stderr = _Lines(Level.WARN, sys.stderr)

from migration import migration  # noqa: E402

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
_now = lambda: imports.run().started_at


class _NoFiles:
    """Says that a module is not there, where Python would look for its file and end the sandbox."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        raise ModuleNotFoundError(f"the module `{name}` is not there: import it at the top of migration.py", name=name)


def seal() -> None:
    """Ends the time in which modules can be loaded, which is that of the build."""
    global _is_sealed
    _is_sealed = True
    sys.meta_path[:] = [_NoFiles if finder is PathFinder else finder for finder in sys.meta_path]
