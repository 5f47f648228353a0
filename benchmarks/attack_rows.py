"""The same attack by advvid, by ART and by torchattacks, with the same settings."""

from typing import Any

import torchattacks
from art.attacks.evasion import (
    AutoProjectedGradientDescent,
    FrameSaliencyAttack,
    OverTheAirFlickeringPyTorch,
    ProjectedGradientDescent,
    ProjectedGradientDescentPyTorch,
    SquareAttack,
)
from torch import nn

from advvid.attacks.apgd import apgd
from advvid.attacks.apgd_targeted import apgd_targeted
from advvid.attacks.autoattack import auto_attack
from advvid.attacks.core.masks import border_mask, border_thickness
from advvid.attacks.fab import fab_targeted
from advvid.attacks.flickering import flickering
from advvid.attacks.frame_saliency import frame_saliency
from advvid.attacks.pgd import linf_pgd
from advvid.attacks.square import square_attack
from benchmarks.attack_bench import Bench, Row


def attack_rows(bench: Bench) -> list[Row]:
    """List the attacks that somebody else has too."""
    return [
        pgd_row(bench),
        border_row(bench),
        saliency_row(bench, "iterative"),
        saliency_row(bench, "refresh"),
        flickering_row(bench),
        apgd_row(bench),
        apgd_targeted_row(bench),
        fab_row(bench),
        square_row(bench),
        auto_attack_row(bench),
    ]


def pgd_row(bench: Bench) -> Row:
    """PGD on all pixels."""
    eps, alpha, given = 8 / 255, 1.8 / 255, (bench.model, bench.clips, bench.labels)
    theirs = ProjectedGradientDescentPyTorch(bench.art(), **bench.pgd_settings(eps, alpha))
    runs = {
        "advvid": lambda: linf_pgd(*given, eps=eps, step_size=alpha, steps=bench.steps),
        "ART": bench.by_art(theirs),
        "torchattacks": bench.by_torchattacks(
            lambda model: torchattacks.PGD(
                model, eps=eps, alpha=alpha, steps=bench.steps, random_start=False
            ),
            "clips",
        ),
    }
    return Row(f"`pgd`, eps 8, {bench.steps} steps", runs, bench.steps)


def border_row(bench: Bench) -> Row:
    """PGD in a border."""
    eps, alpha, given = 1.0, 0.05, (bench.model, bench.clips, bench.labels)
    height, width = bench.clips.shape[-2:]
    thickness = border_thickness(height, width, 0.15)
    mask = border_mask(height, width, thickness).expand_as(bench.clips)
    theirs = ProjectedGradientDescentPyTorch(bench.art(), **bench.pgd_settings(eps, alpha))
    runs = {
        "advvid": lambda: linf_pgd(*given, eps=eps, step_size=alpha, steps=bench.steps, mask=mask),
        "ART": bench.by_art(theirs, mask=mask.float().cpu().numpy()),
    }
    return Row(f"`frame-border`, eps 255, {bench.steps} steps", runs, bench.steps)


def saliency_row(bench: Bench, method: str) -> Row:
    """PGD on the most salient frames."""
    eps, alpha, given = 0.015, 0.003, (bench.model, bench.clips, bench.labels)
    classifier = bench.art()
    theirs = FrameSaliencyAttack(
        classifier,
        ProjectedGradientDescent(classifier, **bench.pgd_settings(eps, alpha)),
        method={"iterative": "iterative_saliency", "refresh": "iterative_saliency_refresh"}[method],
        frame_index=2,
        batch_size=len(bench.clips),
        verbose=False,
    )
    runs = {
        "advvid": lambda: (
            frame_saliency(*given, eps=eps, step_size=alpha, steps=bench.steps, method=method).clips
        ),
        "ART": bench.by_art(theirs),
    }
    # With refresh, as many as its clips need: no floor is known beforehand.
    gradients = bench.steps + 1 if method == "iterative" else 0
    name = f"`frame-saliency`, {method}, eps {eps * 255:.1f}, {bench.steps} steps"
    return Row(name, runs, gradients)


def flickering_row(bench: Bench) -> Row:
    """A color offset a frame."""
    theirs = OverTheAirFlickeringPyTorch(
        bench.art("NTHWC"),
        eps_step=0.01,
        max_iter=bench.steps,
        batch_size=len(bench.clips),
        verbose=False,
    )
    runs = {
        "advvid": lambda: (
            flickering(
                bench.model,
                bench.clips,
                bench.labels,
                step_size=0.01,
                steps=bench.steps,
                optimizer="sign",
            ).clips
        ),
        "ART": bench.by_art(theirs, "NTHWC"),
    }
    return Row(f"`flickering`, sign steps, {bench.steps} steps", runs, bench.steps)


def apgd_row(bench: Bench) -> Row:
    """Auto-PGD."""
    eps, given = 2 / 255, (bench.model, bench.clips, bench.labels)
    theirs = AutoProjectedGradientDescent(
        bench.art("channels"),
        eps=eps,
        eps_step=2 * eps,
        max_iter=bench.steps,
        nb_random_init=1,
        batch_size=len(bench.clips),
        verbose=False,
    )
    runs = {
        "advvid": lambda: apgd(*given, eps=eps, steps=bench.steps),
        "ART": bench.by_art(theirs, "channels"),
        "torchattacks": bench.by_torchattacks(
            lambda model: torchattacks.APGD(model, eps=eps, steps=bench.steps)
        ),
    }
    return Row(f"`apgd-ce`, eps 2, {bench.steps} steps", runs, bench.steps + 1)


def apgd_targeted_row(bench: Bench) -> Row:
    """Auto-PGD toward the likely classes."""
    eps, given = 1 / 255, (bench.model, bench.clips, bench.labels)
    runs = {
        "advvid": lambda: apgd_targeted(*given, eps=eps, steps=bench.steps),
        "torchattacks": bench.by_torchattacks(
            lambda model: torchattacks.APGDT(
                model, eps=eps, steps=bench.steps, n_classes=bench.classes
            )
        ),
    }
    return Row(f"`apgd-t`, eps 1, {bench.steps} steps", runs)


def fab_row(bench: Bench) -> Row:
    """FAB toward the likely classes."""
    eps, given = 1 / 255, (bench.model, bench.clips, bench.labels)
    runs = {
        "advvid": lambda: fab_targeted(*given, eps=eps, steps=bench.steps),
        "torchattacks": bench.by_torchattacks(
            lambda model: torchattacks.FAB(
                model, eps=eps, steps=bench.steps, multi_targeted=True, n_classes=bench.classes
            )
        ),
    }
    return Row(f"`fab-t`, eps 1, {bench.steps} steps", runs)


def square_row(bench: Bench) -> Row:
    """Random search."""
    eps, given = 4 / 255, (bench.model, bench.clips, bench.labels)
    theirs = SquareAttack(
        bench.art("channels"),
        eps=eps,
        max_iter=bench.queries,
        batch_size=len(bench.clips),
        verbose=False,
    )
    runs = {
        "advvid": lambda: square_attack(*given, eps=eps, queries=bench.queries).clips,
        "ART": bench.by_art(theirs, "channels"),
        "torchattacks": bench.by_torchattacks(
            lambda model: torchattacks.Square(model, eps=eps, n_queries=bench.queries)
        ),
    }
    return Row(f"`square`, eps 4, {bench.queries} queries", runs)


def auto_attack_row(bench: Bench) -> Row:
    """The four that AutoAttack is made of."""
    eps, steps, given = 1 / 255, bench.steps, (bench.model, bench.clips, bench.labels)

    def theirs(model: nn.Module) -> Any:
        classes = {"n_classes": bench.classes}
        return torchattacks.MultiAttack(
            [
                torchattacks.APGD(model, eps=eps, steps=steps),
                torchattacks.APGDT(model, eps=eps, steps=steps, **classes),
                torchattacks.FAB(model, eps=eps, steps=steps, multi_targeted=True, **classes),
                torchattacks.Square(model, eps=eps, n_queries=bench.queries),
            ]
        )

    runs = {
        "advvid": lambda: auto_attack(*given, eps=eps, steps=steps, queries=bench.queries).clips,
        "torchattacks": bench.by_torchattacks(theirs),
    }
    return Row(f"`autoattack`, eps 1, {steps} steps, {bench.queries} queries", runs)
