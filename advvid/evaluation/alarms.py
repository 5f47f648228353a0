"""Signs that an evaluation over-reports robustness, each with what was measured.

They follow the checks of Athalye, Carlini and Wagner 2018 ("Obfuscated gradients give a false sense
of security", sec. 3.1) and of Carlini et al. 2019 ("On evaluating adversarial robustness", sec. 4
and 5).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.evaluation.condition_result import ConditionResult
from advvid.evaluation.result import Alarm, Results

_SIGNIFICANT = 0.05
_LAW_HOLDS_TO = 16 / 255
"""Kinfu and Vidal 2022 fitted their law to budgets up to 12/255."""
_FAR_FROM_LAW = 3.0
_LARGE = 4 / 255

_Probes = Mapping[str, Any]
_Look = Callable[[list[ConditionResult]], Iterator[Alarm]]

# Name, what has to be measured, message, and the numbers that go with it.
_SIGNS: tuple[tuple[str, Callable[[_Probes], bool], str, tuple[str, ...]], ...] = (
    (
        "zero gradients",
        lambda p: p["zero_gradient"] > 0.05 * p["clips"],
        "the gradient of the loss is zero for {zero_gradient} of {clips} clips: attacks that "
        "follow it cannot move; try loss=cw, square, or a smooth stand-in for the layer that "
        "stops it",
        ("zero_gradient", "clips", "eps"),
    ),
    (
        "random noise as good as gradients",
        lambda p: p["noise_not_weaker"] > 0.25 * p["clips"],
        "at eps {eps:.3g}, the best of {draws} random corners raises the loss as much as PGD for "
        "{noise_not_weaker} of {clips} clips: gradients say nothing about the loss",
        ("noise_not_weaker", "draws", "clips", "eps"),
    ),
    (
        "one step better than many",
        lambda p: p["one_step_better"] * 2 > p["clips"],
        "at eps {eps:.3g}, one step raises the loss more than {steps} for {one_step_better} of "
        "{clips} clips: the loss is too rough to follow, or the step size is off",
        ("one_step_better", "clips", "eps"),
    ),
    (
        "a huge budget fools too few",
        lambda p: p["remain_correct_at_64"] > max(1, 0.05 * p["clips"]),
        "PGD at eps 64 leaves {remain_correct_at_64} of {clips} clips correct, where hardly any "
        "should be: the gradients do not lead to what fools the model",
        ("remain_correct_at_64", "clips"),
    ),
    (
        "outputs differ between identical calls",
        lambda p: p["differs"] > 1e-3 and p["eot"] == 1,
        "logits of the same clips differ by up to {differs:.3g} between two calls: attacks see one "
        "draw and the score another; average over draws with --eot 10 (eot=10)",
        ("differs", "clips"),
    ),
)


def find_alarms(results: Results, law: StepSizeLaw) -> tuple[Alarm, ...]:
    """Look for all signs in results and in their probes, if any; `law` gives the usual steps."""
    looks: list[_Look] = [_rising_accuracy, partial(_far_steps, law=law)]
    if results.target is None:
        looks.append(_flat_accuracy)
    else:
        # Twice a budget may well bring not one clip more to a certain class: that is no sign.
        results = _by_target(results)
    found = [*_black_box_wins(results)]
    attacks = results.rows("attack").values()
    rows = [sorted(members, key=lambda one: one.eps) for members in attacks]
    for look in looks:
        found += [alarm for members in rows for alarm in look(members)]
    probes = {**results.probes, "eot": results.eot}
    for name, shows, message, measured in _SIGNS if results.probes else ():
        if shows(probes):
            values = {key: probes[key] for key in measured}
            found.append(Alarm(name, message.format(**probes), values))
    return tuple(found)


def _by_target(results: Results) -> Results:
    """Count a clip as fooled by a targeted attack where it reaches its target, and only there."""
    judged = [
        one if one.reached is None else replace(one, correct=results.clean & ~one.reached)
        for one in results.results
    ]
    return replace(results, results=tuple(judged))


def _black_box_wins(results: Results) -> Iterator[Alarm]:
    """The best attack without gradients fools clips that the best with gradients does not."""
    for column in results.columns_of("attack"):
        there = [one for one in results.results if one.strength.equals(column)]
        whole = [one for one in there if one.facts["bound"] == "Linf"]
        white = [one for one in whole if one.facts["access"] == "white box"]
        blind = [one for one in whole if one.facts["access"] != "white box"]
        if not white or not blind:
            continue
        best_white = min(white, key=lambda one: one.accuracy.correct)
        best_blind = min(blind, key=lambda one: one.accuracy.correct)
        only_blind = _fooled_only(best_blind, best_white)
        only_white = _fooled_only(best_white, best_blind)
        if _more(best_blind, best_white):
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


def _rising_accuracy(members: list[ConditionResult]) -> Iterator[Alarm]:
    """A larger budget leaves more clips correct."""
    for small, large in itertools.pairwise(members):
        rising, falling = _fooled_only(small, large), _fooled_only(large, small)
        if small.facts["access"] != "control" and _more(small, large):
            eps = [one.eps * 255 for one in (small, large)]
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
        eps = [one.eps * 255 for one in (small, large)]
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
