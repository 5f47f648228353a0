import pytest
import torch

from advvid.attacks import DDN, ddn, parse_attack
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips


@pytest.mark.parametrize("targeted", [False, True])
def test_distance_on_a_linear_model_is_the_exact_one(targeted: bool) -> None:
    model = LinearClipModel()
    clips, _ = random_clips(8, classes=2)
    clips = 0.4 + 0.2 * clips
    logits = model(clips).detach()
    labels = logits.argmax(dim=1)
    apart = (logits[:, 0] - logits[:, 1]).abs()
    exact = apart / (model.weight[0] - model.weight[1]).norm()
    goals = 1 - labels if targeted else labels
    found = ddn(model, clips, goals, eps=1.0, steps=200, targeted=targeted)
    assert (found.distance >= exact * (1 - 1e-4)).all()
    torch.testing.assert_close(found.distance, exact.detach(), rtol=0.06, atol=0)
    assert (model(found.clips).argmax(dim=1) != labels).all()


def test_what_is_beyond_the_budget_is_brought_into_it() -> None:
    model = bent_model()
    clips, _ = random_clips(8)
    labels = model(clips).argmax(dim=1)
    far = ddn(model, clips, labels, eps=2.0, steps=30)
    near = ddn(model, clips, labels, eps=0.01, steps=30)
    assert far.distance.isfinite().all()
    length = (near.clips - clips).double().flatten(1).norm(dim=1)
    assert (length <= 0.01).all()
    wanted = near.distance.clamp(max=0.01)
    torch.testing.assert_close(length.float(), wanted, rtol=1e-3, atol=0)
    settled = far.distance <= 2
    assert (model(far.clips[settled]).argmax(dim=1) != labels[settled]).all()


def test_a_clip_that_is_wrong_already_stays_as_it_is() -> None:
    model = bent_model()
    clips, _ = random_clips(4)
    wrong = (model(clips).argmax(dim=1) + 1) % CLASSES
    found = ddn(model, clips, wrong, eps=1.0, steps=5)
    assert torch.equal(found.clips, clips)
    assert not found.distance.any()


def test_nothing_outside_of_the_mask_changes_and_clips_do_not_mix() -> None:
    model = bent_model()
    clips, _ = random_clips(6)
    labels = model(clips).argmax(dim=1)
    mask = torch.zeros(1, 1, 4, 1, 1, dtype=torch.bool)
    mask[:, :, 1] = True
    budgets = torch.linspace(0.2, 2, 6)
    found = ddn(model, clips, labels, eps=budgets, steps=10, mask=mask)
    assert torch.equal(found.clips.where(~mask, clips), clips)
    for one in range(6):
        at = slice(one, one + 1)
        alone = ddn(model, clips[at], labels[at], eps=budgets[at], steps=10, mask=mask)
        torch.testing.assert_close(alone.clips, found.clips[at], rtol=0, atol=1e-5)


def test_its_budget_is_of_l2() -> None:
    spec = parse_attack("ddn:eps=1.5")
    assert (spec.norm, spec.kind) == ("L2", "ddn")
    attack = DDN(VideoClassifier(LinearClipModel()), eps=1.5, max_iter=2)
    clips, labels = random_clips(2, classes=2)
    attack.generate(clips, labels)
    assert attack.report["distance"].shape == (2,)
    with pytest.raises(InputError, match="above 0"):
        parse_attack("ddn:eps=0")
