"""One row of a table: trained, then attacked; each part is resumed where it was stopped."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.data import ClipDataset, load_dataset
from advvid.defenses import Prepared, as_schedule, build_defense, pgd_check
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation import DatasetClips, evaluate
from advvid.evaluation.evaluation import Evaluation
from advvid.figures.words import WORST
from advvid.models.video_model import VideoModel
from advvid.pairing import load_training
from advvid.reproduction.rows import COLUMNS, TableRow
from advvid.reproduction.scales import Scale
from advvid.runs.files import write_text
from advvid.runs.stored import StoredError, read_json, restored
from advvid.runs.terminal import say
from advvid.training import History, train

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_RESULT, _PGD = "row.json", "pgd.json"
# Of anything that a row counts.
_MOST = 2**31
_AGAIN = "delete it, then resume (`resume=True`)"


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


def finished_row(folder: Path) -> RowResult | None:
    """Read the result of a row, or None when it is not finished.

    Raises:
        InputError: when its file holds something else.
    """
    path = folder / _RESULT
    return _stored(RowResult, path) if path.is_file() else None


@dataclass(frozen=True)
class PgdColumns:
    """What a row has reached under PGD alone, until it is finished; see `RowResult`."""

    pgd: list[int]
    clips: int
    alarms: list[str]


Stored = TypeVar("Stored", RowResult, PgdColumns)


def _stored(kind: type[Stored], path: Path) -> Stored:
    """Read what a row has reached so far."""
    try:
        found = restored(kind, read_json(path))
    except StoredError as error:
        raise InputError(f"{path} cannot be used ({error}): {_AGAIN}") from error
    columns = [(found.pgd, found.clips)]
    numbers: list[float] = [found.clips]
    if isinstance(found, RowResult):
        columns.append((found.auto, found.auto_clips))
        numbers += [found.auto_clips, found.epochs, found.kept_epoch, found.seconds]
    sound = all(0 <= number < _MOST for number in numbers) and all(
        len(right) == len(COLUMNS) and all(0 <= n <= clips for n in right)
        for right, clips in columns
    )
    if not sound:
        raise InputError(f"{path} holds numbers that no row has: {_AGAIN}")
    return found


def load_scale(scale: Scale) -> tuple[VideoModel, ClipDataset, ClipDataset, ClipDataset]:
    """Load a fresh model, and its clips to train, validate and test on.

    Raises:
        InputError: when either cannot be loaded.
    """
    assert scale.data is not None
    reading = {"seed": scale.settings.seed, **scale.reading}
    model, train_data, val_data = load_training(
        scale.model, scale.data, weights=scale.weights, **reading
    )
    _, reading["frames"], reading["size"], _ = train_data.clip_shape
    test_data = load_dataset(scale.data, split="test", **reading)
    return model, train_data, val_data, test_data


def defended(row: TableRow, scale: Scale, law: StepSizeLaw, data: ClipDataset) -> Prepared | None:
    """Make what a row trains by; None for training on clean clips.

    Raises:
        InputError: when scale and data do not go together.
    """
    if row.defense is None:
        return None
    return build_defense(
        row.defense,
        data,
        seed=scale.settings.seed,
        **row.options,
        step_rule=row.step_rule(law),
        attack_steps=as_schedule(scale.attack_steps),
        attack_batch_norm=scale.attack_batch_norm,
        **({"held_out": scale.held_out} if row.defense == "aat" else {}),
    )


def check_rows(rows: Iterable[TableRow], scale: Scale, law: StepSizeLaw) -> None:
    """Find out before anything is written whether rows can be trained; loads model and data.

    Raises:
        InputError: when model, data or a defense cannot be used.
    """
    _, train_data, _, _ = load_scale(scale)
    for row in rows:
        defended(row, scale, law, train_data)


@dataclass(frozen=True)
class RowRun:
    """The work on one row.

    Args:
        row: how the model is defended.
        scale: all else.
        folder: of the row; what it holds of a run that was stopped is not done again.
        law: optimal step size.
        fabric: launched; training and evaluation are shared among its processes.
        devices: processes on this machine.
    """

    row: TableRow
    scale: Scale
    folder: Path
    law: StepSizeLaw
    fabric: "Fabric"
    devices: int = 1

    def finish(self) -> RowResult:
        """Load a fresh model with its clips; train it, attack it and write down how it fared."""
        self.say("training")
        model, train_data, val_data, test_data = load_scale(self.scale)
        history = self._train(model, train_data, val_data)
        self.say("attacking")
        return self._attack(model, test_data, history)

    def say(self, text: str) -> None:
        """Tell the user how far the row is."""
        if self.fabric.is_global_zero:
            say(f"{self.row.name}: {text}", stderr=True)

    def _train(self, model: VideoModel, data: ClipDataset, val_data: ClipDataset) -> History:
        """Train the model in place, from its start or from where it was stopped."""
        scale, out = self.scale, self.folder / "train"
        defense = defended(self.row, scale, self.law, data)
        return train(
            model,
            data if defense is None or defense.data is None else defense.data,
            val_data,
            settings=scale.settings,
            task=None if defense is None else defense.task,
            robust=pgd_check(
                scale.val_eps / 255,
                law=self.law,
                clips=scale.val_clips,
                keep_best=scale.keep_best,
            ),
            out=out,
            resume=(out / "checkpoint.pt").exists(),
            device=self.fabric.device,
            devices=self.devices,
            progress=self.fabric.is_global_zero,
        )

    def _attack(self, model: VideoModel, data: ClipDataset, history: History) -> RowResult:
        """Attack the model at all budgets."""
        scale, pgd = self.scale, f"pgd:max_iter={self.scale.steps}"
        classifier = VideoClassifier(
            model,
            input_shape=data.clip_shape,
            nb_classes=len(data.classes),
            device=self.fabric.device,
            precision=scale.settings.precision,
        )

        def run(
            name: str, count: int | None, attacks: Sequence[str], *, alarms: bool
        ) -> Evaluation:
            found = evaluate(
                classifier,
                DatasetClips(data, count, seed=scale.settings.seed),
                attacks=attacks,
                eps=[e / 255 for e in COLUMNS if e],
                law=self.law,
                seed=scale.settings.seed,
                alarms=alarms,
                parts=self.folder / f"parts-{name}",
                fabric=self.fabric,
                progress=self.fabric.is_global_zero,
            )
            self._write(f"evaluation-{name}.json", found.to_dict())
            return found

        # What was measured before the row was stopped is not measured again.
        if (self.folder / _PGD).is_file():
            known = _stored(PgdColumns, self.folder / _PGD)
        else:
            found = run("pgd", scale.clips, [pgd], alarms=True)
            alarms = [alarm.message for alarm in found.alarms]
            known = PgdColumns(_right(found, pgd), len(found.clean), alarms)
            self._write(_PGD, asdict(known))
        by_all = run("autoattack", scale.auto_clips, [pgd, scale.auto_attack], alarms=False)
        result = RowResult(
            name=self.row.name,
            **asdict(known),
            auto=_right(by_all, WORST),
            auto_clips=len(by_all.clean),
            epochs=len(history.epochs),
            kept_epoch=history.best_epoch or len(history.epochs),
            seconds=round(sum(record.seconds for record in history.epochs), 1),
        )
        self._write(_RESULT, asdict(result), indent=2)
        return result

    def _write(self, name: str, content: dict[str, Any], *, indent: int | None = None) -> None:
        if self.fabric.is_global_zero:
            write_text(self.folder / name, json.dumps(content, indent=indent) + "\n")


def _right(found: Evaluation, attack: str) -> list[int]:
    """How many clips remain correct, for each budget of `COLUMNS`."""
    under = [found.accuracy(attack, e / 255).correct for e in COLUMNS if e]
    return [round(n) for n in (found.clean_accuracy.correct, *under)]
