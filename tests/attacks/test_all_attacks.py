"""What every attack of the registry promises: one row of settings an attack."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from advvid.attacks import ATTACKS
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, random_clips, small_model

# Settings that make it quick; the budget is given by the test.
TABLE: dict[str, dict[str, Any]] = {
    "pgd": {"max_iter": 3, "num_random_init": 2},
    "masked-pgd": {"max_iter": 3, "num_random_init": 1, "ratio": 0.5},
    "frame-border": {"max_iter": 3, "ratio": 0.5},
    "frame-saliency": {"max_iter": 3, "method": "refresh"},
    "flickering": {"max_iter": 3, "shift_draws": 1, "eps_step": 0.02},
    "sparse": {"max_iter": 4, "frames": 2, "order": "spread"},
    "apgd-ce": {"max_iter": 5},
    "apgd-dlr": {"max_iter": 5, "nb_random_init": 2},
    "apgd-t": {"max_iter": 3, "targets": 2},
    "fab-t": {"max_iter": 3, "targets": 2, "nb_random_init": 2},
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


@pytest.mark.parametrize("name", TABLE)
def test_batches_layouts_and_arrays_change_nothing(name: str) -> None:
    """And nothing of the caller's changes: clips, mode, statistics, global random state."""
    model = small_model()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    clips, _ = random_clips(5)
    clips = 0.2 + 0.6 * clips
    kept = clips.clone()
    plain = VideoClassifier(model, nb_classes=CLASSES)
    labels = plain.logits(clips).argmax(1)
    random_state = torch.random.get_rng_state()

    def result(batch_size: int, classifier: VideoClassifier, x: Any) -> torch.Tensor:
        attack = ATTACKS[name].build(
            classifier, eps=0.1, batch_size=batch_size, seed=3, verbose=False, **TABLE[name]
        )
        return torch.as_tensor(attack.generate(x, labels))

    whole = result(5, plain, clips)
    torch.testing.assert_close(result(2, plain, clips), whole, atol=2e-3, rtol=0)
    last = VideoClassifier(model, nb_classes=CLASSES, layout="NTHWC")
    turned = result(5, last, clips.permute(0, 2, 3, 4, 1).numpy())
    torch.testing.assert_close(turned.permute(0, 4, 1, 2, 3), whole, atol=2e-3, rtol=0)
    assert torch.equal(clips, kept)
    assert model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random_state)


@pytest.mark.parametrize("name", TABLE)
def test_targets_have_to_be_given(name: str) -> None:
    clips, _ = random_clips(2)
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    try:
        attack = ATTACKS[name].build(classifier, targeted=True, verbose=False, **TABLE[name])
    except InputError as error:
        # An attack that chooses its targets itself, or has none, says so.
        assert "targeted" in str(error)  # noqa: PT017
        return
    with pytest.raises(InputError, match="targeted attack needs labels"):
        attack.generate(clips)
