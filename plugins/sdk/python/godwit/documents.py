"""Other items, read and written on the side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from ._json import BodyError, parsed, printed
from .errors import Error


class DocumentsError(Error):
    """Why another item can't be read or written."""


class Denied(DocumentsError):
    """Occurs when the step did not ask for the collection, or the operator did not grant it."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"access to collection `{collection}` is denied")
        self.collection = collection
        """The collection."""


class LimitReached(DocumentsError):
    """Occurs when a limit of the sandbox is reached."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"a limit of the sandbox is reached: {limit}")
        self.limit = limit
        """Which one."""


class Invalid(DocumentsError):
    """Occurs when the id, the collection's name or the body is not valid."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not valid: {why}")
        self.why = why
        """Why it is not."""


class Access(Protocol):
    """The contract's `documents`; each function raises a `DocumentsError`."""

    def get(self, collection: str, id: str) -> bytes | None: ...

    def scan(self, collection: str, after: str | None, limit: int) -> list[tuple[str, bytes]]: ...

    def put(self, collection: str, id: str, body: bytes) -> None: ...

    def delete(self, collection: str, id: str) -> None: ...


class Documents:
    """Reads and writes items beside the one that is being migrated.

    Writes are held back and committed together with the batch, or not at all; reads see them. A step must have asked
    for a collection with `reads` or `writes`.

        count = context.documents.get("tallies", "total") or 0
        context.documents.put("tallies", "total", count + 1)
    """

    __slots__ = ("_host",)

    # Items asked for at once: enough to make crossings rare; the host bounds the bytes.
    _PAGE = 256

    def __init__(self, host: Access) -> None:
        self._host = host

    def get(self, collection: str, id: str) -> Any:
        """The body of one item as JSON, or None where there is none."""
        body = self.get_bytes(collection, id)
        return None if body is None else _readable(collection, id, body)

    def get_bytes(self, collection: str, id: str) -> bytes | None:
        """The body of one item as it is stored, or None where there is none."""
        return self._host.get(_text(collection), _text(id))

    def scan(self, collection: str, after: str | None = None) -> Iterator[tuple[str, Any]]:
        """The ids and bodies of a collection in order of the ids, from the first one after `after`; fetched page by page."""
        for id, body in self.scan_bytes(collection, after):
            yield id, _readable(collection, id, body)

    def scan_bytes(self, collection: str, after: str | None = None) -> Iterator[tuple[str, bytes]]:
        """As `scan`, with the bodies as they are stored."""
        after = None if after is None else _text(after)
        while page := self._host.scan(_text(collection), after, self._PAGE):
            yield from page
            after, _ = page[-1]

    def put(self, collection: str, id: str, body: Any) -> None:
        """Creates or replaces one item: a JSON value is printed, bytes are taken as they are.

        The item that is being migrated is changed by its outcome only.
        """
        finished = body if isinstance(body, bytes) else printed(body).encode()
        self._host.put(_text(collection), _text(id), finished)

    def delete(self, collection: str, id: str) -> None:
        """Deletes one item; deleting what is not there is no error."""
        self._host.delete(_text(collection), _text(id))


def _readable(collection: str, id: str, body: bytes) -> Any:
    try:
        return parsed(body)
    except BodyError as error:
        raise BodyError(f"item `{id}` of collection `{collection}` can't be read: {error}") from error


def _text(name: str) -> str:
    """Refuses a name with half a surrogate pair, which can't be sent to the host."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise Invalid(f"a name is not UTF-8: {error.reason}") from error
    return name
