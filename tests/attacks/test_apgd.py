import math

import pytest
import torch
import torch.nn.functional as F
import torchattacks
from torch import Tensor, nn

from advvid.attacks import APGD, APGDDLR, APGDTargeted, apgd, apgd_targeted, parse_attack
from advvid.attacks.core.auto_pgd import checkpoints
from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import LOSSES, target_margin, targeted_dlr
from advvid.attacks.toolkits.folded_clips import FoldedModel, fold_time, unfold_time
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.random_streams import clip_seeds, uniform
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips, small_model


def plain(
    model: nn.Module, clip: Tensor, label: Tensor, eps: float, steps: int, start: Tensor, loss: str
) -> tuple[Tensor, list[float]]:
    """Spell Algorithm 1 of Croce and Hein 2020 for one clip; also give the step sizes."""

    def at(x: Tensor) -> tuple[float, Tensor]:
        x = x[None].clone().requires_grad_(True)
        value = LOSSES[loss](model(x), label[None]).sum()
        return float(value.detach()), torch.autograd.grad(value, x)[0][0]

    def project(x: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(x, clip - eps), clip + eps).clamp(0, 1)

    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    ends = [math.ceil(round(share * steps, 9)) for share in shares]

    eta, etas = 2 * eps, []
    x_before, x = start, start
    f, gradient = at(x)
    x_max, f_max, g_max = x, f, gradient
    winners: list[tuple[float, Tensor]] = []
    rises, eta_then, f_then, halved = 0, eta, f_max, True
    w_then = 0
    for k in range(steps):
        z = project(x + eta * gradient.sign())
        x_next = z if k == 0 else project(x + 0.75 * (z - x) + 0.25 * (x - x_before))
        x_before, x = x, x_next
        f_next, gradient = at(x)
        rises += f_next > f
        f = f_next
        if f > f_max:
            x_max, f_max, g_max = x, f, gradient
        if model(x[None]).argmax() != label:
            winners.append((f, x))
        etas.append(eta)
        if k + 1 in ends:
            condition_1 = rises < 0.75 * (k + 1 - w_then)
            condition_2 = not halved and eta == eta_then and f_max == f_then
            eta_then, f_then, w_then, rises = eta, f_max, k + 1, 0
            halved = bool(condition_1 or condition_2)
            if halved:
                eta, x, gradient, f = eta / 2, x_max, g_max, f_max
    return max(winners, key=lambda pair: pair[0])[1] if winners else x_max, etas


@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_agrees_with_a_plain_spelling(loss: str) -> None:
    model = small_model().double().eval()
    clips, _ = random_clips(6)
    clips = clips.double()
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    eps, steps = 0.03, 30
    ours = apgd(model, clips, labels, eps=eps, steps=steps, loss=loss, seed=4)
    noise = uniform(clip_seeds(4, 6), clips.shape[1:], stream="apgd start").double()
    starts = linf_box(clips, eps).at(noise)
    sizes = set()
    for i in range(6):
        expected, etas = plain(model, clips[i], labels[i], eps, steps, starts[i], loss)
        torch.testing.assert_close(ours[i], expected, atol=1e-7, rtol=0)
        sizes |= set(etas)
    assert len(sizes) > 2


def test_checkpoints_are_those_of_the_paper() -> None:
    assert sorted(checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(1) == {1}


@pytest.mark.parametrize("loss", ["ce", "cw"])
def test_a_linear_model_gets_the_closed_form(loss: str) -> None:
    model, eps = LinearClipModel(), 8 / 255
    clips, labels = random_clips(classes=2)
    away = (model.weight[1 - labels] - model.weight[labels]).view_as(clips).sign()
    adversarial = apgd(model, clips, labels, eps=eps, steps=30, loss=loss)
    best = LOSSES[loss](model((clips + eps * away).clamp(0, 1)), labels)
    reached = LOSSES[loss](model(adversarial), labels)
    assert (reached > best - 1e-3).all()


@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.02), ("L2", 0.4)])
def test_no_weaker_than_torchattacks(norm: str, eps: float) -> None:
    """Same steps, another random start: the same clips but for a few."""
    model = bent_model()
    clips, _ = random_clips(64)
    labels = model(clips).argmax(1)
    folded = FoldedModel(model, "channels", clips).eval()
    theirs = torchattacks.APGD(folded, norm=norm, eps=eps, steps=20, seed=0)(
        fold_time(clips, "channels"), labels
    )
    theirs = unfold_time(theirs, "channels", channels=3, frames=clips.shape[2])
    ours = apgd(model, clips, labels, eps=eps, norm=norm, steps=20)
    rates = [float((model(x).argmax(1) != labels).float().mean()) for x in (ours, theirs)]
    assert 0.2 < rates[1] < 0.95
    assert rates[0] >= rates[1] - 0.05
    losses = [float(F.cross_entropy(model(x), labels)) for x in (ours, theirs)]
    assert losses[0] > losses[1] - 0.02


def test_gradients_are_one_more_than_steps_and_later_runs_see_fewer_clips() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = LinearClipModel(classes=CLASSES)
            self.passed = 0

        def forward(self, clips: Tensor) -> Tensor:
            self.passed += len(clips)
            logits: Tensor = self.inner(clips)
            return logits

    model = Counting()
    clips, _ = random_clips(10)
    clips = 0.3 + 0.4 * clips
    labels = model.inner(clips).argmax(1)
    apgd(model, clips, labels, eps=0.5, steps=7)
    assert model.passed == 10 * 8
    model.passed = 0
    apgd(model, clips, labels, eps=0.5, steps=7, restarts=5)
    # All are fooled, and looked at once more, rounded to 8 bits.
    assert model.passed == 10 * 9
    model.passed = 0
    apgd(model, clips, labels, eps=1e-6, steps=7, restarts=3)
    assert model.passed == 3 * 10 * 8


def test_targets_are_tried_until_one_works() -> None:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(16)
    clips = 0.3 + 0.4 * clips
    labels = model(clips).argmax(1)
    difference = (model.weight[labels][:, None] - model.weight[None]).abs().sum(2)
    logits = model(clips)
    margins = (logits.gather(1, labels[:, None]) - logits) / difference.clamp_min(1e-9)
    nearest = margins.scatter(1, labels[:, None], torch.inf).amin(1)
    eps = float(nearest.median().detach())
    adversarial = apgd_targeted(model, clips, labels, eps=eps, steps=40)
    fooled = model(adversarial).argmax(1) != labels
    # Exactly the clips whose nearest boundary lies within the budget, up to a thin shell.
    assert fooled[nearest < 0.98 * eps].all()
    assert not fooled[nearest > 1.0001 * eps].any()
    assert 0 < fooled.sum() < 16


def test_targeted_losses_by_hand() -> None:
    logits = torch.tensor([[4.0, 1.0, 3.0, 0.0]])
    label, target = torch.tensor([0]), torch.tensor([2])
    assert target_margin(logits, label, target).item() == -1
    # (3 - 4) / (4 - (1 + 0) / 2)
    assert targeted_dlr(logits, label, target).item() == pytest.approx(-1 / 3.5)
    with pytest.raises(InputError, match="at least 4 classes"):
        targeted_dlr(logits[:, :3], label, target)
    two = LinearClipModel(classes=2)
    clips, labels = random_clips(3, classes=2)
    fooled = two(apgd_targeted(two, clips, labels, eps=0.5, steps=10)).argmax(1) != labels
    assert fooled.all()


def test_names_and_targeted_mode() -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    clips, labels = random_clips(6)
    built = parse_attack("apgd-dlr:max_iter=3").build(classifier, eps=0.1)
    assert isinstance(built, APGDDLR)
    assert (built.loss, built.max_iter) == ("dlr", 3)
    goals = (labels + 1) % CLASSES
    toward = APGD(classifier, eps=0.5, max_iter=15, targeted=True, verbose=False)
    assert (classifier.predict(toward.generate(clips, goals)).argmax(1) == goals).all()
    with pytest.raises(InputError, match="chooses its targets itself"):
        APGDTargeted(classifier, targeted=True)
    with pytest.raises(InputError, match="targets must be a whole number of at least 1; got 0"):
        APGDTargeted(classifier, targets=0)
    with pytest.raises(TypeError, match="APGDTargeted has no setting 'loss'"):
        APGDTargeted(classifier, loss="dlr")
    with pytest.raises(InputError, match="at least 3 classes"):
        APGDDLR(VideoClassifier(LinearClipModel()), verbose=False).generate(
            *random_clips(2, classes=2)
        )


def test_dlr_by_name_is_dlr() -> None:
    with pytest.raises(InputError, match="apgd-ce"):
        APGDDLR(VideoClassifier(LinearClipModel()), loss="ce")
