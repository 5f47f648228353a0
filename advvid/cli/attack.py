"""`advvid attack`."""

from typing import Annotated

import typer

from advvid.cli import options

ATTACK = "Attack"
_LISTED = 20


def attack(
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
            help="Clips to attack; 0 takes all.",
            rich_help_panel=options.CLIPS,
        ),
    ] = 1,
    labels: options.Labels = "true",
    split: options.Split = "test",
    fold: options.Fold = None,
    frames: options.Frames = None,
    size: options.Size = None,
    sampling: options.Sampling = "uniform",
    on_bad_video: options.OnBadVideo = "raise",
    attack: Annotated[
        str,
        typer.Option(
            "--attack",
            metavar="NAME[:KEY=VALUE,...]",
            help="The attack with its settings (see `advvid attacks`).",
            rich_help_panel=ATTACK,
        ),
    ] = "pgd",
    eps: Annotated[
        float,
        typer.Option("--eps", help="The budget in 1/255.", rich_help_panel=ATTACK),
    ] = 8.0,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="CLASS",
            help="Make the clips look like this class, a name or a number.",
            rich_help_panel=ATTACK,
        ),
    ] = None,
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            help="Clips attacked at once; changes the speed only.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 32,
    workers: options.Workers = 0,
    fps: Annotated[
        int,
        typer.Option(
            "--fps", help="Frames a second of what is written.", rich_help_panel=options.OUTPUT
        ),
    ] = 8,
    seed: options.Seed = 0,
    out: options.Out = None,
) -> None:
    """Write adversarial clips as lossless video and arrays, with a picture to compare.

    Writes for each clip NNNN.mkv (FFV1, 8 bits) and NNNN.npz (exact: clean and
    adversarial clip, and what else the attack reports), a comparison.gif of the
    first few, and results.json with predictions before, after, and after
    rounding to 8 bits.
    """
    from advvid.attacks.spec import parse_attack
    from advvid.checks import check_count
    from advvid.cli.numbers import read_budgets
    from advvid.evaluation.adversarial_clips import Goal, write_adversarial_clips
    from advvid.evaluation.condition import Setup
    from advvid.evaluation.conditions.attack import plan_attack
    from advvid.pairing import load_subject, read_class
    from advvid.runs.run_folder import RunFolder

    parse_attack(attack)
    (budget,) = read_budgets(f"{eps:.9g}")
    for name, value in (("--batch-size", batch_size), ("--fps", fps)):
        check_count(name, value)
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
    wanted = None if target is None else read_class(target, subject)
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
        "attack": attack,
        "eps": eps,
        "target": target,
        "fps": fps,
        "precision": precision,
        "seed": seed,
        "found": subject.facts,
    }
    source = subject.source(seed=seed, workers=workers)
    classifier = subject.classifier(source.first(), device=device, precision=precision)
    setup = Setup(classifier, source, batch_size, seed)
    # Settings that the attack does not take show before anything is written.
    planned = plan_attack(setup, attack, budget, targeted=target is not None)
    folder = RunFolder(out, "attack", {**settings, "settings": planned.settings})
    for note in subject.notes:
        typer.echo(f"note: {note}")
    goal = Goal(wanted, subject.class_names)
    rows = write_adversarial_clips(folder, planned, setup, goal, fps=fps)
    for row in rows[:_LISTED]:
        rounded = "" if row["success_8bit"] == row["success"] else ", not after rounding to 8 bits"
        names = " -> ".join(goal.name(row[key]) for key in ("predicted", "adversarial"))
        success = "success" if row["success"] else "no success"
        typer.echo(f"{row['file']}: {names} ({success}{rounded})")
    if len(rows) > _LISTED:
        typer.echo(f"... and {len(rows) - _LISTED} more")
    fooled, fooled_8bit = (sum(row[key] for row in rows) for key in ("success", "success_8bit"))
    typer.echo(f"{fooled} of {len(rows)} succeed, {fooled_8bit} after rounding to 8 bits")
    typer.echo(f"results: {folder.path}")
