"""What `advvid sweep-step-size` prints and writes."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.errors import InputError
from advvid.figures.saving import save_figure
from advvid.runs.progress import progress_bar
from advvid.runs.run_folder import RunFolder
from advvid.runs.terminal import Terminal
from advvid.step_size.pictures import law_figure, loss_heat_map, loss_surface
from advvid.step_size.surface import BestStep, StepSizeSurface


class Pictured(NamedTuple):
    """How the figures of a sweep are written: in which formats, and of which model and data."""

    formats: Sequence[str]
    subject: str


def write_sweep(
    folder: RunFolder,
    surface: StepSizeSurface,
    law: StepSizeLaw | None,
    law_file: Path | None,
    seconds: float,
    pictured: Pictured,
) -> None:
    """Write the numbers first, then the figures."""
    folder.write_json(
        "results.json",
        {
            "law": None if law is None else {"unit": "1/255", **asdict(law)},
            "seconds": round(seconds, 2),
            **surface.to_dict(),
        },
    )
    surface.save(folder.path / "surface.npz")
    if law is not None:
        law.save(folder.path / "law.json")
    formats, subject = pictured
    with progress_bar("Figures", 2 * len(surface.eps) + 1) as advance:
        figure = law_figure(surface, law, subject=subject)
        save_figure(figure, folder.path / "step_size_law.png", formats)
        advance(1)
        for budget, eps in enumerate(surface.eps):
            name = f"eps_{eps * 255:.4g}".replace(".", "p")
            for draw, kind in ((loss_surface, "loss_surface"), (loss_heat_map, "loss_heat_map")):
                figure = draw(surface, budget, subject=subject)
                save_figure(figure, folder.path / f"{kind}_{name}.png", formats)
                advance(1)
    if law is not None and law_file is not None:
        law.save(law_file)


def check_law_file(path: Path, budgets: list[float]) -> None:
    """Say before the sweep that a law could not be fitted or saved.

    Raises:
        InputError: with fewer than 2 budgets, or when the file cannot be written.
    """
    if len(set(budgets)) < 2:
        raise InputError("--law needs at least 2 different budgets in --eps")
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"--law {path} cannot be written: name a file in an existing folder")


def print_sweep(surface: StepSizeSurface, law: StepSizeLaw | None) -> None:
    """Print the best step size of each budget, and the law."""
    console = Terminal()
    table = Table(
        title=f"PGD, {surface.sample}, {surface.max_steps} steps (budgets and steps in 1/255)",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("budget", "best step size", "95%", "resolution", "loss", "accuracy", ""):
        table.add_column(column, justify="left" if column == "" else "right", no_wrap=True)
    clean = surface.correct[0, 0, 0].mean(), surface.losses[0, 0, 0].mean()
    table.add_row("0", "-", "-", "-", f"{clean[1]:.3f}", f"{clean[0]:.3f}", "no attack")
    best = surface.best()
    for row in best:
        table.add_row(
            f"{row.eps * 255:.4g}",
            f"{row.step_size * 255:.3g}",
            _interval(row, surface),
            f"{row.resolution:.0%}",
            f"{row.loss:.3f}",
            f"{row.accuracy:.3f}",
            _warning(row),
        )
    console.print(table)
    if any(map(_warning, best)):
        console.print("edge: of the grid; the best step may lie outside, so extend --alphas")
    console.print("resolution: how far apart the steps are that were measured around the best")
    if surface.gradients:
        console.print(f"{surface.gradients} gradients and {surface.forwards} forwards a clip")
    if law is None:
        console.print("law: needs at least 2 budgets")
        return
    console.print(f"law: {law} (paper: step = 0.2 eps + 0.2)")
    if law.slope_interval is not None and law.intercept_interval is not None:
        slope, intercept = law.slope_interval, law.intercept_interval
        console.print(
            f"     95%: slope {slope[0]:.3g} to {slope[1]:.3g}, "
            f"intercept {intercept[0]:.3g} to {intercept[1]:.3g}"
            + (f", R^2 {law.r_squared:.3f}" if law.r_squared is not None else ""),
        )


def _interval(row: BestStep, surface: StepSizeSurface) -> str:
    """Spell the interval; an end that lies on the edge of what was measured may lie further out."""
    if row.interval is None:
        return "one clip" if surface.clips == 1 else "one video"
    low, high = (f"{bound * 255:.3g}" for bound in row.interval)
    below, above = "<=" if row.open_below else "", ">=" if row.open_above else ""
    return f"{below}{above}{low}" if low == high else f"{below}{low} to {above}{high}"


def _warning(row: BestStep) -> str:
    if row.at_edge:
        return "at edge"
    return "to edge" if row.open_below or row.open_above else ""
