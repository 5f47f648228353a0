"""Executes the notebooks and keeps what they show: `python -m tests.docs.run_notebooks`.

What differs from machine to machine, such as times and versions, is not kept.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.docs.documents import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(path: Path) -> None:
    """Execute a notebook and write it back with its outputs."""
    text = path.read_text(encoding="utf-8")
    # Gives cells the names that the format asks for, the same every time.
    _, notebook = nbformat.validator.normalize(nbformat.reads(text, as_version=4))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.clear()
        # Progress bars are for whoever waits.
        cell.outputs = [one for one in cell.get("outputs", []) if one.get("name") != "stderr"]
        if cell.cell_type != "code":
            del cell["outputs"]
    nbformat.write(notebook, path)


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(ROOT)
    for chosen in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        run(chosen)
