"""What `advvid evaluate` prints and writes."""

from collections.abc import Sequence

import numpy as np
import torch
from rich.console import Console

from advvid.attacks.core.attack_spec import attack_caption
from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.data.source import DatasetClips
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.cells import Cell
from advvid.evaluation.judge import held_to_bound
from advvid.evaluation.result import (
    WORST,
    AttackResult,
    Evaluation,
    Flags,
    accuracy_of,
    mean_accuracy,
)
from advvid.evaluation.suites import expand
from advvid.evaluation.tables import as_csv, group_markdown, markdown
from advvid.figures.accuracy import Bar, Curve
from advvid.runs.files import write_text
from advvid.runs.run_folder import RunFolder

_LEGEND = (
    "Top-1 accuracy in %, 95% Wilson intervals in brackets; budgets in 1/255.\n"
    "Seconds of all clips, gradients and forwards of one, at the largest budget of each attack."
)


class Report:
    """Everything a user sees of an evaluation.

    Args:
        folder: of the run.
        classifier: under attack.
        source: of the clips.
        classes: names, as the model counts them, or None.
    """

    def __init__(
        self,
        folder: RunFolder,
        classifier: VideoClassifier,
        source: DatasetClips,
        classes: tuple[str, ...] | None,
    ) -> None:
        self.folder = folder
        self.classifier = classifier
        self.source = source
        self.classes = classes
        self.console = Console(soft_wrap=True)

    def notes(self, notes: Sequence[str]) -> None:
        """Print what the user should know before."""
        for note in notes:
            self._line(f"note: {note}")

    def write(self, evaluation: Evaluation) -> None:
        """Write the numbers first, then the figures."""
        from advvid.figures.accuracy import accuracy_curves, attack_type_bars
        from advvid.figures.step_size import save_figure

        path = self.folder.path
        skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in self.source.skipped]
        self.folder.write_json("results.json", {**evaluation.to_dict(), "skipped": skipped})
        write_text(path / "results.csv", as_csv(evaluation))
        write_text(path / "table.md", self._tables(evaluation) + "\n")
        curves = _curves(evaluation)
        if curves:
            clean = evaluation.clean_accuracy.value
            chance = None if self.classes is None else 1 / len(self.classes)
            save_figure(accuracy_curves(curves, clean, chance=chance), path / "accuracy.png")
        save_figure(attack_type_bars(_bars(evaluation)), path / "attack_types.png")

    def print(self, evaluation: Evaluation) -> None:
        """Print the tables and the alarms."""
        self.notes([f"skipped {bad.path}: {bad.reason}" for bad in self.source.skipped])
        self._line(self._tables(evaluation))
        for alarm in evaluation.alarms:
            self._line(f"ALARM {alarm.name}: {alarm.message}")
        if evaluation.probes and not evaluation.alarms:
            self._line("no alarm: nothing speaks against the gradients of this model")
        self._line(f"results: {self.folder.path}")

    def picture(
        self, evaluation: Evaluation, *, count: int, law: StepSizeLaw | None, seed: int
    ) -> None:
        """Attack a few clips again and draw them before and after."""
        from advvid.figures.animation import comparison_picture

        result = _to_show(evaluation)
        fooled = np.flatnonzero(evaluation.clean & ~result.correct)
        shown = [*fooled, *np.flatnonzero(evaluation.clean & result.correct)][:count]
        if not shown:
            return
        cell = Cell(expand([result.attack])[0], result.eps)
        parts = list(self.source.batches(evaluation.positions[shown].tolist(), count))
        positions = torch.cat([part.indices for part in parts])
        clips = torch.cat([part.clips for part in parts])
        labels = torch.from_numpy(evaluation.labels[shown])
        with self.classifier.averaging(evaluation.eot):
            attack = cell.build(
                self.classifier, law=law or PAPER_LAW, seed=seed, batch_size=len(clips)
            )
            attacked = attack.attack_clips(clips, labels, positions=positions)
            entry = cell.row.spec.entry
            adversarial = held_to_bound(
                result.attack, clips, attacked, eps=result.eps, norm=entry.norm
            )
            predicted = self.classifier.logits(adversarial).argmax(dim=1).tolist()
        comparison_picture(
            self.folder.path / "comparison.gif",
            clips,
            adversarial,
            titles=[
                f"{self._name(label)} -> {self._name(after)}"
                for label, after in zip(labels.tolist(), predicted, strict=True)
            ],
            caption=attack_caption(cell.row.spec, result.eps),
        )

    def _tables(self, evaluation: Evaluation) -> str:
        several = any(len(results) > 1 for results in evaluation.groups().values())
        tables = [markdown(evaluation), *([group_markdown(evaluation)] if several else [])]
        return "\n\n".join([_LEGEND, *tables])

    def _name(self, label: int) -> str:
        return str(label) if self.classes is None else self.classes[label]

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False)


def _curves(evaluation: Evaluation) -> list[Curve]:
    """Accuracy against budget of every attack that has several budgets, and of the worst case."""

    def curve(name: str, eps: list[float], flags: list[Flags]) -> Curve:
        found = [accuracy_of(each) for each in (evaluation.clean, *flags)]
        return Curve(
            name=name,
            eps=[0.0, *eps],
            accuracy=[a.value for a in found],
            low=[a.interval[0] for a in found],
            high=[a.interval[1] for a in found],
        )

    curves = []
    for attack in evaluation.attacks:
        results = [r for r in evaluation.results if r.attack == attack and r.norm != "L2"]
        at = [r for r in results if np.isclose(evaluation.eps, r.eps).any()]
        if at:
            curves.append(curve(attack, [r.eps for r in at], [r.correct for r in at]))
    if len(curves) > 1:
        eps = list(evaluation.eps)
        curves.append(curve(WORST, eps, [evaluation.worst(e) for e in eps]))
    return curves


def _bars(evaluation: Evaluation) -> list[Bar]:
    """Mean accuracy of each kind of attack, first of all without."""
    low, high = evaluation.clean_accuracy.interval
    bars = [Bar("no attack", evaluation.clean_accuracy.value, low, high, [])]
    for group, results in evaluation.groups().items():
        mean = mean_accuracy(results)
        points = [r.accuracy.value for r in results] if len(results) > 1 else []
        bars.append(Bar(group, mean.value, *mean.interval, points))
    return bars


def _to_show(evaluation: Evaluation) -> AttackResult:
    """The white-box result that fools most clips, at the smallest budget that does."""
    usual = [r for r in evaluation.results if r.access == "white box"] or list(evaluation.results)
    return min(usual, key=lambda r: (int(r.correct.sum()), r.eps))
