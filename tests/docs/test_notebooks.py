"""The notebooks are committed with what they show: pictures, and nothing of the machine."""

import re
from typing import Any

import nbformat
import pytest

from tests.docs.run_notebooks import NOTEBOOKS

# Code that draws, and what it shows.
_DRAWS = re.compile(r"_figure\(|loss_surface\(|loss_heat_map\(|generalization_gap\(")
_PICTURES = ("image/png", "image/gif")
_OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(home|root|tmp|usr|work|Users|opt|var|mnt)/|[A-Z]:\\\\")
_LARGEST = 450_000


def outputs(notebook: Any) -> list[Any]:
    return [one for cell in notebook.cells for one in cell.get("outputs", [])]


def texts(output: Any) -> str:
    data = output.get("data", {})
    parts = [output.get("text", ""), *(v for k, v in data.items() if k.startswith("text"))]
    return "".join(parts)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: str(path.stem))
def notebook(request: pytest.FixtureRequest) -> Any:
    return nbformat.read(request.param, as_version=4)


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 3
    assert all(path.stat().st_size < _LARGEST for path in NOTEBOOKS)


def test_every_cell_was_executed_in_order(notebook: Any) -> None:
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_what_is_drawn_is_shown_as_a_picture(notebook: Any) -> None:
    drawing = [cell for cell in notebook.cells if _DRAWS.search(cell.source)]
    assert drawing
    for cell in drawing:
        shown = [one for one in cell.outputs if set(one.get("data", {})) & set(_PICTURES)]
        assert len(shown) >= cell.source.count("display(") or len(shown) == 1, cell.source
    # Where there is no picture, "<Figure size ...>" would be all that is seen.
    for one in outputs(notebook):
        data = one.get("data", {})
        if "Figure" in data.get("text/plain", "") or "Picture" in data.get("text/plain", ""):
            assert "image/png" in data


def test_nothing_tells_of_the_machine_or_of_trouble(notebook: Any) -> None:
    for one in outputs(notebook):
        assert one.output_type != "error"
        assert one.get("name") != "stderr"
        text = texts(one)
        assert not _OF_A_MACHINE.search(text), text
        assert not re.search(r"Warning\b|Traceback|\x1b", text), text
        assert len(text) < 5000
