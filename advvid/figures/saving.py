"""Figures in files, and as pictures in a notebook."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from advvid.figures.formats import read_formats
from advvid.methods.arguments import checked
from advvid.runs.files import write_atomically

_SCREEN_DPI, _PAPER_DPI = 80, 150
# The same data give the same file: no time, no random names, no version. Letters of PDF stay text.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_STYLE: Any = {"svg.hashsalt": "advvid", "pdf.fonttype": 42}


class Picture(Figure):
    """A figure that a notebook shows as a picture, without pyplot and its state."""

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        _write(self, file, "png", _SCREEN_DPI)
        return file.getvalue()


@checked
def save_figure(figure: Figure, path: Path, formats: str | Iterable[str] = ("png",)) -> None:
    """Write a figure in some formats, each under a temporary name and renamed.

    Args:
        figure: what is drawn.
        path: of the file; its ending is replaced by that of each format.
        formats: of `FORMATS`.

    Raises:
        InputError: for a format that is not known, or when a file cannot be written.
    """
    for kind in read_formats(formats):

        def write(temporary: Path, kind: str = kind) -> None:
            with temporary.open("wb") as file:
                _write(figure, file, kind, _PAPER_DPI)

        write_atomically(Path(path).with_suffix(f".{kind}"), write)


def _write(figure: Figure, file: IO[bytes], kind: str, dpi: int) -> None:
    with mpl.rc_context(_STYLE):
        figure.savefig(file, format=kind, dpi=dpi, metadata=_METADATA[kind])
