"""What a migration may ask of its host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from .documents import Access, Documents


class Level(Enum):
    """How much a line of the log matters."""

    DEBUG = "debug"
    """For those who look for a fault."""
    INFO = "info"
    """Worth knowing."""
    WARN = "warn"
    """Somebody should look at it."""
    ERROR = "error"
    """Something went wrong."""


@dataclass(frozen=True)
class Run:
    """Facts about a run, the same for every batch of it and for every retry.

    A migration that uses nothing else gives the same result each time.
    """

    from_version: str | None
    """The version that the application had before this migration; None on a fresh store."""
    started_at: int
    """Milliseconds since 1970-01-01T00:00:00Z at the moment when the run was first started."""
    seed: int
    """Differs from run to run."""


class HostSide(Access, Protocol):
    """All that a migration may import; the component and the host of the tests have it."""

    def log(self, level: Level, message: str, item: str | None) -> None: ...

    def run(self) -> Run: ...


class Context:
    """What a function may use beside the item itself: other documents, a log, facts about the run.

    There is nothing else: no files, no network, no clock.
    """

    __slots__ = ("_body", "_host", "id")

    id: str
    """The id of the item that is being migrated."""

    def __init__(self, host: HostSide, id: str, body: str | bytes) -> None:
        self.id = id
        self._body = body
        self._host = host

    @property
    def body(self) -> bytes:
        """The body of the item, exactly as it is stored."""
        return self._body.encode() if isinstance(self._body, str) else self._body

    @property
    def documents(self) -> Documents:
        """Other items, as far as the step asked for them and the operator granted it."""
        return Documents(self._host)

    @property
    def run(self) -> Run:
        """Facts about the run that this call belongs to."""
        return self._host.run()

    def debug(self, message: object, *, alone: bool = False) -> None:
        """Writes a line for those who look for a fault."""
        self.log(Level.DEBUG, message, alone=alone)

    def info(self, message: object, *, alone: bool = False) -> None:
        """Writes a line that is worth knowing."""
        self.log(Level.INFO, message, alone=alone)

    def warn(self, message: object, *, alone: bool = False) -> None:
        """Writes a line about something that somebody should look at."""
        self.log(Level.WARN, message, alone=alone)

    def error(self, message: object, *, alone: bool = False) -> None:
        """Writes a line about something that went wrong."""
        self.log(Level.ERROR, message, alone=alone)

    def log(self, level: Level, message: object, *, alone: bool = False) -> None:
        """Writes a line for the operator, about the item unless it stands alone.

        The host limits the lines' rate and length.
        """
        self._host.log(level, str(message), None if alone else self.id)
