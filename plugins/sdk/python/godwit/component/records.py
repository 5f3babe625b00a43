"""The component with bodies as bytes, for collections whose bodies are no text.

Its memory grows by the size of what it is fed, until the host takes a fresh one; see `text` for why.
"""

from wit_world.exports import Transform as TransformExport
from wit_world.imports import types

from godwit.outcome import Kind

from . import Description as Description
from . import imports, seal, steps


class Transform(TransformExport):
    """The export `transform`."""

    def migrate(self, step: str, batch: list[types.Item]) -> list[types.Outcome]:
        return [_outcome(*steps[step].migrate(item.id, item.body, imports)) for item in batch]


def _outcome(kind: Kind, payload: str | bytes) -> types.Outcome:
    if kind is Kind.UNCHANGED:
        return types.Outcome_Unchanged()
    if kind is Kind.REMOVED:
        return types.Outcome_Removed()
    if kind is Kind.UPDATED:
        return types.Outcome_Updated(payload if isinstance(payload, bytes) else payload.encode())
    return types.Outcome_Failed(payload if isinstance(payload, str) else payload.decode())


seal()
