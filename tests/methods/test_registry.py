import pytest

from advvid.errors import InputError
from advvid.methods import Registry

THINGS = Registry("thing", {"masked-pgd": 1, "square": 2})


def test_names_are_found_whatever_their_capitals() -> None:
    assert THINGS.find("Masked-PGD") == 1
    assert list(THINGS) == ["masked-pgd", "square"]
    assert THINGS["square"] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("maskd-pgd", "unknown thing 'maskd-pgd'; did you mean masked-pgd"),
        ("zzz", "unknown thing 'zzz'; there are masked-pgd, square"),
        ("x" * 100_000, r"unknown thing 'x{77}\.\.\.'; there are"),
    ],
)
def test_the_nearest_names_are_told(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        THINGS.find(name)
