"""Mistakes that need neither model nor clips are told without importing torch."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from advvid.cli.catalogue import methods
from tests.cli.run_command import ROOT

# Runs command lines one after the other; of each: exit code, message, whether torch is there.
PROGRAM = """
import contextlib, io, json, sys
from advvid.cli.app import main
found = []
for line in json.loads(sys.stdin.read()):
    sys.argv = ["advvid", *line.split()]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            main()
        except SystemExit as stop:
            found.append([stop.code, said.getvalue(), "torch" in sys.modules])
print(json.dumps(found))
"""

LINES = {
    "evaluate --model vmae": "did you mean hf/vmae",
    "evaluate --model vmea": "did you mean hf/vmae",
    "evaluate --model hf/vmea": "did you mean hf/vmae",
    "evaluate --model ./vmae": "did you mean hf/./vmae",
    "evaluate --model hf/./nowhere": "no such folder",
    "evaluate --data vmae": "say what it holds, such as folder:vmae",
    "evaluate --law nowhere.json": "cannot read the law nowhere.json: no such file",
    "evaluate --clips -1": "--clips must be at least 1, or 0 for all; got -1",
    "evaluate --figures jpg": "figures are written as png, svg, pdf; got 'jpg'",
    "sweep-step-size --figures jpg": "figures are written as png, svg, pdf; got 'jpg'",
    "reproduce table1 --figures jpg": "figures are written as png, svg, pdf; got 'jpg'",
    "evaluate --out taken": "taken is not empty and holds a run, which --resume continues",
    "attack --out taken": "taken is not empty",
    "sweep-step-size --out vmae/config.json": "is a file: name a folder (--out DIR)",
    "evaluate --resume --out other": "other holds no run to resume (no config.json)",
    "train --resume --out taken": "taken holds no run to resume (no checkpoint.pt)",
    "train --out kept": "kept already holds a run (checkpoint.pt): resume it (--resume)",
}
FILES = ("vmae/config.json", "taken/config.json", "kept/config.json", "kept/checkpoint.pt")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How each line ends, in a folder with a model of transformers and runs."""
    folder = tmp_path_factory.mktemp("told")
    for name in (*FILES, "other/notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    methods("model")  # What is remembered from the first command on.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(list(LINES)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(zip(LINES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("line", LINES)
def test_it_is_told_without_torch(line: str, ended: dict[str, Any]) -> None:
    code, said, with_torch = ended[line]
    assert code == 2
    assert LINES[line] in said
    assert len(said.splitlines()) == 1
    assert not with_torch
