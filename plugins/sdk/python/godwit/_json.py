"""JSON as migrations see it: what is not touched keeps its spelling wherever Python can keep it."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, NoReturn, TypeAlias, Union

from .errors import Error

Json: TypeAlias = Union[None, bool, int, float, str, list["Json"], dict[str, "Json"]]
"""A JSON value in Python's own types; a member that is not touched keeps its place."""


class BodyError(Error):
    """Occurs when a body is not JSON."""


class _Spelled(float):
    """A number that Python would spell in another way: `1.10`, `1E5`, `1e400`, or more digits than a float has.

    It is a float like any other; what is calculated with it is a plain one.
    """

    __slots__ = ("text",)
    text: str


_kept_a_spelling = False


def _number(text: str) -> float:
    global _kept_a_spelling
    number = float(text)
    if float.__repr__(number) == text:
        return number
    _kept_a_spelling = True
    spelled = _Spelled(number)
    spelled.text = text
    return spelled


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_float=_number, parse_constant=_refuse).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def parsed(body: str | bytes) -> Any:
    """A body as a JSON value."""
    try:
        return _decode(body if isinstance(body, str) else body.decode())
    except ValueError as error:
        raise BodyError(f"the body is not JSON: {error}") from error


def printed(value: Any) -> str:
    """A JSON value as text: without spaces, letters of all languages as they are."""
    # Python's own encoder is written in C, two to three times as fast, but spells every float in its own way. It is
    # taken until the first number that is spelled otherwise was read: there is none to be printed before.
    text = _spelled(value) if _kept_a_spelling else _encode(value)
    if not text.isascii():
        text.encode()  # Half a surrogate pair fails here, where it concerns one item only.
    return text


def _spelled(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, _Spelled):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join([f"{_name(name)}:{_spelled(member)}" for name, member in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([_spelled(element) for element in value]) + "]"
    if type(value) is int or (type(value) is float and isfinite(value)):
        return repr(value)
    return _encode(value)


def _name(name: Any) -> str:
    return encode_basestring(name if isinstance(name, str) else _encode(name))
