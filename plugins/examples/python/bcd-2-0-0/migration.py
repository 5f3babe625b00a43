"""Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.

Before, a browser with one statement had it bare, and one with several had a list of them.
"""

from godwit import UNCHANGED, Context, Failed, Json, Migration, Outcome

migration = Migration(
    "bcd",
    "2.0.0",
    requires=">=1, <2",
    summary="makes every entry of `support` a list of statements",
)


@migration.rewrite("features")
def lists(feature: Json, context: Context) -> Outcome:
    """Makes every entry of `support` a list."""
    support = feature.get("support") if isinstance(feature, dict) else None
    if not isinstance(support, dict):
        raise Failed("the feature has no `support` object")

    bare = [browser for browser, entry in support.items() if isinstance(entry, dict)]
    if not bare:
        return UNCHANGED
    for browser in bare:
        support[browser] = [support[browser]]
    return feature
