"""Write Godwit migrations in Python.

A migration brings the stored documents of an application to its next version. You write one function on one item and
say which collection it is for; the host does the rest: it feeds the items in batches, commits what became of them
together with its own progress, and can be killed at any moment.

    from godwit import UNCHANGED, Context, Failed, Json, Migration, Outcome

    migration = Migration("notes", "2.0.0", requires=">=1, <2", summary="gives every note a list of tags")

    @migration.rewrite("notes")
    def tags(note: Json, context: Context) -> Outcome:
        if not isinstance(note, dict):
            raise Failed("a note is an object")
        if "tags" in note:
            return UNCHANGED
        note["tags"] = []
        return note

The module is called `migration`, and so is the object in it; that is where the component looks.
"""

from ._json import BodyError, Json
from .context import Context, Level, Run
from .documents import Denied, Documents, DocumentsError, Invalid, LimitReached
from .errors import Error, Failed
from .migration import Function, Migration, Step
from .outcome import REMOVED, UNCHANGED, Outcome

__all__ = [
    "REMOVED",
    "UNCHANGED",
    "BodyError",
    "Context",
    "Denied",
    "Documents",
    "DocumentsError",
    "Error",
    "Failed",
    "Function",
    "Invalid",
    "Json",
    "Level",
    "LimitReached",
    "Migration",
    "Outcome",
    "Run",
    "Step",
]
