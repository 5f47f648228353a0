"""`advvid sweep-step-size`."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from advvid.cli.numbers import read_budgets, read_step_sizes
from advvid.cli.options import (
    CLIPS,
    OUTPUT,
    ClipOptions,
    Figures,
    ModelOptions,
    option,
)
from advvid.cli.resumable import RunOptions, resumable
from advvid.cli.setting_options import grouped
from advvid.errors import InputError, shown
from advvid.figures.formats import read_formats

SWEEP = "Sweep"
LOSSES = ("ce", "dlr", "cw")


@dataclass(frozen=True)
class SweptClips(ClipOptions):
    """Clips that are all kept in memory."""

    clips: Annotated[int, option("--clips", "N", "Clips to attack.", CLIPS)] = 16


@dataclass(frozen=True)
class SweepOptions:
    """The grid, and the attack whose step size is swept."""

    eps: Annotated[
        str, option("--eps", None, "Budgets in 1/255, as 4,8 or 4/255,8/255.", SWEEP)
    ] = "1,2,3,4,6,8,12"
    alphas: Annotated[
        str,
        option(
            "--alphas",
            None,
            "Step sizes: multiples of the budget (0.1x,0.5x,1x) or in 1/255 (0.5,1,2).",
            SWEEP,
        ),
    ] = "0.05x,0.1x,0.15x,0.2x,0.3x,0.4x,0.6x,0.8x,1x,1.5x,2x,3x"
    refine: Annotated[
        int,
        option(
            "--refine",
            "K",
            "Further step sizes for each budget, between the best and its neighbors.",
            SWEEP,
        ),
    ] = 4
    steps: Annotated[
        int, option("--steps", "M", "Steps; results for fewer steps are written too.", SWEEP)
    ] = 10
    loss: Annotated[str, option("--loss", None, "ce, dlr or cw: what PGD maximizes.", SWEEP)] = "ce"
    random_start: Annotated[
        bool, option("--random-start", None, "Start at random in the budget.", SWEEP)
    ] = False

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before anything is loaded."""
        read_budgets(self.eps)
        read_step_sizes(self.alphas)
        if self.loss not in LOSSES:
            raise InputError(f"loss must be one of {', '.join(LOSSES)}; got {shown(self.loss)}")


@grouped
def sweep_step_size(
    *,
    model: ModelOptions,
    clips: SweptClips,
    sweep: SweepOptions,
    law: Annotated[
        Path | None,
        option("--law", "FILE", "Save the fitted law as JSON too, for attacks to read.", OUTPUT),
    ] = None,
    figures: Figures = "png",
    run: RunOptions,
) -> None:
    """Find the step size of PGD that raises the loss most, for each budget.

    Attacks N clips with every budget, step size and number of steps, and with K
    further step sizes around the best of each budget. Prints the best step size
    of each budget and the line through them, and writes a folder with all
    numbers, a 3D loss surface and a heat map for each budget, and the best step
    size against the budget.
    """
    run.check_folder()
    formats = read_formats(figures)
    from advvid.attacks.core.losses import resolve_loss
    from advvid.checks import check_count
    from advvid.cli.sweep_report import Pictured, check_law_file, print_sweep, write_sweep
    from advvid.methods import check_setting
    from advvid.pairing import load_in_memory
    from advvid.runs.run_folder import RunFolder
    from advvid.runs.terminal import say
    from advvid.step_size import sweep_step_size as measure
    from advvid.step_size.grid import Refine

    # All that can be wrong is looked at before anything is loaded.
    budgets, choices = read_budgets(sweep.eps), read_step_sizes(sweep.alphas)
    check_count("steps", sweep.steps)
    check_setting("refine", sweep.refine, Refine)
    resolve_loss(sweep.loss)
    if law is not None:
        check_law_file(law, budgets)
    inputs = load_in_memory(**vars(model), **clips.config, seed=run.seed)
    settings = {**model.config, **clips.config, **vars(sweep), "seed": run.seed}
    folder = RunFolder(
        run.out, "sweep-step-size", {**settings, "found": inputs.facts}, resume=run.resume
    )
    say(*(f"note: {note}" for note in inputs.notes))

    started = time.perf_counter()
    with resumable(folder.path):
        surface = measure(
            inputs.classifier,
            inputs.clips,
            inputs.labels,
            eps=budgets,
            step_sizes=choices.absolute,
            step_ratios=choices.ratios,
            max_steps=sweep.steps,
            refine=sweep.refine,
            loss=sweep.loss,
            random_start=sweep.random_start,
            seed=run.seed,
            videos=inputs.videos,
            part_file=folder.path / "part.npz",
            progress=True,
        )
    seconds = time.perf_counter() - started
    fitted = surface.fit_law() if len(surface.eps) > 1 else None
    pictured = Pictured(formats, f"{model.model} on {inputs.facts['data']} ({clips.split})")
    write_sweep(folder, surface, fitted, law, seconds, pictured)
    print_sweep(surface, fitted)
    say(f"results: {folder.path}")
