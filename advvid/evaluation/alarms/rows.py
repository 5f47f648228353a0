"""Signs in the rows of a table: attacks and budgets that do not go together."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.evaluation.condition_result import ConditionResult
from advvid.evaluation.result import Alarm, Results

_SIGNIFICANT = 0.05
_LAW_HOLDS_TO = 16 / 255
"""Kinfu and Vidal 2022 fitted their law to budgets up to 12/255."""
_FAR_FROM_LAW = 3.0
_LARGE = 4 / 255
_FAR_MORE = 0.25
"""Of the clips that were attacked."""
_CONVERGED = 10
"""Gradients a clip; an attack with fewer, and fewer than the best, is weak because it is short."""

_Look = Callable[[list[ConditionResult]], Iterator[Alarm]]


def row_alarms(results: Results, law: StepSizeLaw) -> Iterator[Alarm]:
    """Look for signs in rows; `law` gives the usual steps."""
    looks: list[_Look] = [_rising_accuracy, partial(_far_steps, law=law)]
    if results.target is None:
        looks.append(_flat_accuracy)
    else:
        # Twice a budget may well bring not one clip more to a certain class: that is no sign.
        results = _by_target(results)
    yield from _between_attacks(results)
    attacks = results.rows("attack").values()
    rows = [sorted(members, key=lambda one: one.eps) for members in attacks]
    for look in looks:
        for members in rows:
            yield from look(members)


def _by_target(results: Results) -> Results:
    """Count a clip as fooled by a targeted attack where it reaches its target, and only there."""
    judged = [
        one if one.reached is None else replace(one, correct=results.clean & ~one.reached)
        for one in results.results
    ]
    return replace(results, results=tuple(judged))


def _between_attacks(results: Results) -> Iterator[Alarm]:
    """Compare attacks on whole clips that have the same budget."""
    for column in results.columns_of("attack"):
        there = [one for one in results.results if one.strength.equals(column)]
        whole = [one for one in there if one.facts["bound"] == "Linf"]
        white = [one for one in whole if one.facts["access"] == "white box"]
        blind = [one for one in whole if one.facts["access"] != "white box"]
        if white:
            best_white = min(white, key=lambda one: one.accuracy.correct)
            yield from _black_box_wins(best_white, blind)
            yield from _far_weaker(best_white, white)


def _black_box_wins(best_white: ConditionResult, blind: list[ConditionResult]) -> Iterator[Alarm]:
    """The best attack without gradients fools clips that the best with gradients does not."""
    best_blind = min(blind, key=lambda one: one.accuracy.correct, default=None)
    if best_blind is not None and _more(best_blind, best_white):
        only_blind = _fooled_only(best_blind, best_white)
        only_white = _fooled_only(best_white, best_blind)
        eps = best_white.strength.printed
        yield Alarm(
            "black box beats white box",
            f"at eps {eps:.3g}, {best_blind.name} fools {only_blind} clips that "
            f"{best_white.name} does not (the other way round {only_white}): gradients are "
            "masked or the white box is too weak; trust the worst case only",
            {
                "eps": eps,
                "only_black_box": only_blind,
                "only_white_box": only_white,
                "black_box": best_blind.name,
                "white_box": best_white.name,
            },
        )


def _far_weaker(best: ConditionResult, white: list[ConditionResult]) -> Iterator[Alarm]:
    """An attack with gradients, and enough of them, leaves far more than the best one."""
    for one in white:
        lost = _fooled_only(best, one) - _fooled_only(one, best)
        enough = one.gradients_per_clip >= _CONVERGED or one.gradients >= best.gradients
        if enough and _more(best, one) and lost > _FAR_MORE * best.applied:
            eps = one.strength.printed
            yield Alarm(
                "a white box far weaker than the best",
                f"at eps {eps:.3g}, {one.name} leaves {one.accuracy.correct:g} clips correct, "
                f"{best.name} {best.accuracy.correct:g}: its loss or its gradient fails on this "
                "model; check its steps, and trust the worst case only",
                {"eps": eps, "attack": one.name, "best": best.name, "lost": lost},
            )


def _rising_accuracy(members: list[ConditionResult]) -> Iterator[Alarm]:
    """A larger budget leaves more clips correct."""
    for small, large in itertools.pairwise(members):
        rising, falling = _fooled_only(small, large), _fooled_only(large, small)
        if small.facts["access"] != "control" and _more(small, large):
            eps = [one.strength.printed for one in (small, large)]
            yield Alarm(
                "accuracy rises with the budget",
                f"{small.name}: {rising} clips are fooled at eps {eps[0]:.3g} and not at "
                f"{eps[1]:.3g} (the other way round {falling}): the attack does not "
                "converge; check its step size and steps",
                {"attack": small.name, "eps": eps, "rising": rising, "falling": falling},
            )


def _flat_accuracy(members: list[ConditionResult]) -> Iterator[Alarm]:
    """A budget that has at least doubled fools not one clip more."""
    small, large = members[0], members[-1]
    if small.facts["bound"] != "Linf" or small.facts["access"] == "control":
        return
    far_apart = large.eps >= max(2 * small.eps, _LARGE)
    remaining = large.accuracy.correct
    many = remaining > max(1, 0.05 * len(large.correct))
    if far_apart and many and _fooled_only(large, small) == 0:
        eps = [one.strength.printed for one in (small, large)]
        yield Alarm(
            "accuracy does not fall with the budget",
            f"{large.name} fools no clip at eps {eps[1]:.3g} that it does not fool at "
            f"{eps[0]:.3g}, and {remaining} remain correct: the attack does not use "
            "its budget; check its step size and steps",
            {"attack": large.name, "eps": eps, "remain_correct": remaining},
        )


def _far_steps(members: list[ConditionResult], law: StepSizeLaw) -> Iterator[Alarm]:
    """A step size that was set by hand is far from the law."""
    far = []
    for one in members:
        step = one.facts.get("eps_step")
        if step is not None and one.facts["norm"] == "Linf" and one.eps <= _LAW_HOLDS_TO:
            best = law(one.eps) * 255
            if not best / _FAR_FROM_LAW <= step <= best * _FAR_FROM_LAW:
                far.append({"eps": one.eps * 255, "step": step, "law": best})
    if far:
        name, where = members[0].name, [f"{row['law']:.3g} at eps {row['eps']:.3g}" for row in far]
        yield Alarm(
            "step size far from the law",
            f"{name} takes steps of {far[0]['step']:.3g}, where the law {law} says "
            f"{', '.join(where)}: sweep the step size of this model",
            {"attack": name, "steps": far},
        )


def _fooled_only(one: ConditionResult, other: ConditionResult) -> int:
    """Count the clips that one fools and the other does not."""
    return int((other.correct & ~one.correct).sum())


def _more(one: ConditionResult, other: ConditionResult) -> bool:
    """One-sided sign test: one fools more than the other does, by more than chance.

    Clips of a video are no independent witnesses: each video has one vote.
    """
    from scipy import stats

    ahead = other.correct.astype(int) - one.correct.astype(int)
    votes = ahead if one.units is None else np.bincount(one.units, ahead)
    ups, downs = int((votes > 0).sum()), int((votes < 0).sum())
    test = stats.binomtest(ups, max(1, ups + downs), alternative="greater")
    return bool(test.pvalue < _SIGNIFICANT)
