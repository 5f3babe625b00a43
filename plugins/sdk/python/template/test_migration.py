from godwit.testing import Host
from migration import migration


def test_every_item_has_tags() -> None:
    host = Host({"{{collection}}": '{"_id":"a"}\n{"_id":"b","tags":["x"]}\n'})
    report = host.migrate(migration)
    assert report.updated == ["a"]
    host.assert_holds("{{collection}}", '{"_id":"a","tags":[]}\n{"_id":"b","tags":["x"]}\n')


def test_an_item_that_is_no_object_fails() -> None:
    host = Host()
    host.put("{{collection}}", "a", b"[]")
    assert host.migrate(migration).failed == [("a", "an item is an object")]
