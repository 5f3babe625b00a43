"""What became of items."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, TypeAlias, Union

from ._json import Json


class Kind(Enum):
    """The four outcomes."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    REMOVED = "removed"
    FAILED = "failed"


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
