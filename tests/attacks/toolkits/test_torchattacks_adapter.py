from typing import Any

import pytest
import torch
import torchattacks
from torch import Tensor, nn

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.attacks.registry import all_attacks, find_attack
from advvid.attacks.spec import parse_attack
from advvid.attacks.toolkits.torchattacks_adapter import TorchattacksAttack
from advvid.attacks.toolkits.torchattacks_table import RECIPES, REFUSED
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.attacks.toolkits.foreign_checks import (
    SHAPE,
    certain_case,
    keeps_its_bound,
    nothing_changes,
)
from tests.clip_models import CLASSES, LinearClipModel, random_clips, small_model

QUICK: dict[str, dict[str, Any]] = {
    "CW": {"c": 10, "steps": 20},
    "DeepFool": {"steps": 10},
    # Without the noise that it adds to its outputs.
    "Jitter": {"std": 0.0},
    "OnePixel": {"steps": 2},
    "Square": {"n_queries": 300},
    "Square-L2": {"n_queries": 300},
    "SparseFool": {"steps": 3},
}
# TPGD only moves away from the clean prediction, which may make it surer.
BY_GRADIENT = [n for n, r in RECIPES.items() if r.access == "white box" and n != "TPGD"]


def build(name: str, classifier: VideoClassifier, **kwargs: Any) -> TorchattacksAttack:
    return TorchattacksAttack(classifier, name, verbose=False, **{**QUICK.get(name, {}), **kwargs})


def test_every_attack_of_torchattacks_is_offered_or_refused() -> None:
    offered = {recipe.attack or name for name, recipe in RECIPES.items()}
    assert set(torchattacks.__all__) <= offered | set(REFUSED)
    assert not offered & set(REFUSED)
    assert {f"torchattacks/{name}" for name in RECIPES} <= set(all_attacks())


@pytest.mark.parametrize("name", RECIPES)
def test_bound_holds_and_nothing_of_the_caller_changes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small_model()
    list(model.children())[1].eval()
    clips, labels = random_clips(3, SHAPE)
    attack = build(name, VideoClassifier(model, nb_classes=CLASSES), eps=0.1)
    with nothing_changes(model, clips, capsys):
        adversarial = attack.generate(clips, labels)
    assert keeps_its_bound(attack, clips, adversarial)
    assert torch.equal(attack.generate(clips, labels), adversarial)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_gradient_attacks_succeed_where_they_must(name: str) -> None:
    classifier, clips, labels, eps = certain_case(RECIPES[name].norm)
    attack = build(name, classifier, eps=eps, seed=1)
    adversarial = attack.generate(clips, labels)
    assert keeps_its_bound(attack, clips, adversarial)
    assert not (classifier.logits(adversarial).argmax(1) == labels).any()


@pytest.mark.parametrize("name", ["Square", "Square-L2"])
def test_square_finds_some(name: str) -> None:
    classifier, clips, labels, eps = certain_case(RECIPES[name].norm, count=8)
    adversarial = build(name, classifier, eps=eps).generate(clips, labels)
    assert (classifier.logits(adversarial).argmax(1) != labels).any()


def test_one_pixel_changes_one_pixel_of_one_frame() -> None:
    clips, labels = random_clips(4, SHAPE)
    attack = build("OnePixel", VideoClassifier(LinearClipModel(SHAPE, CLASSES)), pixels=2)
    changed = (attack.generate(clips, labels) != clips).any(1).flatten(1).sum(1)
    assert changed.max() <= 2
    assert changed.min() >= 1


def test_pgd_is_ours_and_the_norm_of_momentum_is_that_of_the_clip() -> None:
    """The momentum attacks divide by a mean over (1, 2, 3), which are not all axes of a clip."""
    model = small_model().eval()
    clips, labels = random_clips(4, SHAPE)
    classifier = VideoClassifier(model, nb_classes=CLASSES)
    pgd = build("PGD", classifier, eps=0.05, steps=4, random_start=False)
    ours = linf_pgd(model, clips, labels, eps=0.05, steps=4)
    torch.testing.assert_close(pgd.generate(clips, labels), ours, atol=1e-6, rtol=0)

    eps, steps, alpha = 0.05, 4, 0.01
    expected, momentum = clips.clone(), torch.zeros_like(clips)
    for _ in range(steps):
        x = expected.clone().requires_grad_(True)
        loss = nn.functional.cross_entropy(model(x), labels, reduction="sum")
        (g,) = torch.autograd.grad(loss, x)
        momentum = momentum + g / g.abs().mean(dim=(1, 2, 3, 4), keepdim=True)
        expected = (expected + alpha * momentum.sign()).clamp(clips - eps, clips + eps).clamp(0, 1)
    momentum_attack = build("MIFGSM", classifier, eps=eps, steps=steps, alpha=alpha)
    actual = momentum_attack.generate(clips, labels)
    torch.testing.assert_close(actual, expected, atol=1e-6, rtol=0)


def test_pgdl2_is_wrong_on_five_axes_and_right_here() -> None:
    """With as many clips as channels the norms of clips are taken for those of channels."""
    classifier, clips, labels, _ = certain_case("L2", count=3)
    torch.manual_seed(0)
    raw = torchattacks.PGDL2(classifier.model, eps=0.5, alpha=0.4)(clips, labels)
    adversarial = build("PGDL2", classifier, eps=0.5, alpha=0.4).generate(clips, labels)
    distances = [(x - clips).flatten(1).double().norm(dim=1).max() for x in (raw, adversarial)]
    assert distances[0] > 0.5 + 1e-3
    assert distances[1] <= 0.5 + 1e-6


@pytest.mark.parametrize("eps", [0.5, 2.0, 8.0])
def test_l2_budgets_hold_without_rounding(eps: float) -> None:
    classifier, clips, labels, _ = certain_case("L2")
    adversarial = build("PGDRSL2", classifier, eps=eps).generate(clips, labels)
    assert (adversarial - clips).flatten(1).double().norm(dim=1).max() <= eps


def test_a_gradient_that_vanishes_changes_nothing() -> None:
    class Constant(nn.Module):
        num_classes = 2

        def forward(self, clips: Tensor) -> Tensor:
            return torch.stack([0 * clips.sum((1, 2, 3, 4)) + k for k in range(2)], dim=1)

    clips, _ = random_clips(2, SHAPE)
    labels = torch.tensor([1, 1])
    adversarial = build("MIFGSM", VideoClassifier(Constant()), eps=0.1).generate(clips, labels)
    assert torch.equal(adversarial, clips)


def test_arrays_layouts_and_targets() -> None:
    model = LinearClipModel(SHAPE, CLASSES)
    clips, _ = random_clips(4, SHAPE)
    labels = model(clips).argmax(1)
    plain = VideoClassifier(model)
    expected = build("APGD", plain, eps=0.1).generate(clips, labels)
    last = VideoClassifier(model, layout="NTHWC")
    x = clips.permute(0, 2, 3, 4, 1).numpy()
    turned = torch.from_numpy(build("APGD", last, eps=0.1).generate(x, labels.numpy()))
    torch.testing.assert_close(turned.permute(0, 4, 1, 2, 3), expected)
    targets = (labels + 1) % CLASSES
    for name in ("PGD", "MIFGSM", "UPGD"):
        attack = build(name, plain, eps=0.5, targeted=True)
        assert torch.equal(plain.logits(attack.generate(clips, targets)).argmax(1), targets)


def test_steps_follow_the_law_where_they_are_not_given() -> None:
    classifier = VideoClassifier(LinearClipModel(SHAPE, CLASSES))

    def arguments(text: str, **common: Any) -> dict[str, Any]:
        attack = parse_attack(text).build(classifier, eps=0.1, **common)
        assert isinstance(attack, TorchattacksAttack)
        return attack.arguments()

    assert arguments("torchattacks/PGD") == {"eps": 0.1, "alpha": PAPER_LAW(0.1)}
    law = StepSizeLaw(0.5, 0)
    assert arguments("torchattacks/PGD", eps_step=law)["alpha"] == pytest.approx(0.05)
    assert arguments("torchattacks/FFGSM", eps_step=law)["alpha"] == pytest.approx(0.125)
    given = arguments("torchattacks/PGD:alpha=2/255,eps=8/255,steps=7,random_start=no")
    assert given == {"alpha": 2 / 255, "eps": 8 / 255, "steps": 7, "random_start": False}
    assert arguments("torchattacks/BIM:eps_step=0.01")["alpha"] == 0.01
    assert arguments("torchattacks/PGDL2:eps=2")["alpha"] == pytest.approx(0.4)
    assert arguments("torchattacks/CW:c=2,lr=1/100") == {"c": 2, "lr": 0.01}
    assert arguments("torchattacks/FAB-L2:eps=2") == {"eps": 2.0, "norm": "L2"}
    # Less than a quarter of a gray level, the law would be longer than the budget.
    tiny = build("PGD", classifier, eps=1e-4).arguments()
    assert tiny["alpha"] == 1e-4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torchattacks/PDG", "did you mean torchattacks/PGD"),
        ("torchattacks/tifgsm", "TIFGSM is not offered: its kernel"),
        ("torchattacks/Nonesuch", "advvid attacks"),
        ("APGD", "did you mean torchattacks/APGD or art/"),
        ("torchattacks/APGD:norm=L2", "no setting"),
        ("torchattacks/PGD:seed=1", "no setting"),
        ("torchattacks/PGD:steps=many", "cannot be 'many'"),
        ("torchattacks/FFGSM:eps_step=law.json", "cannot be 'law.json'"),
        ("torchattacks/PGD:eps=8", "at most 1"),
    ],
)
def test_invalid_texts_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_attack(text)
    assert "\n" not in str(caught.value)


def test_names_are_the_same_in_any_capitals() -> None:
    assert find_attack("TorchAttacks/apgd-l2") == find_attack("torchattacks/APGD-L2")
    assert find_attack("PGD") == find_attack("pgd")


def test_what_cannot_run_says_so() -> None:
    clips, labels = random_clips(2, (3, 4, 8, 10))
    classifier = VideoClassifier(LinearClipModel((3, 4, 8, 10), CLASSES))
    with pytest.raises(InputError, match="takes no mask"):
        build("PGD", classifier).generate(clips, labels, mask=torch.ones(1, 1, 1, 8, 10))
    with pytest.raises(InputError, match="takes square frames; got 8 x 10"):
        build("DIFGSM", classifier).generate(clips, labels)
    with pytest.raises(InputError, match="cannot be targeted"):
        build("APGD", classifier, targeted=True)
    with pytest.raises(InputError, match="no setting 'stepz'"):
        build("PGD", classifier, stepz=3)
    with pytest.raises(InputError, match="LGV is not offered"):
        build("LGV", classifier)
    with pytest.raises(InputError, match="UPGD failed: no is not valid"):
        build("UPGD", classifier, loss="no").generate(clips, labels)
