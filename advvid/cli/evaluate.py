"""`advvid evaluate`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from advvid.cli import options

EVALUATION = "Evaluation"


def evaluate(
    model: options.Model = "motions-r3d",
    weights: options.Weights = None,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    data: options.Data = "motions",
    clips: Annotated[
        int,
        typer.Option(
            "--clips",
            metavar="N",
            help="Clips to evaluate on, evenly over the classes; 0 takes all.",
            rich_help_panel=options.CLIPS,
        ),
    ] = 100,
    labels: options.Labels = "true",
    split: options.Split = "test",
    fold: options.Fold = None,
    frames: options.Frames = None,
    size: options.Size = None,
    sampling: options.Sampling = "uniform",
    on_bad_video: options.OnBadVideo = "raise",
    attack: Annotated[
        list[str] | None,
        typer.Option(
            "--attack",
            metavar="NAME[:KEY=VALUE,...]",
            help="An attack with settings (see `advvid attacks`), or a suite: quick, standard, "
            "paper. Give it several times for several; none for none; quick unless given.",
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            "--condition",
            metavar="NAME[:KEY=VALUE,...]",
            help="Something else that happens to clips, such as sampling:kind=dense,clips=8. Give "
            "it several times for several.",
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    eps: Annotated[
        str,
        typer.Option(
            "--eps",
            help="Budgets in 1/255; accuracy at 0 is always there.",
            rich_help_panel=EVALUATION,
        ),
    ] = "0,4,8,12,15",
    law: Annotated[
        Path | None,
        typer.Option(
            "--law",
            metavar="FILE",
            help="Step size of attacks that have none in their settings, as saved by "
            "`advvid sweep-step-size --law`; 0.2 (eps + 1) unless given.",
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    eot: Annotated[
        int,
        typer.Option(
            "--eot",
            metavar="N",
            help="Average every prediction and gradient over N passes, for random models.",
            rich_help_panel=EVALUATION,
        ),
    ] = 1,
    h264: Annotated[
        int | None,
        typer.Option(
            "--h264",
            metavar="CRF",
            help="Score results after H.264 too, at this constant rate factor (0 to 51).",
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    alarms: Annotated[
        bool,
        typer.Option(
            "--alarms/--no-alarms",
            help="Measure what shows that gradients cannot be trusted.",
            rich_help_panel=EVALUATION,
        ),
    ] = True,
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            help="Clips attacked at once; changes the speed only.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 32,
    devices: options.Devices = 1,
    workers: options.Workers = 0,
    pictures: Annotated[
        int,
        typer.Option(
            "--pictures",
            metavar="N",
            help="Clips to show before and after the attack, in comparison.gif.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 3,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume a stopped evaluation in --out; all else as it was started.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    seed: options.Seed = 0,
    out: options.Out = None,
) -> None:
    """Measure accuracy under attack, with intervals, and look for signs of false robustness.

    Prints one table: rows attacks, columns budgets. Every result is checked
    against its bound and scored again, as it is and after rounding to 8 bits.
    Alarms tell when gradients cannot be trusted.

    Writes results.json, results.csv, table.md, figures and an animated picture
    of a few clips. A stopped run is resumed with --resume.
    """
    from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
    from advvid.cli.numbers import read_budgets
    from advvid.errors import InputError
    from advvid.evaluation.conditions.registry import parse_condition
    from advvid.evaluation.conditions.suites import expand
    from advvid.evaluation.folder import evaluate_into, tables
    from advvid.evaluation.plan import Scoring, plan_evaluation
    from advvid.pairing import load_subject
    from advvid.runs.launch import launch, open_folder

    chosen = list(attack or ["quick"])
    budgets = read_budgets(eps, zero=True)
    # Before the model is loaded: an invalid argument should show at once.
    expand(chosen)
    conditions = [parse_condition(text) for text in condition or []]
    step_law = None if law is None else StepSizeLaw.load(law)
    scoring = Scoring(eot, h264, step_law or PAPER_LAW, alarms)
    if pictures < 0:
        raise InputError(f"--pictures must be at least 0; got {pictures}")
    subject = load_subject(
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
        "attack": chosen,
        "condition": condition or [],
        "eps": eps,
        "law": None if step_law is None else str(step_law),
        "eot": eot,
        "h264": h264,
        "precision": precision,
        "seed": seed,
        "found": subject.facts,
    }
    fabric = launch(device, devices)
    source = subject.source(seed=seed, workers=workers)
    classifier = subject.classifier(source.first(), device=fabric.device, precision=precision)
    # An invalid setting must leave no folder behind: the corrected command would find it taken.
    plan = plan_evaluation(
        classifier,
        source,
        attacks=chosen,
        eps=budgets,
        conditions=conditions,
        batch_size=batch_size,
        seed=seed,
        scoring=scoring,
    )
    config = {**settings, "conditions": plan.settings}
    folder = open_folder(fabric, out, "evaluate", config, resume=resume)
    if fabric.is_global_zero:
        _say(f"note: {note}" for note in subject.notes)
    try:
        evaluation = evaluate_into(
            folder, plan, fabric=fabric, classes=subject.class_names, pictures=pictures
        )
    except KeyboardInterrupt:
        again = f"the same command, --out {folder.path} --resume"
        typer.echo(f"advvid: stopped; to resume: {again}", err=True)
        raise SystemExit(130) from None
    if fabric.is_global_zero:
        _say(f"note: skipped {bad.path}: {bad.reason}" for bad in source.skipped)
        _say([tables(evaluation)])
        _say(f"ALARM {alarm.name}: {alarm.message}" for alarm in evaluation.alarms)
        if evaluation.probes and not evaluation.alarms:
            _say(["no alarm: nothing speaks against the gradients of this model"])
        _say([f"results: {folder.path}"])


def _say(lines: Iterable[str]) -> None:
    """Print lines as they are, however wide."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    for line in lines:
        console.print(line, markup=False, highlight=False)
