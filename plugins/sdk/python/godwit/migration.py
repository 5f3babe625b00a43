"""What a migration says about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from ._json import parsed, printed
from .context import Context, HostSide, Level
from .errors import Error, Failed, place, reason
from .outcome import Kind, Outcome

Function: TypeAlias = Callable[[Any, Context], Outcome]
"""What an author writes for a step: it is given the item, and what it may use beside it."""

_F = TypeVar("_F", bound=Function)
_Names: TypeAlias = "list[str] | tuple[str, ...]"


@dataclass(frozen=True)
class Step:
    """One pass over one collection."""

    name: str
    """Unique within the migration: 1 to 64 bytes."""
    function: Function
    """Migrates one item."""
    collection: str
    """The collection whose items it is fed."""
    derives: bool
    """Whether it only reads what it is fed, and writes to other collections."""
    online: bool
    """Whether it runs while the new version is serving."""
    reads: tuple[str, ...]
    """Collections that it asks to read."""
    writes: tuple[str, ...]
    """Collections that it asks to write; it may read them too."""
    raw: bool
    """Whether it is given bodies as bytes instead of parsed JSON."""

    def migrate(self, id: str, body: str | bytes, host: HostSide) -> tuple[Kind, str | bytes]:
        """What becomes of one item, with its new body or the reason for which it failed."""
        context = Context(host, id, body)
        try:
            outcome = self.function(context.body if self.raw else parsed(body), context)
            if isinstance(outcome, Kind):
                return outcome, ""
            if outcome is None:
                if self.derives:
                    return Kind.UNCHANGED, ""
                raise Failed(f"step `{self.name}` returned nothing")
            return Kind.UPDATED, outcome if isinstance(outcome, bytes) else printed(outcome)
        except BaseException as error:  # `sys.exit` must not take the other items along either.
            why = reason(error)
            if not isinstance(error, Error):
                host.log(Level.ERROR, f"{why} ({place(error)})", id)
            return Kind.FAILED, why


class Migration:
    """Brings the items of one application to one version.

    Its steps are functions, added by `rewrite` and `derive`; they are carried out in this order, the offline ones before
    the online ones. Nothing should be kept from item to item: the host may throw a sandbox away between any two batches,
    and feeds a batch again when a run was interrupted.

        migration = Migration("shop", "3.0.0", requires=">=2, <3", depends_on={"billing": ">=1.4"})

        @migration.rewrite("orders", writes=["addresses"])
        def split(order: Json, context: Context) -> Outcome: ...

        @migration.derive("orders", writes=["orders-by-city"], online=True)
        def index(order: Json, context: Context) -> None: ...
    """

    def __init__(
        self,
        app: str,
        version: str,
        *,
        requires: str | None = None,
        depends_on: Mapping[str, str] | None = None,
        summary: str = "",
    ) -> None:
        self.app = app
        """The application whose versions are counted: 1 to 64 bytes."""
        self.version = version
        """The version (semver) that the application's items have afterwards."""
        self.requires = requires
        """The versions of `app` that it can start from, as in `>=1, <2`; None: any earlier one, or none at all."""
        self.depends_on = dict(depends_on or {})
        """Versions of other applications that must be applied before, by their names."""
        self.summary = summary
        """One line for people."""
        self.steps: list[Step] = []
        """Its steps, in order."""

    def rewrite(
        self,
        collection: str,
        *,
        name: str | None = None,
        online: bool = False,
        reads: _Names = (),
        writes: _Names = (),
        raw: bool = False,
    ) -> Callable[[_F], _F]:
        """Adds a step that may update or remove the items of `collection`.

        The function returns an item's new body, `UNCHANGED` or `REMOVED`, and should fail rather than guess. The step is
        called as the function is, unless it has a `name`.
        """
        return self._step(collection, name, False, online, reads, writes, raw)

    def derive(
        self,
        collection: str,
        *,
        name: str | None = None,
        online: bool = False,
        reads: _Names = (),
        writes: _Names = (),
        raw: bool = False,
    ) -> Callable[[_F], _F]:
        """Adds a step that only reads the items of `collection` and writes to others through `context.documents`.

        The function returns nothing. The step is called as the function is, unless it has a `name`.
        """
        return self._step(collection, name, True, online, reads, writes, raw)

    def _step(
        self, collection: str, name: str | None, derives: bool, online: bool, reads: _Names, writes: _Names, raw: bool
    ) -> Callable[[_F], _F]:
        def added(function: _F) -> _F:
            called = function.__name__ if name is None else name
            step = Step(called, function, collection, derives, online, tuple(reads), tuple(writes), raw)
            self.steps.append(step)
            return function

        return added
