"""`advvid sweep-step-size`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from advvid.cli import options

SWEEP = "Sweep"


def sweep_step_size(
    model: options.Model = "motions-r3d",
    weights: options.Weights = None,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    data: options.Data = "motions",
    clips: Annotated[
        int,
        typer.Option(
            "--clips", metavar="N", help="Clips to attack.", rich_help_panel=options.CLIPS
        ),
    ] = 16,
    labels: options.Labels = "true",
    split: options.Split = "test",
    fold: options.Fold = None,
    frames: options.Frames = None,
    size: options.Size = None,
    sampling: options.Sampling = "uniform",
    on_bad_video: options.OnBadVideo = "raise",
    eps: Annotated[
        str,
        typer.Option("--eps", help="Budgets in 1/255.", rich_help_panel=SWEEP),
    ] = "1,2,3,4,6,8,12",
    alphas: Annotated[
        str,
        typer.Option(
            "--alphas",
            help="Step sizes: multiples of the budget (0.1x,0.5x,1x) or in 1/255 (0.5,1,2).",
            rich_help_panel=SWEEP,
        ),
    ] = "0.05x,0.1x,0.15x,0.2x,0.3x,0.4x,0.6x,0.8x,1x,1.5x,2x,3x",
    steps: Annotated[
        int,
        typer.Option(
            "--steps",
            metavar="M",
            help="Steps; all smaller numbers come along.",
            rich_help_panel=SWEEP,
        ),
    ] = 10,
    loss: Annotated[
        str,
        typer.Option("--loss", help="ce, dlr or cw: what PGD maximizes.", rich_help_panel=SWEEP),
    ] = "ce",
    random_start: Annotated[
        bool,
        typer.Option(
            "--random-start", help="Start at random in the budget.", rich_help_panel=SWEEP
        ),
    ] = False,
    law: Annotated[
        Path | None,
        typer.Option(
            "--law",
            metavar="FILE",
            help="Save the fitted law as JSON too, for attacks to read.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a stopped sweep in --out; all else as it was started.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    seed: options.Seed = 0,
    out: options.Out = None,
) -> None:
    """Find the step size of PGD that raises the loss most, for each budget.

    Attacks N clips with every budget, step size and number of steps, prints the best step size of
    each budget and the line through them, and writes a folder with all numbers, a 3D loss surface
    and a heat map for each budget, and the best step size against the budget.
    """
    from rich.console import Console

    from advvid.attacks.core.losses import resolve_loss
    from advvid.checks import check_count
    from advvid.cli.numbers import read_budgets, read_step_sizes
    from advvid.cli.sweep_report import check_law_file, print_sweep, write_sweep
    from advvid.pairing import load_in_memory
    from advvid.runs.run_folder import RunFolder
    from advvid.step_size.sweep import sweep_step_size as sweep

    budgets, choices = read_budgets(eps), read_step_sizes(alphas)
    check_count("--steps", steps)
    resolve_loss(loss)
    if law is not None:
        check_law_file(law, budgets)
    inputs = load_in_memory(
        model=model,
        weights=weights,
        data=data,
        clips=clips,
        labels=labels,
        split=split,
        fold=fold,
        frames=frames,
        size=size,
        sampling=sampling,
        on_bad_video=on_bad_video,
        device=device,
        precision=precision,
        seed=seed,
    )
    settings = {
        "model": model,
        "weights": weights,
        "data": data,
        "clips": clips,
        "labels": labels,
        "split": split,
        "fold": fold,
        "frames": frames,
        "size": size,
        "sampling": sampling,
        "on_bad_video": on_bad_video,
        "eps": eps,
        "alphas": alphas,
        "steps": steps,
        "loss": loss,
        "random_start": random_start,
        "precision": precision,
        "seed": seed,
    }
    folder = RunFolder(out, "sweep-step-size", {**settings, "found": inputs.facts}, resume=resume)
    console = Console()
    for note in inputs.notes:
        console.print(f"note: {note}", markup=False, highlight=False)

    started = time.perf_counter()
    try:
        surface = sweep(
            inputs.classifier,
            inputs.clips,
            inputs.labels,
            eps=budgets,
            step_sizes=choices.absolute,
            step_ratios=choices.ratios,
            max_steps=steps,
            loss=loss,
            random_start=random_start,
            seed=seed,
            part_file=folder.path / "part.npz",
            progress=True,
        )
    except KeyboardInterrupt:
        typer.echo(
            f"advvid: stopped; to go on: the same command, --out {folder.path} --resume", err=True
        )
        raise SystemExit(130) from None
    seconds = time.perf_counter() - started
    fitted = surface.fit_law() if len(surface.eps) > 1 else None
    write_sweep(folder, surface, fitted, law, seconds)
    print_sweep(console, surface, fitted)
    console.print(f"results: {folder.path}", markup=False, highlight=False)
