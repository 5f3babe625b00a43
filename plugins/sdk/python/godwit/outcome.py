"""What became of items."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union

from ._json import Json, parsed, printed
from .context import Context, Level
from .errors import Error, Failed, place, reason

if TYPE_CHECKING:
    from .context import HostSide
    from .migration import Step


class Kind(Enum):
    """The four outcomes; the numbers are the contract's."""

    UNCHANGED = 0
    UPDATED = 1
    REMOVED = 2
    FAILED = 3


UNCHANGED: Final = Kind.UNCHANGED
"""The item already has the shape that this step produces."""

REMOVED: Final = Kind.REMOVED
"""The item is to be deleted."""

# `Any` lets an item whose shape was not checked be returned as it is.
Outcome: TypeAlias = Union[Json, bytes, Kind, Any]
"""What a function returns: the item's new body, `UNCHANGED` or `REMOVED`; that it failed is said by an exception.

The new body is a JSON value, which is printed, or bytes, which are taken as they are. One that says the same as the old
one counts as unchanged. `None` is no outcome but a forgotten `return`; the body `null` is `b"null"`.
"""


def migrated(step: Step, id: str, body: str | bytes, host: HostSide) -> tuple[Kind, str | bytes]:
    """What becomes of one item, with its new body or the reason for which it failed."""
    context = Context(host, id, body)
    try:
        outcome = step.function(context.body if step.raw else parsed(body), context)
        if isinstance(outcome, Kind):
            return outcome, ""
        if outcome is None:
            if step.derives:
                return Kind.UNCHANGED, ""
            raise Failed(f"step `{step.name}` returned nothing")
        return Kind.UPDATED, outcome if isinstance(outcome, bytes) else printed(outcome)
    # The error concerns this item only, whatever it is; even `sys.exit` must not take its neighbours along.
    except BaseException as error:
        why = reason(error)
        if not isinstance(error, Error):
            host.log(Level.ERROR, f"{why} ({place(error)})", id)
        return Kind.FAILED, why
