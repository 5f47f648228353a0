"""Signs that an evaluation over-reports robustness, each with what was measured.

They follow the checks of Athalye, Carlini and Wagner 2018 ("Obfuscated gradients give a false sense
of security", sec. 3.1) and of Carlini et al. 2019 ("On evaluating adversarial robustness", sec. 4
and 5).
"""

import itertools
from collections.abc import Iterator
from typing import Any

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.evaluation.result import Alarm, ConditionResult, Results

_SIGNIFICANT = 0.05
_LAW_HOLDS_TO = 16 / 255
"""Kinfu and Vidal 2022 fitted their law to budgets up to 12/255."""
_FAR_FROM_LAW = 3.0
_LARGE = 4 / 255


def find_alarms(results: Results, law: StepSizeLaw) -> tuple[Alarm, ...]:
    """Look through an evaluation and its probes for all signs.

    Args:
        results: with probes, see `advvid.evaluation.probes`; without them, only what the
            results show is looked at.
        law: that step sizes are compared with.
    """
    probes = dict(results.probes)
    return (
        *_black_box_wins(results),
        *_rising_accuracy(results),
        *_flat_accuracy(results),
        *_far_steps(results, law),
        *(_from_probes(probes, results.eot) if probes else ()),
    )


def _black_box_wins(results: Results) -> Iterator[Alarm]:
    """The best attack without gradients fools clips that the best with gradients does not."""
    for column in results.columns_of("attack"):
        there = [one for one in results.of_kind("attack") if one.strength.equals(column)]
        whole = [one for one in there if one.facts["bound"] == "Linf"]
        white = [one for one in whole if one.facts["access"] == "white box"]
        blind = [one for one in whole if one.facts["access"] != "white box"]
        if not white or not blind:
            continue
        best_white, best_blind = _best(white), _best(blind)
        only_blind = int((best_white.correct & ~best_blind.correct).sum())
        only_white = int((~best_white.correct & best_blind.correct).sum())
        if _more(only_blind, only_white):
            yield Alarm(
                "black box beats white box",
                f"at eps {column.printed:.3g}, {best_blind.name} fools {only_blind} clips that "
                f"{best_white.name} does not (the other way round {only_white}): gradients are "
                "masked or the white box is too weak; trust the worst case only",
                {
                    "eps": column.printed,
                    "only_black_box": only_blind,
                    "only_white_box": only_white,
                    "black_box": best_blind.name,
                    "white_box": best_white.name,
                },
            )


def _rising_accuracy(results: Results) -> Iterator[Alarm]:
    """A larger budget leaves more clips correct."""
    for name, members in _rows(results):
        if members[0].facts["access"] == "control":
            continue
        for small, large in itertools.pairwise(members):
            rising = int((large.correct & ~small.correct).sum())
            falling = int((~large.correct & small.correct).sum())
            if _more(rising, falling):
                eps = [one.strength.value * 255 for one in (small, large)]
                yield Alarm(
                    "accuracy rises with the budget",
                    f"{name}: {rising} clips are fooled at eps {eps[0]:.3g} and not at "
                    f"{eps[1]:.3g} (the other way round {falling}): the attack does not "
                    "converge; check its step size and steps",
                    {"attack": name, "eps": eps, "rising": rising, "falling": falling},
                )


def _flat_accuracy(results: Results) -> Iterator[Alarm]:
    """A budget that has at least doubled fools not one clip more."""
    for name, members in _rows(results):
        if members[0].facts["bound"] != "Linf" or members[0].facts["access"] == "control":
            continue
        small, large = members[0], members[-1]
        far_apart = large.eps >= max(2 * small.eps, _LARGE)
        remaining = int(large.correct.sum())
        fallen = int((small.correct & ~large.correct).sum())
        if far_apart and fallen == 0 and remaining > max(1, 0.05 * len(large.correct)):
            yield Alarm(
                "accuracy does not fall with the budget",
                f"{name} fools no clip at eps {large.eps * 255:.3g} that it does not fool at "
                f"{small.eps * 255:.3g}, and {remaining} remain correct: the attack does not use "
                "its budget; check its step size and steps",
                {"attack": name, "eps": [small.eps * 255, large.eps * 255], "stands": remaining},
            )


def _far_steps(results: Results, law: StepSizeLaw) -> Iterator[Alarm]:
    """A step size that was set by hand is far from the law."""
    for name, members in _rows(results):
        far = []
        for one in members:
            step = one.facts.get("eps_step")
            if step is not None and one.facts["norm"] == "Linf" and one.eps <= _LAW_HOLDS_TO:
                best = law(one.eps) * 255
                if not best / _FAR_FROM_LAW <= step <= best * _FAR_FROM_LAW:
                    far.append({"eps": one.eps * 255, "step": step, "law": best})
        if far:
            where = ", ".join(f"{row['law']:.3g} at eps {row['eps']:.3g}" for row in far)
            yield Alarm(
                "step size far from the law",
                f"{name} takes steps of {far[0]['step']:.3g}, where the law {law} says {where}: "
                "sweep the step size of this model",
                {"attack": name, "steps": far},
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
    remaining = probes["stands_at_64"]
    if remaining > max(1, 0.05 * clips):
        yield Alarm(
            "a huge budget fools too few",
            f"PGD at eps 64 leaves {remaining} of {clips} clips correct, where hardly any should "
            "be: the gradients do not lead to what fools the model",
            {"stands_at_64": remaining, "clips": clips},
        )
    if probes["differs"] > 1e-3 and eot == 1:
        yield Alarm(
            "outputs differ between identical calls",
            f"logits of the same clips differ by up to {probes['differs']:.3g} between two calls: "
            "attacks see one draw and the score another; average over draws with --eot 10 (eot=10)",
            {"differs": probes["differs"], "clips": clips},
        )


def _rows(results: Results) -> Iterator[tuple[str, list[ConditionResult]]]:
    """Give the attacks with their results, the smallest budget first."""
    for name in results.attacks:
        members = [one for one in results.of_kind("attack") if one.name == name]
        yield name, sorted(members, key=lambda one: one.strength.value)


def _best(results: list[ConditionResult]) -> ConditionResult:
    return min(results, key=lambda one: int(one.correct.sum()))


def _more(ups: int, downs: int) -> bool:
    """One-sided sign test: ups outnumber downs by more than chance."""
    from scipy import stats

    if ups == 0:
        return False
    test = stats.binomtest(ups, ups + downs, alternative="greater")
    return bool(test.pvalue < _SIGNIFICANT)
