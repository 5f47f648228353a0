"""The picture and the table of docs/architecture.md show the rooms that there are."""

import re

from tests.docs.documents import ROOT
from tests.test_architecture import ROOMS as ORDER

# What `python -m advvid` runs is no room.
ROOMS = [room for room in ORDER if room != "__main__"]

_BOX = re.compile(r'<text x="(\d+)" y="(\d+)"[^>]*>(\w+)</text>')


def test_the_picture_has_the_order_of_imports() -> None:
    picture = (ROOT / "docs/rooms.svg").read_text(encoding="utf-8")
    boxes = [(-int(y), int(x), name) for x, y, name in _BOX.findall(picture)]
    assert [name for _, _, name in sorted(boxes)] == ROOMS


def test_every_room_has_a_line() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("## The rooms")[2]
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    for room in ROOMS:
        assert any(re.search(rf"\b{room}(/|\.py)", line) for line in lines), room
