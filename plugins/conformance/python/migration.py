"""The conformance migration: does what its items say."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from godwit import (
    REMOVED,
    UNCHANGED,
    Context,
    Denied,
    Failed,
    Invalid,
    Json,
    Level,
    LimitReached,
    Migration,
    Outcome,
)

migration = Migration(
    "conformance",
    "2.0.0",
    requires=">=1, <2",
    depends_on={"other": ">=1.2"},
    summary="does what its items say, in Python – grüezi",
)


@migration.rewrite("items", reads=["lookup", "nowhere"], writes=["notes"])
def apply(item: Any, context: Context) -> Outcome:
    """Carries out an item's commands, until one is its outcome."""
    commands = item.get("do") if isinstance(item, dict) else None
    if not isinstance(commands, list):
        raise Failed("the item has no list `do`")
    saw: list[Json] = []
    for name, *arguments in commands:
        match name:
            case "keep":
                return UNCHANGED
            case "remove":
                return REMOVED
            case "fail":
                raise Failed(arguments[0])
            case "throw":
                raise RuntimeError(arguments[0])
            case "replace":
                # `null` is a body here, not a forgotten `return`.
                return b"null" if arguments[0] is None else arguments[0]
            case "echo":
                return item
            case "big":
                return {"big": "x" * arguments[0]}
            case "log":
                level, text, *alone = arguments
                context.log(Level(level), text, alone=bool(alone))
            case _:
                saw.append(seen(context, name, *arguments))
    return {"saw": saw} if saw else UNCHANGED


@migration.derive("items", writes=["seen"], online=True)
def derive(item: Json, context: Context) -> None:
    """Notes an item's id."""
    context.documents.put("seen", context.id, {"of": context.id})


def seen(context: Context, name: str, *arguments: Any) -> Json:
    """What a command sees, or what keeps it from seeing it."""
    try:
        return COMMANDS[name](context, *arguments)
    except Denied as error:
        return {"denied": error.collection}
    except LimitReached as error:
        return {"limit": error.limit}
    except Invalid as error:
        return {"invalid": error.why}


def get(context: Context, collection: str, id: str) -> Any:
    return context.documents.get(collection, id)


def scan(context: Context, collection: str, after: str | None, limit: int) -> Json:
    return [[id, body] for id, body in islice(context.documents.scan(collection, after), limit)]


def put(context: Context, collection: str, id: str, body: Json) -> Json:
    context.documents.put(collection, id, body)
    return "put"


def delete(context: Context, collection: str, id: str) -> Json:
    context.documents.delete(collection, id)
    return "deleted"


def run(context: Context) -> Json:
    run = context.run
    return {"from": run.from_version, "started": run.started_at, "seed": str(run.seed)}


COMMANDS: dict[str, Callable[..., Json]] = {"get": get, "scan": scan, "put": put, "delete": delete, "run": run}
