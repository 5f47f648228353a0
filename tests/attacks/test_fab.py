import pytest
import torch
from torch import Tensor

from advvid.attacks import FABTargeted, fab_targeted
from advvid.attacks.core.balls import lengths
from advvid.attacks.core.eight_bits import in_8_bits
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips


def case(count: int = 12, norm: str = "Linf") -> tuple[LinearClipModel, Tensor, Tensor, Tensor]:
    """A linear model, clips that no pixel range holds back, labels, and exact distances.

    The boundary to class k is (z_y - z_k) / ||w_y - w_k||_q away, q = 1 in the L-infinity norm and
    2 in L2.
    """
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(count)
    clips = 0.3 + 0.4 * clips
    logits = model(clips).detach()
    labels = logits.argmax(1)
    apart = (model.weight[labels][:, None] - model.weight[None]).detach()
    norms = apart.norm(p=1 if norm == "Linf" else 2, dim=2)
    margins = (logits.gather(1, labels[:, None]) - logits) / norms.clamp_min(1e-9)
    return model, clips, labels, margins.scatter(1, labels[:, None], torch.inf).amin(1)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_distance_on_a_linear_model_is_the_exact_one(norm: str) -> None:
    model, clips, labels, exact = case(norm=norm)
    # No pixel range is in the way.
    assert exact.max() < {"Linf": 0.3, "L2": 4}[norm]
    for i in range(len(clips)):
        one = slice(i, i + 1)
        # The budget is a little more than what is needed: what is found must lie within it.
        eps = 1.05 * float(exact[i])
        found = fab_targeted(model, clips[one], labels[one], eps=eps, norm=norm, steps=20)
        distance = float(lengths(found - clips[one], norm))
        assert model(found).argmax() != labels[i]
        assert 0.9999 * float(exact[i]) <= distance <= eps + 1e-6
        tight = 0.97 * float(exact[i])
        short = fab_targeted(model, clips[one], labels[one], eps=tight, norm=norm, steps=20)
        assert model(short).argmax() == labels[i]
        assert lengths(short - clips[one], norm) <= tight + 1e-6


def test_in_l1_it_moves_the_pixels_of_the_largest_weights_to_their_ends() -> None:
    """The distance is that of a greedy search toward each class."""
    model, clips, labels, _ = case(6)
    logits = model(clips).detach()
    for i, clip in enumerate(clips):
        costs = []
        for k in set(range(CLASSES)) - {int(labels[i])}:
            w = (model.weight[k] - model.weight[labels[i]]).detach()
            room = torch.where(w > 0, 1 - clip.flatten(), clip.flatten())
            lead, cost = float(logits[i, labels[i]] - logits[i, k]), 0.0
            for j in w.abs().argsort(descending=True):
                way = min(float(room[j]), lead / float(w[j].abs()))
                lead, cost = lead - way * float(w[j].abs()), cost + way
            costs.append(cost)
        exact, one = min(costs), slice(i, i + 1)
        found = fab_targeted(model, clips[one], labels[one], eps=1.06 * exact, norm="L1", steps=20)
        assert model(found).argmax() != labels[i]
        assert 0.999 * exact <= float((found - clip).abs().sum()) <= 1.06 * exact + 1e-6
        short = fab_targeted(model, clips[one], labels[one], eps=0.97 * exact, norm="L1", steps=20)
        assert model(short).argmax() == labels[i]


@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.3), ("L2", 4.0)])
def test_a_support_is_kept_to_and_costs_distance(norm: str, eps: float) -> None:
    model, clips, labels, exact = case(norm=norm)
    mask = torch.zeros(1, 1, 1, 8, 8)
    mask[..., :6] = 1
    found = fab_targeted(model, clips, labels, eps=eps, norm=norm, steps=20, mask=mask)
    assert torch.equal(found.where(mask == 0, clips), clips)
    fooled = model(found).argmax(1) != labels
    assert fooled.all()
    assert (lengths(found - clips, norm) > exact).all()


class TwoBoundaries(torch.nn.Module):
    """Class 1, the likelier, lies 1.2 levels of red away, class 2 lies 0.8 levels of green."""

    num_classes = 3

    def forward(self, clips: Tensor) -> Tensor:
        red, green, _ = (255 * clips.flatten(2).mean(dim=2) - 100).unbind(dim=1)
        return torch.stack([0 * red, red - 1.2, 5 * (green - 0.8)], dim=1)


@pytest.mark.parametrize(("levels", "target"), [(1.5, 2), (0.9, 2), (2.5, 1)])
def test_the_search_goes_on_until_whole_levels_hold_what_it_found(
    levels: float, target: int
) -> None:
    """Rounding to 8 bits leaves one of 1.5 levels; two of 2.5, where the likeliest is enough."""
    clips = torch.full((2, 3, 1, 4, 4), 100 / 255)
    labels, eps = torch.zeros(2, dtype=torch.int64), levels / 255
    model = TwoBoundaries()
    found = fab_targeted(model, clips, labels, eps=eps, steps=5)
    assert (model(found).argmax(1) == target).all()
    # Below one level there is none to keep to.
    fooled = model(in_8_bits(found, (clips, eps))).argmax(1) != 0
    assert bool(fooled.all()) is (levels >= 1)


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
