import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from godwit import BodyError
from godwit._json import parsed, printed

KEPT = [
    "9007199254740993",
    "123456789012345678901234567890",
    "1.0",
    "1.10",
    "-0.0",
    "1e400",
    "1E5",
    "0.1234567890123456789012",
    '{"b":1,"a":[2,{"10":null,"9":true}]}',
    '"grüezi 日本 \\u0001\\n\\"\\\\"',
]


@pytest.mark.parametrize("text", KEPT)
def test_what_is_not_touched_keeps_its_spelling(text: str) -> None:
    assert printed(parsed(text)) == text
    assert printed(parsed(text.encode())) == text


def test_a_number_with_a_spelling_is_a_float_like_any_other() -> None:
    price = parsed("1.10")
    assert isinstance(price, float) and price == 1.1
    assert printed([price * 2, price]) == "[2.2,1.10]"
    assert math.isinf(parsed("1e400"))


VALUES: list[Any] = [
    {"a": [1, -2.5, True, None, "ü"], "b": {}},
    [(), (1, "x"), 1e22, 10**40],
    {1: "int", None: "none", True: "bool", 1.5: "float"},
    "text",
]


def test_both_encoders_print_the_same() -> None:
    # A process in which no number with a spelling of its own was read takes Python's encoder.
    program = f"from godwit._json import printed; print([printed(value) for value in {VALUES!r}])"
    sdk = Path(__file__).parents[1]
    fast = subprocess.run([sys.executable, "-c", program], cwd=sdk, capture_output=True, check=True, encoding="utf-8")
    parsed("1.10")
    assert fast.stdout.strip() == repr([printed(value) for value in VALUES])


@pytest.mark.parametrize("body", ["", "{", "NaN", "[Infinity]", "\ufeff1", b"\xff", "1 2"])
def test_what_is_not_json_is_refused(body: str | bytes) -> None:
    with pytest.raises(BodyError, match="^the body is not JSON: "):
        parsed(body)


@pytest.mark.parametrize("value", [math.nan, [math.inf], {1, 2}, "half \ud800", {"\udfff": 1}])
def test_what_json_cannot_say_is_not_printed(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        printed(value)
