import importlib.util
from typing import Any

import art.attacks.evasion
import pytest
import torch
from art.attacks import EvasionAttack

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.attacks.registry import all_attacks, find_attack
from advvid.attacks.spec import parse_attack
from advvid.attacks.toolkits.art_adapter import ArtAttack
from advvid.attacks.toolkits.art_table import RECIPES, REFUSED, SHORT_NAMES
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.attacks.toolkits.foreign_checks import (
    SHAPE,
    certain_case,
    keeps_its_bound,
    nothing_changes,
)
from tests.clip_models import CLASSES, LinearClipModel, random_clips, small_model

# ART's AutoAttack imports it, even where it runs in one process.
PARALLEL = importlib.util.find_spec("multiprocess") is not None
NAMES = [name for name in RECIPES if PARALLEL or name != "AutoAttack"]

QUICK: dict[str, dict[str, Any]] = {
    "BoundaryAttack": {"max_iter": 5, "num_trial": 3, "sample_size": 3, "init_size": 5},
    "CarliniL2Method": {"max_iter": 20, "binary_search_steps": 3, "initial_const": 10.0},
    "CarliniLInfMethod": {"max_iter": 10, "initial_const": 1.0},
    "ElasticNet": {"max_iter": 20, "binary_search_steps": 4, "initial_const": 1.0},
    "HopSkipJump": {"max_iter": 2, "max_eval": 40, "init_eval": 10, "init_size": 5},
    "OverTheAirFlickeringPyTorch": {"max_iter": 5},
    "PixelAttack": {"th": 5, "max_iter": 2},
    "SaliencyMapMethod": {"theta": 0.5},
    "SignOPTAttack": {"max_iter": 2, "num_trial": 5, "query_limit": 100, "k": 5},
    "SimBA": {"max_iter": 50},
    "ThresholdAttack": {"th": 20, "max_iter": 1},
    "UniversalPerturbation": {"max_iter": 2},
    "ZooAttack": {"max_iter": 3, "nb_parallel": 16},
}
ITERATIVE = {
    "BasicIterativeMethod",
    "MomentumIterativeMethod",
    "ProjectedGradientDescent",
    "ProjectedGradientDescent-L2",
    "ProjectedGradientDescentNumpy",
    "ProjectedGradientDescentPyTorch",
    "AutoProjectedGradientDescent",
    "AutoProjectedGradientDescent-L2",
}
# A perturbation for all clips, flickers, and NewtonFool's lowered confidence may leave some right.
CERTAIN = [
    *ITERATIVE,
    "FastGradientMethod",
    "CarliniL2Method",
    "CarliniLInfMethod",
    "DeepFool",
    "ElasticNet",
    "SaliencyMapMethod",
]


def build(name: str, classifier: VideoClassifier, **kwargs: Any) -> ArtAttack:
    settings = {"max_iter": 10} if name in ITERATIVE else QUICK.get(name, {})
    return ArtAttack(classifier, name, verbose=False, **{**settings, **kwargs})


def test_every_evasion_attack_of_art_is_offered_or_refused() -> None:
    classes = {
        name
        for name, value in vars(art.attacks.evasion).items()
        if isinstance(value, type) and issubclass(value, EvasionAttack)
    }
    offered = {recipe.attack or name for name, recipe in RECIPES.items()}
    assert classes == offered | set(REFUSED)
    assert not offered & set(REFUSED)
    assert {f"art/{name}" for name in RECIPES} <= set(all_attacks())
    assert set(SHORT_NAMES.values()) <= set(RECIPES) | set(REFUSED)


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", CERTAIN)
def test_attacks_succeed_where_they_must(name: str) -> None:
    classifier, clips, labels, eps = certain_case(RECIPES[name].norm)
    attack = build(name, classifier, eps=eps)
    adversarial = attack.generate(clips, labels)
    assert keeps_its_bound(attack, clips, adversarial)
    assert not (classifier.logits(adversarial).argmax(1) == labels).any()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("BoundaryAttack", {"max_iter": 30, "init_size": 100}),
        ("HopSkipJump", {"max_iter": 3, "init_size": 100}),
        ("NewtonFool", {"max_iter": 20}),
        ("SignOPTAttack", {"query_limit": 300}),
        ("SimBA", {"max_iter": 400}),
        ("SpatialTransformation", {"max_translation": 30.0}),
        ("SquareAttack", {"max_iter": 300}),
        ("UniversalPerturbation", {}),
        ("ZooAttack", {"max_iter": 30, "learning_rate": 0.2, "initial_const": 10.0}),
    ],
)
def test_the_others_find_some(name: str, settings: dict[str, Any]) -> None:
    classifier, clips, labels, eps = certain_case(RECIPES[name].norm, count=8)
    adversarial = build(name, classifier, eps=eps, **settings).generate(clips, labels)
    assert (classifier.logits(adversarial).argmax(1) != labels).any()


def test_what_few_pixels_and_flickers_mean() -> None:
    clips, labels = random_clips(3, SHAPE)
    classifier = VideoClassifier(LinearClipModel(SHAPE, CLASSES))
    labels = classifier.logits(clips).argmax(1)
    pixels = build("PixelAttack", classifier, th=3, max_iter=5).generate(clips, labels)
    # ART goes through 0..255 and back, which rounds.
    changed = ((pixels - clips).abs() > 1e-6).any(1).flatten(1).sum(1)
    assert changed.max() <= 3
    clips = 0.4 + 0.2 * clips
    flickers = build("OverTheAirFlickeringPyTorch", classifier).generate(clips, labels)
    offset = flickers - clips
    assert offset.abs().max() > 0.01
    torch.testing.assert_close(offset, offset[..., :1, :1].expand_as(offset), atol=1e-6, rtol=0)


def test_pgd_is_ours() -> None:
    model = small_model().eval()
    clips, labels = random_clips(4, SHAPE)
    last = VideoClassifier(model, nb_classes=CLASSES, layout="NTHWC")
    attack = build("ProjectedGradientDescent", last, eps=0.05, max_iter=4)
    adversarial = attack.generate(clips.permute(0, 2, 3, 4, 1).numpy(), labels.numpy())
    ours = linf_pgd(model, clips, labels, eps=0.05, steps=4)
    theirs = torch.from_numpy(adversarial).permute(0, 4, 1, 2, 3)
    torch.testing.assert_close(theirs, ours, atol=1e-6, rtol=0)


def test_targets_are_reached() -> None:
    model = LinearClipModel(SHAPE, CLASSES)
    clips, _ = random_clips(4, SHAPE)
    targets = (model(clips).argmax(1) + 1) % CLASSES
    classifier = VideoClassifier(model)
    for name in ("ProjectedGradientDescent", "SaliencyMapMethod"):
        attack = build(name, classifier, eps=0.5, targeted=True)
        assert torch.equal(classifier.logits(attack.generate(clips, targets)).argmax(1), targets)


def test_steps_follow_the_law_where_they_are_not_given() -> None:
    classifier = VideoClassifier(LinearClipModel(SHAPE, CLASSES))

    def arguments(text: str, **common: Any) -> dict[str, Any]:
        attack = parse_attack(text).build(classifier, eps=0.1, **common)
        assert isinstance(attack, ArtAttack)
        return attack.arguments()

    assert arguments("art/PGD") == {"eps": 0.1, "eps_step": PAPER_LAW(0.1)}
    law = StepSizeLaw(0.5, 0)
    assert arguments("art/PGD", eps_step=law)["eps_step"] == pytest.approx(0.05)
    assert arguments("art/APGD", eps_step=law)["eps_step"] == 0.1
    assert arguments("art/APGD:eps_step=0.02,eps=0.04")["eps_step"] == 0.02
    given = arguments("art/SquareAttack:max_iter=100,eps=8/255,p_init=0.5")
    assert given == {"max_iter": 100, "eps": 8 / 255, "p_init": 0.5}
    assert arguments("art/PGD-L2:eps=3") == {"eps": 3.0, "eps_step": 1.0, "norm": 2}
    assert arguments("art/APGD:loss_type=cross_entropy")["loss_type"] == "cross_entropy"
    assert arguments("art/PixelAttack:th=4") == {"th": 4, "max_iter": 5}
    assert arguments("art/ZooAttack:use_resize=yes")["use_resize"] is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("art/SquarAttack", "did you mean art/SquareAttack"),
        ("art/geoda", "GeoDA is not offered: it writes files"),
        ("art/ACG", "forgets the sign"),
        ("art/DPatch", "object detectors"),
        ("SquareAttack", "did you mean art/SquareAttack"),
        ("art/PGD:norm=2", "no setting"),
        ("art/PGD:targeted=yes", "no setting"),
        ("art/PGD:max_iter=few", "cannot be 'few'"),
    ],
)
def test_invalid_texts_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_attack(text)
    assert "\n" not in str(caught.value)


def test_short_names_and_capitals() -> None:
    assert find_attack("ART/squareattack") == find_attack("art/Square")
    assert find_attack("art/pgd") == find_attack("art/ProjectedGradientDescent")


def test_what_cannot_run_says_so() -> None:
    clips, labels = random_clips(2, SHAPE)
    classifier = VideoClassifier(LinearClipModel(SHAPE, CLASSES))
    with pytest.raises(InputError, match="takes no mask"):
        build("DeepFool", classifier).generate(clips, labels, mask=torch.ones(1, 1, 1, 8, 8))
    with pytest.raises(InputError, match="cannot be targeted"):
        build("DeepFool", classifier, targeted=True)
    with pytest.raises(InputError, match="GeoDA is not offered"):
        build("GeoDA", classifier)
    with pytest.raises(InputError, match="no setting 'steps'"):
        build("ProjectedGradientDescent", classifier, steps=3)
    with pytest.raises(InputError, match="art/DeepFool failed: The overshoot"):
        build("DeepFool", classifier, epsilon=-1.0).generate(clips, labels)
    if not PARALLEL:
        with pytest.raises(InputError, match="pip install multiprocess"):
            build("AutoAttack", classifier, eps=0.1).generate(clips, labels)


def test_pixel_attack_ends_without_a_word_of_the_user() -> None:
    """ART's own defaults ask for 40000 passes of a clip up to seven times."""
    asked = 0

    class Stubborn(LinearClipModel):
        """Says the same of every clip, so that nothing ends early."""

        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            nonlocal asked
            asked += len(clips)
            return 0 * super().forward(clips) + torch.arange(CLASSES)

    clips, _ = random_clips(1)
    attack = ArtAttack(VideoClassifier(Stubborn(classes=CLASSES)), "PixelAttack", verbose=False)
    attack.generate(clips, torch.tensor([CLASSES - 1]))
    assert asked < 5000
    settings = find_attack("art/PixelAttack").settings()
    assert (settings["th"].default, settings["max_iter"].default) == (5, 5)
