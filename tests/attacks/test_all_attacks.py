"""What every attack of the registry promises: one row of settings an attack."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import ATTACKS, AttackBatch
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.random_streams import clip_seeds
from tests.clip_models import CLASSES, LinearClipModel, OneByOne, random_clips, small_model

# Settings that make it quick; the budget is given by the test.
TABLE: dict[str, dict[str, Any]] = {
    "pgd": {"max_iter": 3, "num_random_init": 2},
    "masked-pgd": {
        "max_iter": 3,
        "num_random_init": 1,
        "ratio": 0.5,
        "corner": "search",
        "motion": "per-frame",
    },
    "frame-border": {"max_iter": 3, "ratio": 0.5},
    "frame-saliency": {"max_iter": 3, "method": "refresh"},
    "flickering": {"max_iter": 3, "shift_draws": 1, "eps_step": 0.02},
    "sparse": {"max_iter": 4, "frames": 2, "order": "spread"},
    "apgd-ce": {"max_iter": 5, "frames": 2},
    "apgd-dlr": {"max_iter": 5, "num_random_init": 2},
    "apgd-t": {"max_iter": 3, "targets": 2},
    "ddn": {"max_iter": 5},
    "fab-t": {"max_iter": 3, "targets": 2, "num_random_init": 2},
    "square": {"queries": 20},
    "autoattack": {"max_iter": 2, "targets": 2, "queries": 10},
    "random-noise": {"draws": 2},
    "corner-noise": {},
}


def test_every_attack_has_a_row() -> None:
    assert set(TABLE) == set(ATTACKS)


@pytest.mark.parametrize("name", TABLE)
@settings(max_examples=8, deadline=None)
@given(
    eps=st.floats(0.004, 1),
    frames=st.integers(1, 4),
    height=st.integers(8, 12),
    width=st.integers(8, 12),
    seed=st.integers(0, 1000),
)
def test_bound_pixel_range_and_support_hold(
    name: str, eps: float, frames: int, height: int, width: int, seed: int
) -> None:
    shape = (3, frames, height, width)
    clips, labels = random_clips(3, shape, seed=seed)
    classifier = VideoClassifier(LinearClipModel(shape, CLASSES))
    attack = ATTACKS[name].build(classifier, eps=eps, seed=seed, verbose=False, **TABLE[name])
    adversarial = attack.generate(clips, labels)
    assert adversarial.shape == clips.shape
    assert adversarial.dtype == torch.float32
    assert (adversarial - clips).abs().max() <= eps + 1e-6
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    support = attack.report.get("support")
    if support is not None:
        assert torch.equal(adversarial.where(support == 0, clips), clips)


@pytest.mark.parametrize("name", TABLE)
def test_a_mask_of_the_caller_is_kept_to(name: str) -> None:
    clips, labels = random_clips(4, (3, 4, 10, 8))
    mask = torch.zeros(1, 1, 4, 10, 8)
    mask[:, :, 1:3, 2:] = 1
    attack = ATTACKS[name].build(
        VideoClassifier(LinearClipModel((3, 4, 10, 8), CLASSES)),
        eps=0.2,
        verbose=False,
        **TABLE[name],
    )
    adversarial = attack.generate(clips, labels, mask=mask)
    assert torch.equal(adversarial.where(mask == 0, clips), clips)


@pytest.mark.parametrize(
    "name", ["pgd", "masked-pgd", "frame-border", "frame-saliency", "apgd-ce", "apgd-dlr", "apgd-t"]
)
def test_each_clip_may_have_a_budget_of_its_own(name: str) -> None:
    classifier, clips, labels = case(OneByOne(small_model()))
    eps = torch.tensor([0.02, 0.04, 0.06, 0.08, 0.1])
    attack = ATTACKS[name].build(classifier, eps=eps, batch_size=2, verbose=False, **TABLE[name])
    distance = (attack.generate(clips, labels) - clips).abs().flatten(1).amax(1)
    assert (distance <= eps + 1e-6).all()
    assert (distance > 0.6 * eps).all()
    with pytest.raises(InputError, match="one for each of the 4 clips"):
        attack.generate(clips[:4], labels[:4])


def run(name: str, classifier: VideoClassifier, x: Any, labels: Tensor, batch_size: int) -> Any:
    attack = ATTACKS[name].build(
        classifier, eps=0.1, batch_size=batch_size, seed=3, verbose=False, **TABLE[name]
    )
    return attack.generate(x, labels)


def case(model: nn.Module) -> tuple[VideoClassifier, Tensor, Tensor]:
    classifier = VideoClassifier(model, nb_classes=CLASSES)
    clips = 0.2 + 0.6 * random_clips(5)[0]
    return classifier, clips, classifier.logits(clips).argmax(1)


@pytest.mark.parametrize("name", TABLE)
def test_batches_layouts_and_arrays_give_the_same_bits(name: str) -> None:
    model = OneByOne(small_model())
    classifier, clips, labels = case(model)
    whole = run(name, classifier, clips, labels, 5)
    assert (whole != clips).any()
    assert torch.equal(run(name, classifier, clips, labels, 2), whole)
    last = VideoClassifier(model, nb_classes=CLASSES, layout="NTHWC")
    turned = run(name, last, clips.permute(0, 2, 3, 4, 1).numpy(), labels, 5)
    assert torch.equal(torch.from_numpy(turned).permute(0, 4, 1, 2, 3), whole)


@pytest.mark.parametrize("name", TABLE)
def test_nothing_of_the_caller_changes(name: str) -> None:
    """Neither clips nor mode, statistics, gradients or the global random state."""
    model = small_model()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    classifier, clips, labels = case(model)
    kept, random_state = clips.clone(), torch.random.get_rng_state()
    run(name, classifier, clips, labels, 3)
    assert torch.equal(clips, kept)
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random_state)


@pytest.mark.parametrize("name", TABLE)
def test_models_and_clips_may_have_double_precision(name: str) -> None:
    """As functions take them; a classifier works in float32."""
    model = small_model().double().eval()
    clips = 0.2 + 0.6 * random_clips(5)[0].double()
    labels = model(clips).argmax(1)
    attack = ATTACKS[name].build(case(small_model())[0], eps=0.1, verbose=False, **TABLE[name])
    batch = AttackBatch(
        clips, labels, clip_seeds(0, 5), clip_seeds(0, 1), None, positions=torch.arange(5)
    )
    adversarial = attack.perturb(model, batch).clips
    assert adversarial.dtype == torch.float64
    assert (adversarial != clips).any()
    assert (adversarial - clips).abs().max() <= 0.1 + 1e-6


# Those that choose their targets themselves, or have none.
UNTARGETED = {"apgd-t", "fab-t", "autoattack", "random-noise", "corner-noise"}


@pytest.mark.parametrize("name", sorted(set(TABLE) - UNTARGETED))
def test_targets_have_to_be_given(name: str) -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    attack = ATTACKS[name].build(classifier, targeted=True, verbose=False, **TABLE[name])
    with pytest.raises(InputError, match="targeted attack needs labels"):
        attack.generate(random_clips(2)[0])


@pytest.mark.parametrize("name", sorted(UNTARGETED))
def test_attacks_without_targets_cannot_be_targeted(name: str) -> None:
    with pytest.raises(InputError, match="cannot be targeted: "):
        ATTACKS[name].build(VideoClassifier(LinearClipModel()), targeted=True)
