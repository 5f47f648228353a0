"""Figures in files."""

from pathlib import Path

from matplotlib.figure import Figure

from advvid.runs.files import write_atomically


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, under a temporary name and renamed.

    Raises:
        InputError: when the file cannot be written.
    """
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=150))
