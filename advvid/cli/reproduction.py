"""What `advvid reproduce` does row by row."""

import difflib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.checks import check_count
from advvid.data import ClipDataset, load_dataset
from advvid.errors import InputError
from advvid.figures.saving import save_figure
from advvid.models import VideoModel
from advvid.pairing import load_training
from advvid.reproduction import (
    ROWS,
    SCALES,
    TABLES,
    RowResult,
    Scale,
    comparison_figure,
    comparison_markdown,
    evaluate_row,
    finished_row,
    train_row,
)
from advvid.runs.claim import claimed
from advvid.runs.files import write_text
from advvid.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Reproduction:
    """The rows of one folder.

    Args:
        scale: of all of them.
        folder: of the run.
        fabric: launched.
        law: file of the law of the optimal step; None is the paper's.
        devices: processes on this machine.
    """

    def __init__(
        self, scale: Scale, folder: RunFolder, fabric: "Fabric", *, law: Path | None, devices: int
    ) -> None:
        self.scale, self.folder, self.fabric, self.devices = scale, folder, fabric, devices
        self.law = PAPER_LAW if law is None else StepSizeLaw.load(law)
        self.console = Console(soft_wrap=True, stderr=True)

    def row(self, key: str) -> None:
        """Train and evaluate one row, as far as that is not done and nobody else is at it."""
        name, path = ROWS[key].name, self.folder.path / key
        with ExitStack() as stack:
            state = "free"
            # One process looks, so that all agree.
            if self.fabric.is_global_zero:
                if not stack.enter_context(claimed(path / ".claim")):
                    state = "another process is at it"
                elif finished_row(path) is not None:
                    state = "finished"
            state = self.fabric.broadcast(state)
            if state == "free":
                self._work(key, path)
            else:
                self._say(f"{name}: {state}")

    def _work(self, key: str, path: Path) -> RowResult:
        """Train and evaluate one row."""
        row, scale = ROWS[key], self.scale
        self._say(f"{row.name}: training")
        model, train_data, val_data, test_data = self._load()
        shown = self.fabric.is_global_zero
        history = train_row(
            row,
            scale,
            model,
            train_data,
            val_data,
            path,
            law=self.law,
            device=self.fabric.device,
            devices=self.devices,
            progress=shown,
        )
        self._say(f"{row.name}: attacking")
        return evaluate_row(
            row,
            scale,
            model,
            history,
            test_data,
            path,
            law=self.law,
            device=self.fabric.device,
            precision=scale.settings.precision,
            fabric=self.fabric,
            progress=shown,
        )

    def report(self, tables: Sequence[str]) -> None:
        """Write and print the tables, with all rows of the folder that are finished."""
        found = {
            key: result
            for key in ROWS
            if (result := finished_row(self.folder.path / key)) is not None
        }
        path = self.folder.path
        content = {key: asdict(result) for key, result in found.items()}
        write_text(path / "results.json", json.dumps(content, indent=2) + "\n")
        printed = Console(soft_wrap=True)
        for table in dict.fromkeys(tables):
            text = comparison_markdown(found, TABLES[table])
            write_text(path / f"{table}.md", text + "\n")
            if found.keys() & set(TABLES[table]):
                save_figure(comparison_figure(found, TABLES[table]), path / f"{table}.png")
            printed.print(f"{table}\n{text}\n", markup=False, highlight=False)
        printed.print(f"results: {path}", markup=False, highlight=False)

    def _load(self) -> tuple[VideoModel, ClipDataset, ClipDataset, ClipDataset]:
        """Load a fresh model, and the clips that it is trained, chosen and tested on."""
        scale = self.scale
        assert scale.data is not None
        reading: dict[str, Any] = {"seed": scale.settings.seed, **scale.reading}
        model, train_data, val_data = load_training(
            scale.model, scale.data, weights=scale.weights, frames=None, size=None, **reading
        )
        _, frames, size, _ = train_data.clip_shape
        test_data = load_dataset(scale.data, split="test", frames=frames, size=size, **reading)
        return model, train_data, val_data, test_data

    def _say(self, text: str) -> None:
        if self.fabric.is_global_zero:
            self.console.print(text, markup=False, highlight=False)


def read_scale(
    name: str,
    *,
    data: str | None,
    weights: str | None,
    epochs: int | None,
    clips: int | None,
    auto_clips: int | None,
    keep: str,
    **settings: Any,
) -> Scale:
    """Find a scale and change what was asked for.

    Raises:
        InputError: for an unknown scale, a number out of range, or data or weights that are
            missing.
    """
    if name not in SCALES:
        raise InputError(f"--scale takes {' or '.join(SCALES)}; got {name!r}")
    for option, count in (
        ("--epochs", epochs),
        ("--clips", clips),
        ("--autoattack-clips", auto_clips),
    ):
        if count is not None:
            check_count(option, count)
    if keep not in ("last", "best"):
        raise InputError(f"--keep takes last or best; got {keep!r}")
    scale = SCALES[name]
    training = replace(scale.settings, **settings)
    if epochs is not None:
        training = replace(training, epochs=epochs)
    scale = replace(
        scale,
        settings=training,
        data=data or scale.data,
        weights=weights or scale.weights,
        clips=clips or scale.clips,
        auto_clips=auto_clips or scale.auto_clips,
        keep_best=keep == "best",
    )
    if scale.data is None or (name == "ucf101" and scale.weights is None):
        raise InputError(
            f"--scale {name} needs --data ucf101:DIR and --weights FILE, the Kinetics-700 "
            "checkpoint that training starts from"
        )
    return scale


def read_rows(tables: Sequence[str], rows: str | None) -> list[str]:
    """Give the keys of the rows of some tables, each once, or of some rows only.

    Raises:
        InputError: for an unknown table or row, with the nearest.
    """
    for table in tables:
        if table not in TABLES:
            raise InputError(f"unknown table {table!r}: there are {', '.join(TABLES)}")
    keys = list(dict.fromkeys(key for table in tables for key in TABLES[table]))
    if rows is None:
        return keys
    wanted = [key.strip() for key in rows.split(",")]
    for key in wanted:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=2) or keys
            raise InputError(
                f"{', '.join(tables)} has no row {key!r}; did you mean {' or '.join(near)}?"
            )
    return wanted
