"""The component with bodies as text, which most migrations are.

All three layouts are equally fast in Python; of the exports' parameters componentize-py gives text back to the allocator
and leaks lists of bytes, so that this one alone keeps its memory flat.
"""

from wit_world.exports import TransformText as TransformTextExport
from wit_world.exports import transform_text

from godwit.outcome import Kind

from . import Description as Description
from . import imports, seal, steps


class TransformText(TransformTextExport):
    """The export `transform-text`."""

    def migrate(self, step: str, batch: list[transform_text.TextItem]) -> list[transform_text.TextOutcome]:
        return [_outcome(*steps[step].migrate(item.id, item.body, imports)) for item in batch]


def _outcome(kind: Kind, payload: str | bytes) -> transform_text.TextOutcome:
    if kind is Kind.UNCHANGED:
        return transform_text.TextOutcome_Unchanged()
    if kind is Kind.REMOVED:
        return transform_text.TextOutcome_Removed()
    try:
        text = payload if isinstance(payload, str) else payload.decode()
    except UnicodeDecodeError as error:
        return transform_text.TextOutcome_Failed(f"the new body is not UTF-8: {error}")
    return transform_text.TextOutcome_Updated(text) if kind is Kind.UPDATED else transform_text.TextOutcome_Failed(text)


seal()
