"""One row of a table: trained, then attacked; each part is resumed where it was stopped."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses import as_schedule, build_defense, pgd_check
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation import DatasetClips, evaluate
from advvid.evaluation.evaluation import Evaluation
from advvid.figures.words import WORST
from advvid.models.video_model import VideoModel
from advvid.reproduction.rows import COLUMNS, TableRow
from advvid.reproduction.scales import Scale
from advvid.runs.files import write_text
from advvid.training import History, train

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_RESULT, _PGD = "row.json", "pgd.json"


@dataclass(frozen=True)
class RowResult:
    """What one model reached.

    Args:
        name: as the paper writes it.
        pgd: right under PGD at the optimal step, for each budget of `COLUMNS`, of `clips`.
        auto: right under PGD and AutoAttack, clip by clip the worst, of `auto_clips`.
        clips: test clips of `pgd`.
        auto_clips: test clips of `auto`.
        epochs: trained.
        kept_epoch: whose weights were kept.
        seconds: of the training.
        alarms: signs that the numbers over-report robustness.
    """

    name: str
    pgd: list[int]
    auto: list[int]
    clips: int
    auto_clips: int
    epochs: int
    kept_epoch: int
    seconds: float
    alarms: list[str]


def train_row(
    row: TableRow,
    scale: Scale,
    model: VideoModel,
    train_data: ClipDataset,
    val_data: ClipDataset,
    folder: Path,
    *,
    law: StepSizeLaw,
    **where: Any,
) -> History:
    """Train the model of a row in place, from its start or from where it was stopped.

    Args:
        row: how it is defended.
        scale: all else.
        model: loaded.
        train_data: as for `train`.
        val_data: as for `train`.
        folder: of the row; the training writes below it.
        law: optimal step size.
        where: `device`, `devices`, `nodes` and `progress` of `train`.
    """
    task, data = None, train_data
    if row.defense is not None:
        options = {
            **row.options,
            "step_rule": row.step_rule(law),
            "attack_steps": as_schedule(scale.attack_steps),
            "attack_batch_norm": scale.attack_batch_norm,
        }
        if row.defense == "aat":
            options |= {"held_out": scale.held_out}
        defense = build_defense(row.defense, train_data, seed=scale.settings.seed, **options)
        assert defense.data is not None
        task, data = defense.task, defense.data
    robust = pgd_check(
        scale.val_eps / 255, law=law, clips=scale.val_clips, keep_best=scale.keep_best
    )
    out = folder / "train"
    return train(
        model,
        data,
        val_data,
        settings=scale.settings,
        task=task,
        robust=robust,
        out=out,
        resume=(out / "checkpoint.pt").exists(),
        **where,
    )


def evaluate_row(
    row: TableRow,
    scale: Scale,
    model: VideoModel,
    history: History,
    test_data: ClipDataset,
    folder: Path,
    *,
    law: StepSizeLaw,
    device: Any,
    precision: str = "float32",
    fabric: "Fabric | None" = None,
    progress: bool = False,
) -> RowResult:
    """Attack the model of a row at all budgets, and write down how it fared.

    Args:
        row: for its name.
        scale: how many clips and steps.
        model: trained.
        history: of the training.
        test_data: labels as the model counts them.
        folder: of the row.
        law: step size of PGD.
        device: of the evaluation.
        precision: of the evaluation.
        fabric: launched; clips are shared among its processes.
        progress: show a bar.
    """
    classifier = VideoClassifier(
        model,
        input_shape=test_data.clip_shape,
        nb_classes=len(test_data.classes),
        device=device,
        precision=precision,
    )
    pgd = f"pgd:max_iter={scale.steps}"

    def run(count: int | None, attacks: Sequence[str], name: str, *, alarms: bool) -> Evaluation:
        source = DatasetClips(test_data, count, seed=scale.settings.seed)
        return evaluate(
            classifier,
            source,
            attacks=attacks,
            eps=[e / 255 for e in COLUMNS if e],
            law=law,
            seed=scale.settings.seed,
            alarms=alarms,
            parts=folder / name,
            fabric=fabric,
            progress=progress,
        )

    def right(found: Evaluation, attack: str) -> list[int]:
        under = [found.accuracy(attack, e / 255).correct for e in COLUMNS if e]
        return [round(n) for n in (found.clean_accuracy.correct, *under)]

    writes = fabric is None or fabric.is_global_zero

    def columns() -> dict[str, Any]:
        """Measure under PGD, or read what was measured before the row was stopped."""
        path = folder / _PGD
        if path.is_file():
            known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return known
        found = run(scale.clips, [pgd], "parts-pgd", alarms=True)
        known = {
            "pgd": right(found, pgd),
            "clips": len(found.clean),
            "alarms": [alarm.message for alarm in found.alarms],
        }
        if writes:
            write_text(folder / "evaluation-pgd.json", json.dumps(found.to_dict()) + "\n")
            write_text(path, json.dumps(known) + "\n")
        return known

    known = columns()
    by_all = run(scale.auto_clips, [pgd, scale.auto_attack], "parts-autoattack", alarms=False)
    result = RowResult(
        name=row.name,
        **known,
        auto=right(by_all, WORST),
        auto_clips=len(by_all.clean),
        epochs=len(history.epochs),
        kept_epoch=history.best_epoch or len(history.epochs),
        seconds=round(sum(record.seconds for record in history.epochs), 1),
    )
    if writes:
        write_text(folder / "evaluation-autoattack.json", json.dumps(by_all.to_dict()) + "\n")
        write_text(folder / _RESULT, json.dumps(asdict(result), indent=2) + "\n")
    return result


def finished_row(folder: Path) -> RowResult | None:
    """Read the result of a row, or None when it is not finished."""
    path = folder / _RESULT
    if not path.is_file():
        return None
    return RowResult(**json.loads(path.read_text(encoding="utf-8")))


def shares(correct: Sequence[int], count: int) -> list[float]:
    """Give percentages."""
    return [float(100 * share) for share in np.asarray(correct) / count]
