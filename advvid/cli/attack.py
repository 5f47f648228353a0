"""`advvid attack`."""

from dataclasses import dataclass
from typing import Annotated

import typer

from advvid.cli import options
from advvid.cli.options import OUTPUT, option
from advvid.cli.setting_options import grouped

ATTACK = "Attack"
_LISTED = 20


@dataclass(frozen=True)
class AttackOptions:
    """What is done to the clips."""

    attack: Annotated[
        str,
        option(
            "--attack",
            "NAME[:KEY=VALUE,...]",
            "The attack with its settings (see `advvid attacks` and `advvid attacks NAME`), or "
            "package.module:Class.",
            ATTACK,
        ),
    ] = "pgd"
    eps: Annotated[float, option("--eps", None, "The budget in 1/255.", ATTACK)] = 8.0
    target: Annotated[
        str | None,
        option(
            "--target", "CLASS", "Make the clips look like this class, a name or a number.", ATTACK
        ),
    ] = None


@grouped
def attack(
    *,
    model: options.ModelOptions,
    clips: options.ClipOptions,
    chosen: AttackOptions,
    batch_size: options.BatchSize = 32,
    workers: options.Workers = 0,
    fps: Annotated[int, option("--fps", None, "Frames a second of what is written.", OUTPUT)] = 8,
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
    from advvid.evaluation.adversarial_clips import write_adversarial_clips
    from advvid.evaluation.condition import Setup
    from advvid.evaluation.conditions.attack import plan_attack
    from advvid.pairing import read_class
    from advvid.runs.run_folder import RunFolder

    parse_attack(chosen.attack)
    (budget,) = read_budgets(f"{chosen.eps:.9g}")
    for name, value in (("batch_size", batch_size), ("fps", fps)):
        check_count(name, value)
    subject = clips.subject(model, seed=seed)
    wanted = None if chosen.target is None else read_class(chosen.target, subject)
    settings = {
        **model.config,
        **clips.config,
        **vars(chosen),
        "fps": fps,
        "seed": seed,
        "found": subject.facts,
    }
    source = subject.source(seed=seed, workers=workers)
    classifier = subject.classifier(source.first(), device=model.device, precision=model.precision)
    setup = Setup(classifier, source, batch_size, seed)
    # Settings that the attack does not take show before anything is written.
    planned = plan_attack(setup, chosen.attack, budget, targeted=wanted is not None)
    folder = RunFolder(out, "attack", {**settings, "settings": planned.settings})
    for note in subject.notes:
        typer.echo(f"note: {note}")
    rows = write_adversarial_clips(
        folder, planned, setup, target=wanted, classes=subject.class_names, fps=fps
    )
    for bad in source.skipped:
        typer.echo(f"note: {bad.line}")
    names = subject.class_names or range(classifier.nb_classes)
    for row in rows[:_LISTED]:
        rounded = "" if row["success_8bit"] == row["success"] else ", not after rounding to 8 bits"
        change = f"{names[row['predicted']]} -> {names[row['adversarial']]}"
        success = "success" if row["success"] else "no success"
        typer.echo(f"{row['file']}: {change} ({success}{rounded})")
    if len(rows) > _LISTED:
        typer.echo(f"... and {len(rows) - _LISTED} more")
    fooled, fooled_8bit = (sum(row[key] for row in rows) for key in ("success", "success_8bit"))
    typer.echo(f"{fooled} of {len(rows)} succeed, {fooled_8bit} after rounding to 8 bits")
    typer.echo(f"results: {folder.path}")
