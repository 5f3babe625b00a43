"""Version {{version}} of `{{app}}`: every item has tags."""

from godwit import UNCHANGED, Context, Failed, Json, Migration, Outcome

migration = Migration(
    "{{app}}",
    "{{version}}",
    requires="{{requires}}",
    summary="gives every item a list of tags",
)


@migration.rewrite("{{collection}}")
def tags(item: Json, context: Context) -> Outcome:
    """Gives an item an empty list of tags, unless it has one."""
    if not isinstance(item, dict):
        raise Failed("an item is an object")
    if "tags" in item:
        return UNCHANGED
    item["tags"] = []
    return item
