"""Attacks of three toolkits, each at the cost of its family."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import foolbox
import torch
import torchattacks
from foolbox.criteria import Misclassification
from foolbox.models.pytorch import PyTorchModel
from torch import Tensor

import advvid
from advvid.attacks import PAPER_LAW, parse_attack
from advvid.attacks.toolkits.folded_clips import FoldedModel, fold_time, unfold_time
from benchmarks.strength.subjects import Subject

Run = Callable[[Subject, float, int], Tensor]
"""(subject, budget, seed) -> clips under attack."""

CLASSES = 10


@dataclass(frozen=True)
class Family:
    """Attacks that are compared: the same norm at the same cost.

    Args:
        norm: that the budget bounds.
        passes: of each clip, at most: gradients, or queries of a black box.
        unit: "gradients" or "queries".
    """

    norm: str
    passes: int
    unit: str = "gradients"

    @property
    def name(self) -> str:
        """Such as "Linf, 20 gradients"."""
        return f"{self.norm}, {self.passes} {self.unit}"

    @property
    def budgets(self) -> str:
        """Families with the same word have the same budgets, and share an envelope."""
        return self.norm if self.unit == "gradients" else f"{self.norm} {self.unit}"


LINF, MANY, BLIND = Family("Linf", 20), Family("Linf", 180), Family("Linf", 500, "queries")
L2, L1 = Family("L2", 40), Family("L1", 40)
FAMILIES = (LINF, MANY, BLIND, L2, L1)


@dataclass(frozen=True)
class Contestant:
    """One attack.

    Args:
        toolkit: whose it is.
        name: as that toolkit calls it, with the settings that matter.
        family: what it is compared with.
        run: see `Run`.
        random: whether its result depends on the seed.
    """

    toolkit: str
    name: str
    family: Family
    run: Run
    random: bool = True

    @property
    def title(self) -> str:
        """Toolkit and name."""
        return f"{self.toolkit} {self.name}"


def contestants() -> list[Contestant]:
    """List all attacks."""
    return [*_advvid(), *_torchattacks(), *_foolbox()]


def _advvid() -> list[Contestant]:
    texts = [
        # APGD takes one gradient at its start; its steps are one less.
        (LINF, "pgd:max_iter=20", False),
        (LINF, "pgd:max_iter=20,loss=cw", False),
        (LINF, "apgd-ce:max_iter=19", True),
        (LINF, "apgd-dlr:max_iter=19", True),
        (MANY, "pgd:max_iter=20,loss=cw,num_random_init=9", True),
        (MANY, "apgd-t:max_iter=19", True),
        (MANY, "fab-t:max_iter=20", False),
        (BLIND, "square:queries=500", True),
        (L2, "pgd:norm=L2,max_iter=40", False),
        (L2, "pgd:norm=L2,max_iter=40,loss=cw", False),
        (L2, "apgd-ce:norm=L2,max_iter=39", True),
        (L2, "apgd-dlr:norm=L2,max_iter=39", True),
        (L2, "ddn:max_iter=40", False),
        (L1, "pgd:norm=L1,max_iter=40", False),
        (L1, "apgd-ce:norm=L1,max_iter=39", True),
        (L1, "apgd-dlr:norm=L1,max_iter=39", True),
    ]

    def runner(text: str) -> Run:
        def run(subject: Subject, eps: float, seed: int) -> Tensor:
            classifier = advvid.VideoClassifier(subject.model)
            attack = parse_attack(text).build(classifier, eps=eps, seed=seed, verbose=False)
            return attack.attack_clips(subject.clips, subject.labels).clips

        return run

    return [
        Contestant("advvid", text, family, runner(text), random) for family, text, random in texts
    ]


def _torchattacks() -> list[Contestant]:
    madry, law = {"alpha": "madry"}, {"alpha": "law"}
    still, dlr = {"random_start": False}, {"loss": "dlr"}
    targeted = {"n_classes": CLASSES}
    made: list[tuple[Family, str, str, dict[str, Any], bool]] = [
        (LINF, "PGD", "PGD", {"steps": 20, **madry, **still}, False),
        (LINF, "PGD, alpha by the law", "PGD", {"steps": 20, **law, **still}, False),
        (LINF, "PGD, random start", "PGD", {"steps": 20, **madry}, True),
        (LINF, "MIFGSM", "MIFGSM", {"steps": 20, **madry}, False),
        (LINF, "NIFGSM", "NIFGSM", {"steps": 20, **madry}, False),
        (LINF, "Jitter", "Jitter", {"steps": 20, **madry}, True),
        (LINF, "APGD, ce", "APGD", {"steps": 19}, True),
        (LINF, "APGD, dlr", "APGD", {"steps": 19, **dlr}, True),
        (MANY, "APGDT", "APGDT", {"steps": 19, **targeted}, True),
        (MANY, "FAB, targeted", "FAB", {"steps": 20, "multi_targeted": True, **targeted}, False),
        (BLIND, "Square", "Square", {"n_queries": 500}, True),
        (L2, "PGDL2", "PGDL2", {"steps": 40, **madry}, True),
        (L2, "APGD, ce", "APGD", {"norm": "L2", "steps": 39}, True),
        (L2, "APGD, dlr", "APGD", {"norm": "L2", "steps": 39, **dlr}, True),
    ]

    def runner(kind: str, settings: dict[str, Any]) -> Run:
        def run(subject: Subject, eps: float, seed: int) -> Tensor:
            torch.manual_seed(seed)
            chosen = {"eps": eps, **settings}
            if "alpha" in chosen:
                # Madry et al. 2018, or the law that advvid's PGD follows.
                usual = 2.5 * eps / chosen["steps"]
                chosen["alpha"] = usual if chosen["alpha"] == "madry" else PAPER_LAW(eps)
            elif kind in ("APGD", "APGDT", "FAB", "Square"):
                chosen["seed"] = seed
            folded = FoldedModel(subject.model, "channels", subject.clips).eval()
            attack = getattr(torchattacks, kind)(folded, **chosen)
            images = attack(fold_time(subject.clips, "channels"), subject.labels)
            channels, frames = subject.clips.shape[1:3]
            return unfold_time(images, "channels", channels=channels, frames=frames)

        return run

    return [
        Contestant("torchattacks", name, family, runner(kind, settings), random)
        for family, name, kind, settings, random in made
    ]


def _foolbox() -> list[Contestant]:
    still = {"random_start": False}
    made: list[tuple[Family, str, str, dict[str, Any], bool]] = [
        (LINF, "LinfPGD", "LinfPGD", {}, True),
        (LINF, "LinfPGD, 2.5 eps / steps", "LinfPGD", {"rel_stepsize": 2.5 / 20, **still}, False),
        (LINF, "LinfAdamPGD", "LinfAdamPGD", {}, True),
        (LINF, "MIFGSM", "MIFGSM", {}, True),
        (LINF, "LInfFMN", "LInfFMNAttack", {}, False),
        (LINF, "LinfDeepFool", "LinfDeepFoolAttack", {}, False),
        (MANY, "LInfFMN", "LInfFMNAttack", {}, False),
        (L2, "L2PGD", "L2PGD", {}, True),
        (L2, "L2PGD, 2.5 eps / steps", "L2PGD", {"rel_stepsize": 2.5 / 40, **still}, False),
        (L2, "L2AdamPGD", "L2AdamPGD", {}, True),
        (L2, "DDN", "DDNAttack", {}, False),
        (L2, "L2FMN", "L2FMNAttack", {}, False),
        (L1, "L1PGD", "L1PGD", {}, True),
        (L1, "SparseL1Descent", "SparseL1DescentAttack", {}, False),
        (L1, "L1FMN", "L1FMNAttack", {}, False),
    ]

    def runner(kind: str, settings: dict[str, Any]) -> Run:
        def run(subject: Subject, eps: float, seed: int) -> Tensor:
            torch.manual_seed(seed)
            model = PyTorchModel(subject.model, bounds=(0, 1), device=subject.clips.device)
            wrong = Misclassification(subject.labels)
            attack = getattr(foolbox.attacks, kind)(**settings)
            clips: Tensor = attack(model, subject.clips, wrong, epsilons=[eps])[1][0]
            return clips

        return run

    return [
        Contestant(
            "foolbox", name, family, runner(kind, {"steps": family.passes, **settings}), random
        )
        for family, name, kind, settings, random in made
    ]
