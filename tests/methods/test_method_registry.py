from dataclasses import dataclass
from typing import Annotated

import pytest

from advvid.errors import InputError
from advvid.methods import MethodRegistry, Setting


@dataclass(frozen=True)
class Shape:
    pass


@dataclass(frozen=True)
class Square(Shape):
    side: Annotated[int, Setting("side", at_least=1)]
    color: Annotated[str, Setting("color")] = "red"


SHAPES: MethodRegistry[Shape] = MethodRegistry("shape", Shape, {"square": Square, "any": Shape})


def test_texts_objects_and_what_the_caller_knows() -> None:
    assert SHAPES.read("square:side=3,color=blue") == Square(3, "blue")
    assert SHAPES.read("square", side=4) == Square(4)
    assert SHAPES.read("square:side=3", side=4) == Square(3)
    assert SHAPES.read("any", side=4) == Shape()
    assert SHAPES.read(Square(2), side=4) == Square(2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("squar", "unknown shape 'squar'; did you mean square"),
        ("square", "square needs side: write square:side="),
        ("square:side=0", "square: side must be a whole number of at least 1; got 0"),
        ("square:size=3", "square has no setting 'size'; did you mean side"),
        ("pathlib:Path", "must be a subclass of .*Shape"),
        (3, "shape takes a name or an object; got int"),
    ],
)
def test_what_cannot_be_built_is_one_line(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        SHAPES.read(given)
    assert "\n" not in str(caught.value)
