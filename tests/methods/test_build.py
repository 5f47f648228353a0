from dataclasses import dataclass
from typing import Annotated

import pytest

from advvid.errors import InputError
from advvid.methods import Registry, Setting
from advvid.methods.build import build


@dataclass(frozen=True)
class Shape:
    pass


@dataclass(frozen=True)
class Square(Shape):
    side: Annotated[int, Setting("side", at_least=1)]
    color: Annotated[str, Setting("color")] = "red"


SHAPES: Registry[type[Shape]] = Registry("shape", {"square": Square, "any": Shape})


def test_texts_objects_and_what_the_caller_knows() -> None:
    assert build("square:side=3,color=blue", SHAPES, Shape) == Square(3, "blue")
    assert build("square", SHAPES, Shape, side=4) == Square(4)
    assert build("square:side=3", SHAPES, Shape, side=4) == Square(3)
    assert build("any", SHAPES, Shape, side=4) == Shape()
    assert build(Square(2), SHAPES, Shape, side=4) == Square(2)


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
        build(given, SHAPES, Shape)
    assert "\n" not in str(caught.value)
