"""Signs that an evaluation over-reports robustness, each with what was measured.

They follow the checks of Athalye, Carlini and Wagner 2018 ("Obfuscated gradients give a false sense
of security", sec. 3.1) and of Carlini et al. 2019 ("On evaluating adversarial robustness", sec. 4
and 5).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from advvid.attacks.core.step_law import StepSizeLaw
    from advvid.evaluation.result import AttackResult, Evaluation

_SIGNIFICANT = 0.05
_LAW_HOLDS_TO = 16 / 255
"""Kinfu and Vidal 2022 fitted their law to budgets up to 12/255."""
_FAR_FROM_LAW = 3.0
_LARGE = 4 / 255


@dataclass(frozen=True)
class Alarm:
    """One sign.

    Args:
        name: short, for programs.
        message: one line: what was seen, and what to do.
        measured: the numbers.
    """

    name: str
    message: str
    measured: dict[str, Any]


def find_alarms(evaluation: Evaluation, law: StepSizeLaw) -> tuple[Alarm, ...]:
    """Look through an evaluation and its probes for all signs.

    Args:
        evaluation: with probes, see `advvid.evaluation.probes`; without them, only what the
            results show is looked at.
        law: that step sizes are compared with.
    """
    probes = dict(evaluation.probes)
    return (
        *_black_box_wins(evaluation),
        *_rising_accuracy(evaluation),
        *_flat_accuracy(evaluation),
        *_far_steps(evaluation, law),
        *(_from_probes(probes, evaluation.eot) if probes else ()),
    )


def _black_box_wins(evaluation: Evaluation) -> Iterator[Alarm]:
    """The best attack without gradients fools clips that the best with gradients does not."""
    for eps in evaluation.eps:
        whole = [r for r in evaluation.results if r.bound == "Linf" and np.isclose(r.eps, eps)]
        white = [r for r in whole if r.access == "white box"]
        blind = [r for r in whole if r.access != "white box"]
        if not white or not blind:
            continue
        best_white, best_blind = _strongest(white), _strongest(blind)
        only_blind = int((best_white.correct & ~best_blind.correct).sum())
        only_white = int((~best_white.correct & best_blind.correct).sum())
        if _more(only_blind, only_white):
            yield Alarm(
                "black box beats white box",
                f"at eps {eps * 255:.3g}, {best_blind.attack} fools {only_blind} clips that "
                f"{best_white.attack} does not (the other way round {only_white}): gradients are "
                "masked or the white box is too weak; trust the worst case only",
                {
                    "eps": eps * 255,
                    "only_black_box": only_blind,
                    "only_white_box": only_white,
                    "black_box": best_blind.attack,
                    "white_box": best_white.attack,
                },
            )


def _rising_accuracy(evaluation: Evaluation) -> Iterator[Alarm]:
    """A larger budget leaves more clips standing."""
    for attack in evaluation.attacks:
        results = sorted(
            (r for r in evaluation.results if r.attack == attack and r.access != "control"),
            key=lambda r: r.eps,
        )
        for small, large in itertools.pairwise(results):
            rising = int((large.correct & ~small.correct).sum())
            falling = int((~large.correct & small.correct).sum())
            if _more(rising, falling):
                yield Alarm(
                    "accuracy rises with the budget",
                    f"{attack}: {rising} clips are fooled at eps {small.eps * 255:.3g} and not at "
                    f"{large.eps * 255:.3g} (the other way round {falling}): the attack does not "
                    "converge; check its step size and steps",
                    {
                        "attack": attack,
                        "eps": [small.eps * 255, large.eps * 255],
                        "rising": rising,
                        "falling": falling,
                    },
                )


def _flat_accuracy(evaluation: Evaluation) -> Iterator[Alarm]:
    """A budget that has at least doubled fools not one clip more."""
    for attack in evaluation.attacks:
        results = sorted(
            (r for r in evaluation.results if r.attack == attack and r.bound == "Linf"),
            key=lambda r: r.eps,
        )
        if not results or results[0].access == "control":
            continue
        small, large = results[0], results[-1]
        far_apart = large.eps >= max(2 * small.eps, _LARGE)
        stands = int(large.correct.sum())
        fallen = int((small.correct & ~large.correct).sum())
        if far_apart and fallen == 0 and stands > max(1, 0.05 * len(large.correct)):
            yield Alarm(
                "accuracy does not fall with the budget",
                f"{attack} fools no clip at eps {large.eps * 255:.3g} that it does not fool at "
                f"{small.eps * 255:.3g}, and {stands} stand: the attack does not use its budget; "
                "check its step size and steps",
                {"attack": attack, "eps": [small.eps * 255, large.eps * 255], "stands": stands},
            )


def _far_steps(evaluation: Evaluation, law: StepSizeLaw) -> Iterator[Alarm]:
    """A step size that was set by hand is far from the law."""
    for attack in evaluation.attacks:
        far = []
        for result in evaluation.results:
            step = result.step
            inside = result.eps <= _LAW_HOLDS_TO and result.norm == "Linf"
            if result.attack == attack and inside and step is not None:
                best = law(result.eps)
                if not best / _FAR_FROM_LAW <= step <= best * _FAR_FROM_LAW:
                    far.append({"eps": result.eps * 255, "step": step * 255, "law": best * 255})
        if far:
            where = ", ".join(f"{row['law']:.3g} at eps {row['eps']:.3g}" for row in far)
            yield Alarm(
                "step size far from the law",
                f"{attack} takes steps of {far[0]['step']:.3g}, where the law {law} says {where}: "
                "sweep the step size of this model",
                {"attack": attack, "steps": far},
            )


def _from_probes(probes: dict[str, Any], eot: int) -> Iterator[Alarm]:
    """What the probes of the model show."""
    clips, eps = probes["clips"], probes["eps"]
    measured = {"clips": clips, "eps": eps}
    if probes["zero_gradient"] > 0.05 * clips:
        yield Alarm(
            "zero gradients",
            f"the gradient of the loss is zero for {probes['zero_gradient']} of {clips} clips: "
            "attacks that follow it cannot move; try loss=cw, square, or a smooth stand-in for "
            "the layer that stops it",
            {"zero_gradient": probes["zero_gradient"], **measured},
        )
    if probes["noise_not_weaker"] > 0.25 * clips:
        yield Alarm(
            "random noise as good as gradients",
            f"at eps {eps:.3g}, the best of {probes['draws']} random corners raises the loss as "
            f"much as PGD for {probes['noise_not_weaker']} of {clips} clips: gradients say nothing "
            "about the loss",
            {"noise_not_weaker": probes["noise_not_weaker"], "draws": probes["draws"], **measured},
        )
    if probes["one_step_better"] * 2 > clips:
        yield Alarm(
            "one step better than many",
            f"at eps {eps:.3g}, one step raises the loss more than {probes['steps']} for "
            f"{probes['one_step_better']} of {clips} clips: the loss is too rough to follow, or "
            "the step size is off",
            {"one_step_better": probes["one_step_better"], **measured},
        )
    stands = probes["stands_at_64"]
    if stands > max(1, 0.05 * clips):
        yield Alarm(
            "a huge budget does not win",
            f"PGD at eps 64 leaves {stands} of {clips} clips, where hardly any should stand: the "
            "gradients do not lead to what fools the model",
            {"stands_at_64": stands, "clips": clips},
        )
    if probes["differs"] > 1e-3 and eot == 1:
        yield Alarm(
            "outputs differ between identical calls",
            f"logits of the same clips differ by up to {probes['differs']:.3g} between two calls: "
            "attacks see one draw and the score another; average over draws with --eot 10 (eot=10)",
            {"differs": probes["differs"], "clips": clips},
        )


def _strongest(results: list[AttackResult]) -> AttackResult:
    return min(results, key=lambda r: int(r.correct.sum()))


def _more(wins: int, losses: int) -> bool:
    """One-sided sign test: wins outnumber losses by more than chance."""
    from scipy import stats

    if wins == 0:
        return False
    test = stats.binomtest(wins, wins + losses, alternative="greater")
    return bool(test.pvalue < _SIGNIFICANT)
