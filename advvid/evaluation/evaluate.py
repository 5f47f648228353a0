"""Accuracy under attack and other conditions, measured or measured and kept in a folder."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.core.video_attack import VideoAttack
from advvid.checks import check_count
from advvid.evaluation.alarms import find_alarms, measure_probes
from advvid.evaluation.condition import Setup
from advvid.evaluation.conditions.attack import Attacks, as_list
from advvid.evaluation.conditions.target import GivenTarget
from advvid.evaluation.evaluation import Evaluation, collect
from advvid.evaluation.plan import Conditions, EvaluationPlan, Scoring, plan_evaluation
from advvid.evaluation.provenance import bad_videos
from advvid.evaluation.records import PROBES, Record, Records, probes_of
from advvid.evaluation.runner import EvaluationRunner
from advvid.evaluation.views.before_after import picture
from advvid.evaluation.views.clips import clips_csv
from advvid.evaluation.views.latex import latex
from advvid.evaluation.views.markdown import report
from advvid.evaluation.views.plots import draw
from advvid.figures.formats import read_formats
from advvid.methods.arguments import checked
from advvid.pairing.given import GivenClips, GivenLabels, GivenModel, GivenVideos, as_subject
from advvid.runs.files import write_text
from advvid.runs.fingerprint import fingerprint
from advvid.runs.progress import progress_bar
from advvid.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@checked
def evaluate(
    classifier: GivenModel,
    clips: GivenClips,
    labels: GivenLabels = None,
    *,
    attacks: Attacks = ("pgd",),
    eps: float | Sequence[float] = (4 / 255, 8 / 255),
    conditions: Conditions = (),
    batch_size: int = 32,
    seed: int = 0,
    eot: int = 1,
    h264: int | None = None,
    law: StepSizeLaw | None = None,
    alarms: bool = True,
    target: GivenTarget = None,
    videos: GivenVideos = None,
    parts: Path | None = None,
    fabric: "Fabric | None" = None,
    progress: bool = False,
) -> Evaluation:
    """Measure accuracy under attack, and look for signs that it is over-reported.

    Clips that are misclassified without attack count as wrong and are not attacked. Every result is
    checked against its budget, the pixel range and its support, projected, and scored anew in
    evaluation mode, as it is and after rounding to 8 bits. Without attacks and conditions it is
    clean accuracy alone.

    Args:
        classifier: the classifier under attack; or a module from clips (B, 3, T, H, W) in [0, 1]
            to logits (B, K), such as a model of `advvid.load_model`.
        clips: (N, 3, T, H, W) in [0, 1], in the layout of the classifier; or what reads them when
            they are needed: a data set of `advvid.load_dataset`, a torch `Dataset` or `DataLoader`
            of (clip, label), or a source, see `advvid.evaluation.DatasetClips`.
        labels: true labels, int (N,) or one-hot (N, K), of clips that are not a source; None takes
            the predictions of the classifier.
        attacks: names, `NAME[:key=value,...]` (`advvid attacks` lists them), suites ("quick",
            "standard", "paper"), or attacks such as `LinfPGD(classifier, eps=8 / 255)`; "none" or
            [] for none. A text that fixes `eps`, and an attack, are evaluated at that budget only.
        eps: budgets in [0, 1], or one; accuracy at 0 is always there.
        conditions: other conditions, such as "sampling:kind=dense,clips=8" or
            `Sampling("dense", clips=8)`; see `advvid.evaluation.condition`.
        batch_size: clips attacked at once; changes nothing but rounding, except for attacks of
            torchattacks and ART, which draw their random numbers batch by batch.
        seed: of all that is random; each clip has its own stream under advvid's own attacks.
        eot: passes that every prediction and gradient is averaged over, for models that answer at
            random (Athalye et al. 2018, "Synthesizing robust adversarial examples").
        h264: constant rate factor, 0 to 51: also score results after H.264; None does not.
        law: step size of attacks whose text does not fix it; None is the paper's.
        alarms: measure what the alarms look at (some 45 gradients and 50 predictions for up to 32
            clips), where there are attacks. A model that gives no gradient is then attacked by what
            needs none; where gradients are in doubt, attacks of suites that ask for outputs only
            search ten times as long.
        target: "least-likely", "random", or a class by name or number, which every attack is to
            make each clip look like, see `advvid.evaluation.conditions.target`; None for any wrong
            class. Clips of that one class are left out.
        videos: name or number of the video that each clip is taken from, (N,), of clips in memory,
            a torch `Dataset` or a `DataLoader`, in the order of the data: clips of one video are
            not independent of each other, and intervals count videos. None takes each clip for a
            video of its own. Data sets of `advvid.load_dataset` bring them along.
        parts: folder that keeps what is done while the evaluation runs; when it is there already,
            the evaluation is resumed from it.
        fabric: launched; clips are shared among its processes, and all get the result.
        progress: show a bar.

    Returns:
        What remains correct, clip by clip.

    Raises:
        InputError: when clips, labels, budgets, attacks or conditions cannot be used.
        RuntimeError: when an attack left its bound or its support: a defect of the attack.
    """
    check_count("batch_size", batch_size)
    asked, source = as_subject(_attacked(classifier, attacks), clips, labels, videos)
    setup = Setup(asked, source, batch_size, seed)
    scoring = Scoring(eot, h264, law or PAPER_LAW, alarms)
    plan = plan_evaluation(
        setup, attacks=attacks, eps=eps, conditions=conditions, scoring=scoring, target=target
    )
    return _carry_out(plan, parts, fabric, progress=progress)


@checked
def evaluate_into(
    folder: RunFolder | Path,
    plan: EvaluationPlan,
    *,
    fabric: "Fabric | None" = None,
    classes: tuple[str, ...] | None = None,
    pictures: int = 3,
    about: Mapping[str, Any] | None = None,
    figures: Sequence[str] = ("png",),
) -> Evaluation:
    """Do what is planned and keep it in a folder, as `advvid evaluate` does.

    Args:
        folder: of the run, opened with the settings of the plan; what it holds of a stopped
            evaluation is not done again. A path is that of a new folder.
        plan: see `plan_evaluation`.
        fabric: see `evaluate`.
        classes: names as the model counts them, or None.
        pictures: clips to show before and after the attack that fools most.
        about: what is known of model, clips and command beside what they tell themselves, see
            `Results`.
        figures: formats of the figures, "png", "svg" and "pdf".

    Raises:
        InputError: when the folder holds something else, or cannot be written.
        RuntimeError: when an attack left its bound or its support: a defect of the attack.
    """
    formats = read_formats(figures)
    if isinstance(folder, Path):
        folder = RunFolder(folder, "evaluate", {"conditions": plan.settings})
    at = folder

    def write(found: Evaluation, plan: EvaluationPlan) -> Evaluation:
        source = plan.setup.source
        bad = bad_videos(source.skipped)
        evaluation = replace(found, about={**found.about, **bad, **(about or {})})
        if fabric is None or fabric.is_global_zero:
            skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in source.skipped]
            at.write_json("results.json", {**evaluation.to_dict(), "skipped": skipped})
            write_text(at.path / "results.csv", evaluation.to_csv())
            write_text(at.path / "clips.csv", clips_csv(evaluation))
            write_text(at.path / "table.md", report(evaluation) + "\n")
            write_text(at.path / "table.tex", latex(evaluation))
            chance = None if classes is None else 1 / len(classes)
            draw(at.path, evaluation, chance=chance, formats=formats)
            if pictures:
                picture(at.path / "comparison.gif", plan, evaluation, pictures, classes)
        return evaluation

    return _carry_out(plan, folder.path / "parts", fabric, progress=True, finish=write)


def _carry_out(
    plan: EvaluationPlan,
    parts: Path | None,
    fabric: "Fabric | None",
    *,
    progress: bool,
    finish: Callable[[Evaluation, EvaluationPlan], Evaluation] = lambda found, _: found,
) -> Evaluation:
    """Do what is planned; for the arguments see `evaluate`.

    What is known clip by clip stays on disk until `finish` has made use of it.
    """
    scoring = plan.scoring
    rank, world = (0, 1) if fabric is None else (fabric.global_rank, fabric.world_size)
    with plan.setup.classifier.averaging(scoring.eot):
        records = Records(parts, "" if parts is None else _identity(plan), rank=rank)
        if fabric is not None:
            # No process may take for known what another has begun to write.
            fabric.barrier()
        if scoring.alarms and plan.attacked:
            plan = plan.adapted(_probes(plan, records, fabric))
        share = range(rank, len(plan.setup.source), world)
        total = len(share) * (1 + len(plan.conditions))
        with progress_bar("Evaluate", total, shown=progress and rank == 0) as bar:
            EvaluationRunner(plan, records).run(share, bar)
    evaluation = collect(plan, _gather(records, fabric))
    if fabric is not None:
        fabric.barrier()
    alarms = find_alarms(evaluation, scoring.law) if scoring.alarms else ()
    finished = finish(replace(evaluation, alarms=alarms), plan)
    records.close(remove=rank == 0)
    return finished


def _probes(plan: EvaluationPlan, records: Records, fabric: "Fabric | None") -> Mapping[str, Any]:
    """Probe the model in the first process, unless that is done; all processes get the same."""
    found = probes_of(records.known)
    if (fabric is None or fabric.global_rank == 0) and not found:
        eps = [one.value for one in plan.columns if one.axis.kind == "attack"]
        found = measure_probes(plan.setup, eps=eps, law=plan.scoring.law)
        if found:
            records.add(Record(PROBES, [], content=found))
    if fabric is not None and fabric.world_size > 1:
        shared = [found]
        torch.distributed.broadcast_object_list(shared, src=0)
        (found,) = shared
    return found


def _attacked(model: Any, attacks: Attacks) -> Any:
    """Give the classifier that attacks were built for, where it is around the module that came."""
    built = (one.estimator for one in as_list(attacks) if isinstance(one, VideoAttack))
    return next((one for one in built if one.inner is model), model)


def _identity(plan: EvaluationPlan) -> str:
    """Give what tells this evaluation from others, so that their records are never mixed."""
    classifier, scoring = plan.setup.classifier, plan.scoring
    tensors, facts = plan.setup.source.identity()
    adapted = classifier._model.adapted
    tensors += [adapted.get_buffer("mean"), adapted.get_buffer("std")]
    settings = [plan.setup.seed, scoring.eot, scoring.h264, scoring.law, classifier.precision]
    aim = [] if plan.target is None else [plan.target]
    return fingerprint(classifier.model, tensors, [*facts, *settings, *aim])


def _gather(records: Records, fabric: "Fabric | None") -> list[Record]:
    """Give every process the records of all."""
    shares = [records.new]
    if fabric is not None and fabric.world_size > 1:
        shares = [[]] * fabric.world_size
        torch.distributed.all_gather_object(shares, records.new)
    return [*records.known, *itertools.chain(*shares)]
