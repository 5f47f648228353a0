"""`advvid attack`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from advvid.cli import options
from advvid.cli.catalogue import check_method
from advvid.cli.numbers import read_budget
from advvid.cli.options import OUTPUT, option
from advvid.cli.resumable import RunOptions
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
            completed="attack",
        ),
    ] = "pgd"
    eps: Annotated[
        str | None,
        option(
            "--eps",
            "EPS",
            "The budget in 1/255, such as 8, or as 8/255; not given, that of --attack, or 8.",
            ATTACK,
        ),
    ] = None
    target: Annotated[
        str | None,
        options.target(
            "Make the clips look like a class: its name or number; least-likely takes the least "
            "likely of each clip, random draws one for each.",
            ATTACK,
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before anything is loaded."""
        check_method("attack", self.attack)
        if self.eps is not None:
            read_budget(self.eps)


@grouped
def attack(
    *,
    model: options.ModelOptions,
    clips: options.ClipOptions,
    chosen: AttackOptions,
    batch_size: options.BatchSize = 32,
    workers: options.Workers = 0,
    fps: Annotated[
        int, option("--fps", None, "Frames a second of the clips that are written.", OUTPUT)
    ] = 8,
    full_video: Annotated[
        bool,
        option(
            "--full-video",
            None,
            "Write each attacked clip back into its whole video, too, at its own size and rate.",
            OUTPUT,
        ),
    ] = False,
    seed: options.Seed = 0,
    out: options.Out = None,
) -> None:
    """Write adversarial clips as lossless video and arrays, with a picture to compare.

    Writes for each clip NNNN.mkv (FFV1, 8 bits) and NNNN.npz (exact: clean and
    adversarial clip, and what else the attack reports), a comparison.gif of the
    first few, and results.json with predictions before, after, and after
    rounding to 8 bits. An attack succeeds on clips that were right before.

    With --full-video NNNN-full.mkv is the whole video without sound, and what is
    counted of it is what the model says of the clip read from that file.
    """
    RunOptions(seed=seed, out=out).check_folder()
    from advvid.attacks.spec import parse_attack
    from advvid.checks import check_count
    from advvid.data.video.writing import check_rate
    from advvid.errors import InputError
    from advvid.evaluation.adversarial.clips import write_adversarial_clips
    from advvid.evaluation.adversarial.full_video import videos_of
    from advvid.evaluation.condition import Setup
    from advvid.evaluation.conditions.attack import plan_attack
    from advvid.evaluation.conditions.target import Target
    from advvid.evaluation.provenance import provenance
    from advvid.runs.run_folder import RunFolder
    from advvid.runs.terminal import say

    spec = parse_attack(chosen.attack)
    budget = read_budget("8" if chosen.eps is None else chosen.eps)
    if spec.eps is not None:
        if chosen.eps is not None and (
            spec.norm != "Linf" or not math.isclose(spec.eps, budget, rel_tol=1e-6)
        ):
            raise InputError(
                f"--eps {chosen.eps} and {spec.text} are two budgets: leave one of both out"
            )
        budget = spec.eps
    check_count("batch_size", batch_size)
    check_rate(fps)
    subject = clips.subject(model, seed=seed)
    settings = {
        **model.config,
        **clips.config,
        **vars(chosen),
        "eps": 255 * budget,
        "fps": fps,
        "full_video": full_video,
        "seed": seed,
        "found": subject.facts,
    }
    source = subject.source(seed=seed, workers=workers)
    classifier = subject.classifier(source.first(), device=model.device, precision=model.precision)
    setup = Setup(classifier, source, batch_size, seed)
    wanted = None
    if chosen.target is not None:
        wanted = Target.read(chosen.target, setup, subject.class_names)
    if full_video:
        videos_of(source.dataset)
    # Settings that the attack does not take show before anything is written.
    planned = plan_attack(setup, chosen.attack, budget, targeted=wanted is not None)
    folder = RunFolder(out, "attack", {**settings, "settings": planned.settings})
    for note in subject.notes:
        say(f"note: {note}")
    known = {**provenance(setup), **options.about(model)}
    for warning in known["warnings"]:
        say(f"WARNING {warning}")
    rows = write_adversarial_clips(
        folder,
        planned,
        setup,
        target=wanted,
        classes=subject.class_names,
        fps=fps,
        full_video=full_video,
        about=known,
    )
    for bad in source.skipped:
        say(f"note: {bad.line}")
    names = subject.class_names or range(classifier.nb_classes)
    for row in rows[:_LISTED]:
        change = f"{names[row['predicted']]} -> {names[row['adversarial']]}"
        if wanted is not None and wanted.number is None:
            change += f", toward {names[row['target']]}"
        say(f"{row['file']}: {change} ({_outcome(row)}); {_frames(row)}")
    if len(rows) > _LISTED:
        say(f"... and {len(rows) - _LISTED} more")
    goal = None
    if wanted is not None:
        goal = "their target" if wanted.number is None else str(names[wanted.number])
    for line in _counts(rows, goal):
        say(line)
    say(f"results: {folder.path}")


def _outcome(row: dict[str, Any]) -> str:
    """Say how one clip fared."""
    if not row["eligible"]:
        return "the target before" if "target" in row else "wrong before"
    rounded = "" if row["success_8bit"] == row["success"] else ", not after rounding to 8 bits"
    if row["success_8bit"] > row["success"]:
        rounded = ", but after rounding to 8 bits"
    return f"{'success' if row['success'] else 'no success'}{rounded}"


def _frames(row: dict[str, Any]) -> str:
    """Say which frames carry the change, as the video counts them where there is one."""
    of = Path(row["path"]).name if row["path"] and row["frames"] else "the clip"
    numbers = row["changed_video_frames"] if row["frames"] else row["changed_frames"]
    shown = ", ".join(map(str, numbers[:_LISTED])) + (", ..." if len(numbers) > _LISTED else "")
    if not numbers:
        return "no frame changed"
    if len(numbers) == row["frame_count"]:
        where = f": {shown} of {of}" if row["frames"] else ""
        return f"all {len(numbers)} frames changed{where}"
    return (
        f"{len(numbers)} frame{'s' * (len(numbers) > 1)} changed: {shown} of {of}, counted from 0"
    )


def _counts(rows: list[dict[str, Any]], goal: str | None) -> Iterable[str]:
    """Count successes among the clips that an attack can succeed on."""
    able = sum(row["eligible"] for row in rows)
    fooled, rounded = (sum(row[key] for row in rows) for key in ("success", "success_8bit"))
    already = len(rows) - able
    if goal is None:
        done = "that were right are fooled" + (f" ({already} wrong before)" if already else "")
    else:
        done = f"become {goal}" + (f" ({already} were before)" if already else "")
    yield f"{fooled} of {able} clips {done}, {rounded} after rounding to 8 bits"
    whole = [row for row in rows if row.get("full_video")]
    if whole:
        still = sum(row["success_full_video"] for row in whole)
        yield (
            f"{still} of {sum(row['eligible'] for row in whole)} succeed when their clip is read "
            "from the whole video (*-full.mkv, without sound)"
        )
    for row in rows:
        if "full_video_missing" in row:
            yield f"note: no {row['file'][:4]}-full.mkv: {row['full_video_missing']}"
