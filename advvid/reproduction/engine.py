"""The rows of the paper's tables, trained and attacked one by one, and compared with the paper."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.figures.formats import read_formats
from advvid.figures.saving import save_figure
from advvid.inference.devices import Precision
from advvid.reproduction.comparison import comparison_figure, comparison_markdown
from advvid.reproduction.row_run import RowResult, RowRun, check_rows, finished_row
from advvid.reproduction.rows import ROWS, TABLES, read_rows
from advvid.reproduction.scales import Scale, read_scale
from advvid.runs.claim import claimed
from advvid.runs.files import remove_leftovers, write_text
from advvid.runs.launch import launch, open_folder


def reproduce(
    tables: Sequence[str],
    *,
    scale: str | Scale = "small",
    data: str | None = None,
    weights: str | None = None,
    rows: str | None = None,
    law: Path | None = None,
    epochs: int | None = None,
    clips: int | None = None,
    autoattack_clips: int | None = None,
    keep: str = "last",
    device: str = "auto",
    precision: Precision = "float32",
    devices: int = 1,
    workers: int = 0,
    seed: int = 0,
    resume: bool = False,
    out: Path | None = None,
    figures: str = "png",
) -> dict[str, RowResult]:
    """Train and attack the models of tables of Kinfu and Vidal 2022.

    Each row is trained and evaluated in a folder of its own below `out`, and resumed where it was
    stopped. Several processes or machines can share one folder. Writes table1.md and table2.md,
    figures, and row.json for every row.

    Args:
        tables: "table1", "table2".
        scale: "small", "ucf101", or a scale of your own.
        data: spec of what is trained on; None takes that of the scale.
        weights: that training starts from; None takes those of the scale.
        rows: keys of `ROWS` with commas between them; None takes all of the tables.
        law: file of the law of the optimal step; None takes 0.2 (eps + 1).
        epochs: of the training; None takes those of the scale.
        clips: test clips under PGD; None takes those of the scale.
        autoattack_clips: test clips under AutoAttack; None takes those of the scale.
        keep: "last" weights, as the paper, or those that are "best" on validation clips.
        device: "auto", "cpu", "cuda", "cuda:1".
        precision: "float32" or "bf16".
        devices: GPUs, or processes on a CPU.
        workers: processes that read clips.
        seed: of everything that is random.
        resume: continue with the rows in `out`, or join in.
        out: folder; None makes one below runs/.
        figures: formats of the figures, such as "png,svg,pdf".

    Returns:
        All rows of the folder that are finished, by their keys.

    Raises:
        InputError: for an unknown table, row or scale, or what a run of this scale lacks.
    """
    chosen = read_scale(
        scale,
        data=data,
        weights=weights,
        epochs=epochs,
        clips=clips,
        autoattack_clips=autoattack_clips,
        keep=keep,
        seed=seed,
        workers=workers,
        precision=precision,
    )
    keys, formats = read_rows(tables, rows), read_formats(figures)
    settings = {
        "scale": scale if isinstance(scale, str) else scale.model,
        "data": chosen.data,
        "weights": chosen.weights,
        "law": None if law is None else str(law),
        "epochs": chosen.settings.epochs,
        "clips": chosen.clips,
        "auto_clips": chosen.auto_clips,
        "precision": precision,
        "seed": seed,
        "keep": keep,
    }
    step_law = PAPER_LAW if law is None else StepSizeLaw.load(law)
    fabric = launch(device, devices)
    if not resume:
        # What is refused must leave no folder behind: the corrected command would find it taken.
        check_rows([ROWS[key] for key in keys], chosen, step_law)
    path = open_folder(fabric, out, "reproduce", settings, resume=resume).path
    # What cannot be read shows before the work of hours.
    for key in ROWS:
        finished_row(path / key)
    for key in keys:
        _finish(RowRun(ROWS[key], chosen, path / key, step_law, fabric, devices))
    results = {key: finished_row(path / key) for key in ROWS}
    found = {key: result for key, result in results.items() if result is not None}
    if fabric.is_global_zero:
        _write(path, found, tables, formats, f"{chosen.model} on {chosen.data}")
    return found


def _finish(run: RowRun) -> None:
    """Train and evaluate a row, unless it is finished or another process works on it."""
    with ExitStack() as stack:
        state = None
        # One process looks, so that all agree.
        if run.fabric.is_global_zero:
            if not stack.enter_context(claimed(run.folder / ".claim")):
                state = "another process works on it"
            elif finished_row(run.folder) is not None:
                state = "finished"
            remove_leftovers(run.folder)
        state = run.fabric.broadcast(state)
        if state is None:
            run.finish()
        else:
            run.say(state)


def _write(
    path: Path,
    found: dict[str, RowResult],
    tables: Sequence[str],
    formats: Sequence[str],
    subject: str,
) -> None:
    """Write tables and figures of all rows of the folder that are finished."""
    content = {key: asdict(result) for key, result in found.items()}
    write_text(path / "results.json", json.dumps(content, indent=2) + "\n")
    for table in dict.fromkeys(tables):
        markdown = comparison_markdown(found, TABLES[table], subject=subject)
        write_text(path / f"{table}.md", markdown + "\n")
        if found.keys() & set(TABLES[table]):
            figure = comparison_figure(found, TABLES[table], subject=subject)
            save_figure(figure, path / f"{table}.png", formats)
