"""Every attack on every model at every budget, kept in a file so that a stopped run is resumed."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.balls import lengths
from advvid.evaluation.call_count import counted
from benchmarks.strength.contestants import Contestant, Family
from benchmarks.strength.subjects import BUDGETS, Subject

_ROUNDING = 1e-5


class Cell(NamedTuple):
    """One attack on one model at one budget from one seed."""

    contestant: Contestant
    subject: Subject
    eps: float
    seed: int

    @property
    def key(self) -> str:
        """Name in the file."""
        one = self.contestant
        where = f"{self.subject.name} ({len(self.subject.labels)} clips)"
        return f"{one.family.name} | {one.title} | {where} | {self.eps:.6g} | {self.seed}"


def cells(contestants: list[Contestant], subjects: list[Subject], seeds: int) -> Iterator[Cell]:
    """List what there is to do; attacks without chance run once."""
    for subject in subjects:
        for one in contestants:
            for eps in BUDGETS[subject.name][one.family.budgets]:
                for seed in range(seeds if one.random else 1):
                    yield Cell(one, subject, eps, seed)


def measured(file: Path, todo: list[Cell]) -> dict[str, dict[str, Any]]:
    """Run the cells that the file lacks, and give what is known of all."""
    known: dict[str, dict[str, Any]] = {}
    if file.exists():
        for line in file.read_text().splitlines():
            row = json.loads(line)
            known[row["key"]] = row
    for number, cell in enumerate(todo, start=1):
        if cell.key not in known:
            known[cell.key] = _measure(cell)
            with file.open("a") as log:
                log.write(json.dumps(known[cell.key]) + "\n")
            left = sum(known[cell.key]["correct"])
            print(f"{number}/{len(todo)}  {cell.key}: {left} remain", flush=True)
    return known


def _measure(cell: Cell) -> dict[str, Any]:
    """Attack, hold the result to its budget, and judge it."""
    one, subject = cell.contestant, cell.subject
    started = time.perf_counter()
    with counted(subject.model) as calls:
        found = one.run(subject, cell.eps, cell.seed).detach()
    seconds = time.perf_counter() - started
    inside = _inside(one.family, found, subject.clips, cell.eps)
    with torch.no_grad():
        right = subject.model(found).argmax(dim=1) == subject.labels
    clips = len(subject.labels)
    return {
        "key": cell.key,
        # Outside of the budget nothing counts.
        "correct": (right | ~inside).tolist(),
        "outside": int((~inside).sum()),
        "gradients": calls["gradients"] / clips,
        "forwards": calls["forwards"] / clips,
        "seconds": round(seconds, 3),
    }


def _inside(family: Family, found: Tensor, clean: Tensor, eps: float) -> Tensor:
    """Tell which clips (N,) keep to their budget and to the pixel range."""
    distance = lengths((found - clean).double(), family.norm)
    pixels = (found >= -_ROUNDING) & (found <= 1 + _ROUNDING)
    inside: Tensor = (distance <= eps * (1 + _ROUNDING) + 1e-6) & pixels.flatten(1).all(dim=1)
    return inside
