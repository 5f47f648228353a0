"""Accuracy under attack, judged here and not by the attacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.attacks.attack_spec import AttackSpec, parse_attack
from advvid.checks import check_budget, check_clips, check_count, check_labels
from advvid.clip_interface import Array
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.progress import progress_bar

BOUND_TOLERANCE = 1e-6
"""How far beyond its budget a result may lie before it counts as a broken attack."""


@dataclass(frozen=True)
class Accuracy:
    """Share of clips classified correctly, with its 95% Wilson interval.

    Args:
        correct: number of clips classified correctly.
        count: number of clips.
    """

    correct: int
    count: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """95% Wilson score interval (Wilson 1927)."""
        from scipy import stats

        bounds = stats.binomtest(self.correct, self.count).proportion_ci(0.95, method="wilson")
        return float(bounds.low), float(bounds.high)

    def __str__(self) -> str:
        """Spell it in percent."""
        low, high = self.interval
        return f"{100 * self.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass(frozen=True)
class Evaluation:
    """Which clips stay correctly classified under which attack and budget.

    Args:
        attacks: names of the attacks (A,).
        eps: budgets (E,), fractions of the pixel range.
        clean: bool (N,): correct without attack.
        robust: bool (A, E, N): correct under attack.
    """

    attacks: tuple[str, ...]
    eps: tuple[float, ...]
    clean: npt.NDArray[np.bool_]
    robust: npt.NDArray[np.bool_]

    @property
    def worst(self) -> npt.NDArray[np.bool_]:
        """bool (E, N): correct under every one of the attacks."""
        return np.asarray(self.robust.all(axis=0))

    @property
    def clean_accuracy(self) -> Accuracy:
        """Accuracy without attack."""
        return _accuracy(self.clean)

    def accuracy(self, attack: str, eps: float) -> Accuracy:
        """Accuracy under one attack, by its name, or "worst case", and one budget.

        Raises:
            InputError: when the attack or the budget was not evaluated.
        """
        columns = np.flatnonzero(np.isclose(self.eps, eps))
        if len(columns) == 0 or attack not in (*self.attacks, "worst case"):
            raise InputError(
                f"{attack} at eps {eps:g} was not evaluated; there are {', '.join(self.attacks)} "
                f"at {', '.join(f'{e:g}' for e in self.eps)}"
            )
        column = int(columns[0])
        rows = self.worst if attack == "worst case" else self.robust[self.attacks.index(attack)]
        return _accuracy(rows[column])

    def to_markdown(self) -> str:
        """Spell a table: rows attacks, columns budgets, accuracy in % with its interval."""
        rows = [*self.attacks, *(["worst case"] if len(self.attacks) > 1 else [])]
        head = ["attack", "eps 0", *(f"eps {e * 255:.3g}" for e in self.eps)]
        lines = [head, ["---"] * len(head)]
        for row in rows:
            cells = [self.accuracy(row, e) for e in self.eps]
            lines.append([row, str(self.clean_accuracy), *map(str, cells)])
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def to_dict(self) -> dict[str, Any]:
        """Give everything, clip by clip, as JSON can hold it; budgets in 1/255."""
        return {
            "unit": "1/255",
            "clips": len(self.clean),
            "eps": [e * 255 for e in self.eps],
            "attacks": list(self.attacks),
            "clean": self.clean.tolist(),
            "robust": self.robust.tolist(),
        }


def evaluate(
    classifier: VideoClassifier,
    clips: Array | Tensor,
    labels: Array | Tensor,
    *,
    attacks: str | Sequence[str] = ("pgd",),
    eps: Sequence[float] = (4 / 255, 8 / 255),
    batch_size: int = 32,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Measure accuracy under attack.

    Clips that are misclassified without attack count as wrong and are not attacked. Every result is
    checked against its budget and the pixel range and scored anew in evaluation mode.

    Args:
        classifier: the classifier under attack.
        clips: (N, 3, T, H, W) in [0, 1], in the layout of the classifier.
        labels: true labels, int (N,) or one-hot (N, K).
        attacks: a name or several, `NAME[:key=value,...]`; `advvid attacks` lists them.
        eps: budgets in (0, 1].
        batch_size: clips attacked at once; does not change the result.
        seed: of all that is random; each clip has its own stream.
        progress: show a bar.

    Returns:
        What stays correct, clip by clip.

    Raises:
        InputError: when clips, labels, budgets or attacks cannot be used.
        RuntimeError: when an attack left its bound: a defect of the attack.
    """
    data = classifier.to_clips(clips).detach()
    check_clips(data, input_shape=classifier.clip_shape)
    targets = classifier.to_labels(labels).to(data.device)
    check_labels(targets, len(data), classifier.nb_classes)
    if len(eps) == 0 or len(attacks) == 0:
        raise InputError("evaluate needs at least one attack and one budget")
    for budget in eps:
        check_budget(budget)
    check_count("batch_size", batch_size)
    specs = [parse_attack(text) for text in ([attacks] if isinstance(attacks, str) else attacks)]

    clean = (classifier.logits(data).argmax(dim=1) == targets.to(classifier.device)).cpu()
    standing = clean.nonzero().squeeze(1).to(data.device)
    robust = torch.zeros(len(specs), len(eps), len(data), dtype=torch.bool)
    total = len(specs) * len(eps) * len(standing)
    with progress_bar("Evaluate", total, shown=progress) as advance:
        for a, spec in enumerate(specs):
            for e, budget in enumerate(eps):
                for start in range(0, len(standing), batch_size):
                    part = standing[start : start + batch_size]
                    robust[a, e, part.cpu()] = _stands(
                        classifier, data[part], targets[part], spec, budget, part, seed
                    )
                    advance(len(part))
    return Evaluation(
        attacks=tuple(spec.text for spec in specs),
        eps=tuple(float(budget) for budget in eps),
        clean=clean.numpy(),
        robust=robust.numpy(),
    )


def _stands(
    classifier: VideoClassifier,
    clips: Tensor,
    labels: Tensor,
    spec: AttackSpec,
    eps: float,
    positions: Tensor,
    seed: int,
) -> Tensor:
    """Attack a batch and tell which clips (B,) are still classified correctly."""
    attack = spec.build(classifier, eps=eps, seed=seed, batch_size=len(clips), verbose=False)
    adversarial = attack.attack_clips(clips, labels, positions=positions).clips
    distance = float((adversarial - clips).abs().max())
    low, high = (float(v) for v in torch.aminmax(adversarial))
    if not (distance <= eps + BOUND_TOLERANCE and low >= 0 and high <= 1):
        raise RuntimeError(
            f"{spec.text} left its bound: distance {distance:g} with eps {eps:g}, pixels from "
            f"{low:g} to {high:g}"
        )
    predicted = classifier.logits(adversarial).argmax(dim=1).to(labels.device)
    return (predicted == labels).cpu()


def _accuracy(correct: npt.NDArray[np.bool_]) -> Accuracy:
    return Accuracy(int(correct.sum()), len(correct))
