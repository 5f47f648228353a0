import pytest
import torch
from torch import Tensor

from advvid.attacks import FABTargeted, fab_targeted
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips


def case(count: int = 12) -> tuple[LinearClipModel, Tensor, Tensor, Tensor]:
    """A linear model, clips that no pixel range holds back, labels, and exact distances.

    The boundary to class k is (z_y - z_k) / ||w_y - w_k||_1 away in the L-infinity norm.
    """
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(count)
    clips = 0.3 + 0.4 * clips
    logits = model(clips).detach()
    labels = logits.argmax(1)
    norms = (model.weight[labels][:, None] - model.weight[None]).abs().sum(2).detach()
    margins = (logits.gather(1, labels[:, None]) - logits) / norms.clamp_min(1e-9)
    return model, clips, labels, margins.scatter(1, labels[:, None], torch.inf).amin(1)


def test_distance_on_a_linear_model_is_the_exact_one() -> None:
    model, clips, labels, exact = case()
    assert exact.max() < 0.3
    for i in range(len(clips)):
        one = slice(i, i + 1)
        # The budget is a little more than what is needed: what is found must lie within it.
        eps = 1.05 * float(exact[i])
        found = fab_targeted(model, clips[one], labels[one], eps=eps, steps=20)
        distance = float((found - clips[one]).abs().max())
        assert model(found).argmax() != labels[i]
        assert distance >= 0.9999 * float(exact[i])
        short = fab_targeted(model, clips[one], labels[one], eps=0.97 * float(exact[i]), steps=20)
        assert model(short).argmax() == labels[i]
        assert (short - clips[one]).abs().max() <= 0.97 * float(exact[i]) + 1e-6


def test_a_support_is_kept_to_and_costs_distance() -> None:
    model, clips, labels, exact = case()
    mask = torch.zeros(1, 1, 1, 8, 8)
    mask[..., :6] = 1
    found = fab_targeted(model, clips, labels, eps=0.3, steps=20, mask=mask)
    assert torch.equal(found.where(mask == 0, clips), clips)
    fooled = model(found).argmax(1) != labels
    assert fooled.all()
    assert ((found - clips).abs().flatten(1).amax(1) > exact).all()


def test_networks_are_fooled_and_misclassified_clips_left_alone() -> None:
    model = bent_model()
    clips, _ = random_clips(12)
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    found = fab_targeted(model, clips, labels, eps=0.2, steps=20)
    assert torch.equal(found[0], clips[0])
    assert (model(found).argmax(1) != labels).float().mean() > 0.9
    assert torch.equal(
        fab_targeted(model, clips, labels, eps=1e-6, steps=2),
        fab_targeted(model, clips, labels, eps=1e-6, steps=2),
    )


def test_bad_settings_are_refused() -> None:
    classifier = VideoClassifier(LinearClipModel())
    with pytest.raises(InputError, match="max_iter"):
        FABTargeted(classifier, max_iter=0)
    with pytest.raises(InputError, match="targets"):
        FABTargeted(classifier, targets=0)
