"""`advvid evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from advvid.cli import options
from advvid.cli.catalogue import check_law, check_method, methods
from advvid.cli.numbers import read_budgets
from advvid.cli.options import CLIPS, OUTPUT, option
from advvid.cli.resumable import RunOptions, resumable
from advvid.cli.setting_options import grouped
from advvid.figures.formats import read_formats

EVALUATION = "Evaluation"


@dataclass(frozen=True)
class EvaluatedClips(options.ClipOptions):
    """Clips that are read when they are needed."""

    clips: Annotated[
        int,
        option(
            "--clips", "N", "Clips to evaluate on, evenly over the classes; 0 takes all.", CLIPS
        ),
    ] = 100


@dataclass(frozen=True)
class EvaluationOptions:
    """Which conditions clips are classified under, and what is measured."""

    attack: Annotated[
        list[str] | None,
        option(
            "--attack",
            "NAME[:KEY=VALUE,...]",
            "An attack with settings (see `advvid attacks` and `advvid attacks NAME`), a suite "
            "(quick, standard, paper), package.module:Class, or none. Give it several times for "
            "several; quick unless given.",
            EVALUATION,
            completed="attack",
        ),
    ] = None
    condition: Annotated[
        list[str] | None,
        option(
            "--condition",
            "NAME[:KEY=VALUE,...]",
            "Something else that happens to clips, such as sampling:clips=8 (see `advvid "
            "conditions`), or package.module:Class. Give it several times for several.",
            EVALUATION,
            completed="condition",
        ),
    ] = None
    eps: Annotated[
        str,
        option(
            "--eps",
            None,
            "Budgets in 1/255, as 4,8 or 4/255,8/255; accuracy at 0 is always there.",
            EVALUATION,
        ),
    ] = "0,4,8,12,15"
    target: Annotated[
        str | None,
        options.target(
            "Ask every attack to make each clip look like least-likely, its least likely class; "
            "random, one drawn for it; or one class for all, a name or a number. Any wrong class "
            "unless given.",
            EVALUATION,
        ),
    ] = None
    law: Annotated[
        Path | None,
        option(
            "--law",
            "FILE",
            "Step size of attacks that have none in their settings, as saved by "
            "`advvid sweep-step-size --law`; 0.2 (eps + 1) unless given.",
            EVALUATION,
        ),
    ] = None
    eot: Annotated[
        int,
        option(
            "--eot",
            "N",
            "Average every prediction and gradient over N passes, for random models.",
            EVALUATION,
        ),
    ] = 1
    h264: Annotated[
        int | None,
        option(
            "--h264",
            "CRF",
            "Score results after H.264 too, at this constant rate factor (0 to 51).",
            EVALUATION,
        ),
    ] = None
    alarms: Annotated[
        bool,
        option(
            "--alarms/--no-alarms",
            None,
            "Measure what shows that gradients cannot be trusted.",
            EVALUATION,
        ),
    ] = True

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before anything is loaded."""
        read_budgets(self.eps, zero=True)
        for text in self.attack or ():
            check_method("attack", text, also=("none", *methods("suite")))
        for text in self.condition or ():
            check_method("condition", text)


@grouped
def evaluate(
    *,
    model: options.ModelOptions,
    clips: EvaluatedClips,
    chosen: EvaluationOptions,
    batch_size: options.BatchSize = 32,
    devices: options.Devices = 1,
    workers: options.Workers = 0,
    pictures: Annotated[
        int,
        option(
            "--pictures",
            "N",
            "Clips to show before and after the attack, in comparison.gif.",
            OUTPUT,
        ),
    ] = 3,
    figures: options.Figures = "png",
    run: RunOptions,
) -> None:
    """Measure accuracy under attack, with intervals, and look for signs of false robustness.

    Prints tables: rows attacks, columns budgets. Every result is checked
    against its bound and scored again, as it is and after rounding to 8 bits.
    Alarms tell when gradients cannot be trusted.

    Writes results.json, results.csv (a row a condition), clips.csv (a row a clip,
    with its video and frames), table.md, table.tex, figures and an animated
    picture of a few clips. A stopped run is resumed with --resume.
    """
    # Before torch is imported: a mistake should cost no time.
    run.check_folder()
    formats = read_formats(figures)
    check_law(chosen.law)
    from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
    from advvid.errors import InputError
    from advvid.evaluation.condition import Setup
    from advvid.evaluation.conditions.registry import CONDITIONS
    from advvid.evaluation.conditions.suites import expand
    from advvid.evaluation.conditions.target import Target
    from advvid.evaluation.evaluate import evaluate_into
    from advvid.evaluation.plan import Scoring, plan_evaluation
    from advvid.evaluation.views.narrow import show
    from advvid.runs.fabric import check_devices
    from advvid.runs.launch import launch, open_folder
    from advvid.runs.terminal import Terminal, say

    attacks = list(chosen.attack or ["quick"])
    budgets = read_budgets(chosen.eps, zero=True)
    # Before the model is loaded: an invalid argument should show at once.
    expand(attacks, targeted=chosen.target is not None)
    conditions = [CONDITIONS.read(text) for text in chosen.condition or []]
    step_law = None if chosen.law is None else StepSizeLaw.load(chosen.law)
    scoring = Scoring(chosen.eot, chosen.h264, step_law or PAPER_LAW, chosen.alarms)
    if pictures < 0:
        raise InputError(f"pictures must be at least 0; got {pictures}")
    check_devices(model.device, devices=devices)
    subject = clips.subject(model, seed=run.seed)
    settings = {
        **model.config,
        **clips.config,
        **vars(chosen),
        "attack": attacks,
        "condition": list(chosen.condition or []),
        "law": None if step_law is None else str(step_law),
        "seed": run.seed,
        "found": subject.facts,
    }
    del settings["alarms"]  # may differ when a run is resumed
    fabric = launch(model.device, devices)
    source = subject.source(seed=run.seed, workers=workers)
    classifier = subject.classifier(source.first(), device=fabric.device, precision=model.precision)
    # An invalid setting must leave no folder behind: the corrected command would find it taken.
    setup = Setup(classifier, source, batch_size, run.seed)
    target = None
    if chosen.target is not None:
        target = Target.read(chosen.target, setup, subject.class_names)
    plan = plan_evaluation(
        setup, attacks=attacks, eps=budgets, conditions=conditions, scoring=scoring, target=target
    )
    settings["conditions"] = plan.settings
    folder = open_folder(fabric, run.out, "evaluate", settings, resume=run.resume)
    if fabric.is_global_zero:
        say(*(f"note: {note}" for note in subject.notes))
    with resumable(folder.path):
        evaluation = evaluate_into(
            folder,
            plan,
            fabric=fabric,
            classes=subject.class_names,
            pictures=pictures,
            about=options.about(model),
            figures=formats,
        )
    if fabric.is_global_zero:
        say(*(f"note: {bad.line}" for bad in source.skipped))
        show(evaluation, Terminal())
        say(f"results: {folder.path}")
