"""PGD and Auto-PGD in L2 and L1, with a budget of frames, and averaged over passes."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid import evaluate
from advvid.attacks import APGD, ATTACKS, LinfPGD, apgd, apgd_targeted, linf_pgd, parse_attack
from advvid.attacks.core.frame_ranking import frame_sets
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.inference.averaged import Averaged
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips

ORDERS = {"L2": 2, "L1": 1}
ATTACKED: dict[str, dict[str, Any]] = {
    "pgd": {"max_iter": 4, "num_random_init": 2},
    "masked-pgd": {"max_iter": 3, "ratio": 0.5},
    "apgd-ce": {"max_iter": 9},
    "apgd-dlr": {"max_iter": 3},
    "apgd-t": {"max_iter": 4, "targets": 2},
    "autoattack": {"max_iter": 3, "targets": 2, "parts": ("apgd-t", "fab-t")},
}


def length(norm: str, delta: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(delta.flatten(1).double(), ORDERS[norm], dim=1)
    return lengths


def linear_case() -> tuple[LinearClipModel, Tensor, Tensor, Tensor]:
    """Clips that no step drives out of the pixel range, and what a unit change adds to the lead."""
    model = LinearClipModel()
    clips, labels = random_clips(8, classes=2)
    clips = 0.4 + 0.2 * clips
    return model, clips, labels, model.weight[1 - labels] - model.weight[labels]


def gained(model: nn.Module, clips: Tensor, adversarial: Tensor, labels: Tensor) -> Tensor:
    change = model(adversarial) - model(clips)
    apart: Tensor = change.gather(1, 1 - labels[:, None]) - change.gather(1, labels[:, None])
    return apart.squeeze(1)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("attack", [linf_pgd, apgd])
def test_a_linear_model_gets_the_closed_form(norm: str, attack: Any) -> None:
    model, clips, labels, slope = linear_case()
    # 0.3 in one pixel is still inside the pixel range.
    eps = 1.5 if norm == "L2" else 0.3
    adversarial = attack(model, clips, labels, eps=eps, norm=norm, steps=60)
    if norm == "L1" and attack is linf_pgd:
        # It moves a hundredth of the pixels in every step, here always the same, by equal parts.
        best = eps * slope.abs().topk(int(0.01 * slope.shape[1]), dim=1).values.mean(dim=1)
    else:
        dual = {"L2": 2, "L1": torch.inf}[norm]
        best = eps * torch.linalg.vector_norm(slope, dual, dim=1)
    reached = gained(model, clips, adversarial, labels)
    assert (reached <= best * (1 + 1e-4)).all()
    assert (reached > 0.99 * best).all()


def test_l1_inside_the_pixel_range_gets_the_closed_form() -> None:
    """The best change fills the pixels with the largest slopes up to the ends of their range."""
    model = LinearClipModel()
    clips, labels = random_clips(6, classes=2)
    eps = 8.0
    slope = model.weight[1 - labels] - model.weight[labels]
    room = torch.where(slope > 0, 1 - clips.flatten(1), clips.flatten(1))
    order = slope.abs().argsort(dim=1, descending=True)
    filled = room.gather(1, order).cumsum(dim=1)
    sizes = room.gather(1, order) - (filled - eps).clamp_min(0)
    best = (sizes.clamp_min(0) * slope.abs().gather(1, order)).sum(dim=1)
    adversarial = apgd(model, clips, labels, eps=eps, norm="L1", steps=80)
    reached = gained(model, clips, adversarial, labels)
    assert (reached <= best * (1 + 1e-4)).all()
    assert (reached > 0.97 * best).all()


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("name", ATTACKED)
def test_budget_pixel_range_and_mask_hold_in_float64(name: str, norm: str) -> None:
    model = bent_model()
    clips, _ = random_clips(5)
    labels = model(clips).argmax(1)
    eps = 1.0 if norm == "L2" else 6.0
    mask = torch.zeros(1, 1, *clips.shape[2:])
    mask[:, :, 1:] = 1
    attack = ATTACKS[name].build(
        VideoClassifier(model, nb_classes=CLASSES),
        eps=eps,
        norm=norm,
        batch_size=3,
        verbose=False,
        **ATTACKED[name],
    )
    adversarial = attack.generate(clips, labels, mask=mask)
    lengths = length(norm, adversarial - clips)
    assert (lengths <= eps + 1e-6).all()
    assert (lengths > 0.5 * eps).all()
    assert ((adversarial >= 0) & (adversarial <= 1)).all()
    assert torch.equal(adversarial.where(mask == 0, clips), clips)
    assert attack.bound.startswith(norm)


def test_each_clip_has_its_own_budget_whatever_the_norm() -> None:
    model = bent_model()
    clips, _ = random_clips(4)
    labels = model(clips).argmax(1)
    eps = torch.tensor([0.2, 0.4, 0.6, 0.8])
    for norm in ORDERS:
        adversarial = apgd(model, clips, labels, eps=eps, norm=norm, steps=9)
        torch.testing.assert_close(
            length(norm, adversarial - clips), eps.double(), atol=1e-4, rtol=0
        )
        one = apgd_targeted(model, clips, labels, eps=eps, norm=norm, steps=3, targets=1)
        assert (length(norm, one - clips) <= eps + 1e-6).all()


def test_budgets_of_another_norm_are_given_and_checked() -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    with pytest.raises(InputError, match="norm=L2 needs a budget of its own: give eps"):
        APGD(classifier, norm="L2")
    assert APGD(classifier, eps=3.0, norm="L2").bound == "L2"
    with pytest.raises(InputError, match="at most 1; got 3"):
        APGD(classifier, eps=3.0)
    with pytest.raises(InputError, match="pgd: eps must be at most 1; got 3"):
        parse_attack("pgd:eps=3")
    with pytest.raises(InputError, match="a law gives steps of the Linf norm"):
        parse_attack("pgd:norm=L1,eps=3,eps_step=0.2*eps+0.2/255").build(classifier, eps=3)
    with pytest.raises(InputError, match="by square: give parts=apgd-ce/apgd-t/fab-t"):
        ATTACKS["autoattack"].build(classifier, eps=2.0, norm="L2")
    with pytest.raises(InputError, match="frames bounds each pixel"):
        APGD(classifier, eps=2.0, norm="L2", frames=1)
    spec = parse_attack("masked-pgd:norm=L1,eps=20")
    assert (spec.norm, spec.bound, spec.follows_law) == ("L1", "L1 in a patch", False)
    assert parse_attack("apgd-ce:frames=2").bound == "Linf in frames"


def test_an_evaluation_asks_for_budgets_of_another_norm_and_checks_them() -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    clips, _ = random_clips(4)
    labels = classifier.logits(clips).argmax(1)
    with pytest.raises(InputError, match="bounds the L1 norm, the budgets are of the Linf norm"):
        evaluate(classifier, clips, labels, attacks="apgd-ce:norm=L1", eps=[8 / 255])
    texts = ["pgd:norm=L2,eps=1,max_iter=2", "apgd-ce:norm=L1,eps=9,max_iter=2"]
    results = evaluate(classifier, clips, labels, attacks=texts, eps=[8 / 255], alarms=False)
    found = {str(one.strength) for one in results.results}
    assert {"eps 1 (L2)", "eps 9 (L1)"} <= found

    class Cheat(LinfPGD):
        """Goes a little further than it may."""

        def perturb(self, model: Any, batch: Any) -> Any:
            attacked = super().perturb(model, batch)
            further = batch.clips + 1.01 * (attacked.clips - batch.clips)
            return attacked._replace(clips=further.clamp(0, 1))

    cheat = Cheat(classifier, eps=2.0, norm="L1", max_iter=2, verbose=False)
    with pytest.raises(RuntimeError, match="left its bound: L1 distance"):
        evaluate(classifier, clips, labels, attacks=[cheat], eps=[8 / 255], alarms=False)


def test_sets_of_frames_come_in_the_order_of_their_gains() -> None:
    gains = torch.tensor([[5.0, 1.0, 4.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    singles = [one.int().argmax(1).tolist() for one in frame_sets(gains, 1, 0, 4)]
    assert singles == [[0, 3], [2, 2], [3, 1], [1, 0]]
    pairs = [one[0].nonzero().flatten().tolist() for one in frame_sets(gains, 2, 0, 4)]
    assert pairs == [[0, 2], [0, 3], [2, 3], [0, 1]]
    # After the last, the first comes again.
    assert frame_sets(gains, 1, 3, 2)[1].int().argmax(1).tolist() == [0, 3]
    assert len(frame_sets(gains, 4, 0, 4)) == 1


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_a_budget_of_frames_is_kept_to_and_used_well(frames: int) -> None:
    """On a linear model the best frames are those with the largest sums, and nothing beats them."""
    model = LinearClipModel(classes=2)
    clips, labels = random_clips(8, classes=2)
    eps = 0.1
    slope = (model.weight[1 - labels] - model.weight[labels]).view_as(clips)
    end = (clips + eps * slope.sign()).clamp(0, 1)
    by_frame = ((end - clips) * slope).sum(dim=(1, 3, 4))
    best = by_frame.topk(min(frames, clips.shape[2]), dim=1).values.sum(dim=1)
    attack = APGD(VideoClassifier(model), eps=eps, frames=frames, max_iter=40, verbose=False)
    adversarial = attack.generate(clips, labels)
    changed = (adversarial != clips).flatten(3).any(dim=3).any(dim=1)
    assert (changed.sum(dim=1) <= frames).all()
    assert torch.equal(attack.report["frames"], changed.sum(dim=1))
    assert (adversarial - clips).abs().max() <= eps + 1e-6
    reached = gained(model, clips, adversarial, labels)
    assert (reached > 0.99 * best).all()
    assert (reached < best * (1 + 1e-4)).all()


@pytest.mark.parametrize(("frames", "steps"), [(2, 10), (4, 30), (9, 30)])
def test_restarts_begin_at_random_points_where_one_set_of_frames_is_tried(
    frames: int, steps: int
) -> None:
    """A short run, and one in all frames, has no other sets that would make restarts differ."""
    inner = LinearClipModel(classes=2)
    clips, _ = random_clips(2, classes=2)
    labels, seen = inner(clips).argmax(dim=1), list[Tensor]()

    class Recording(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            if torch.is_grad_enabled():
                seen.append(clips.detach().clone())
            logits: Tensor = inner(clips)
            return logits

    apgd(Recording(), clips, labels, eps=1e-4, frames=frames, steps=steps, restarts=2)
    first, second = seen[1], seen[steps + 2]
    for start in (first, second):
        changed = (start != clips).flatten(3).any(dim=3).any(dim=1)
        assert (changed.sum(dim=1) == min(frames, clips.shape[2])).all()
    assert not torch.equal(first, second)


@pytest.mark.parametrize("steps", [1, 7, 20, 40])
def test_gradients_are_one_more_than_steps(steps: int) -> None:
    inner, seen = bent_model(), [0]
    clips, labels = random_clips(3)

    class Counting(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            seen[0] += torch.is_grad_enabled()
            logits: Tensor = inner(clips)
            return logits

    settings: list[dict[str, Any]] = [
        {"frames": 1, "eps": 0.01},
        {"norm": "L2", "eps": 0.01},
        {"norm": "L1", "eps": 0.1},
    ]
    for setting in settings:
        seen[0] = 0
        with torch.no_grad():
            apgd(Counting(), clips, labels, steps=steps, **setting)
        assert seen[0] == steps + 1, setting
    seen[0] = 0
    with torch.no_grad():
        apgd(Counting(), clips, labels, steps=steps, eps=0.01, eot=3)
    assert seen[0] == 3 * (steps + 1)


class Jittered(nn.Module):
    """Sees clips through noise."""

    def __init__(self, inner: nn.Module, sigma: float) -> None:
        super().__init__()
        self.inner, self.sigma = inner, sigma
        self.num_classes = CLASSES

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.inner(clips + self.sigma * torch.randn_like(clips))
        return logits


def test_averaging_over_passes_finds_what_noise_hides() -> None:
    inner = bent_model()
    clips, _ = random_clips(32)
    labels = inner(clips).argmax(1)
    model = Jittered(inner, 0.4)
    judge = Averaged(model, 100)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        eps: dict[str, Any] = {"eps": 0.01, "steps": 15}
        left = [
            int((judge(apgd(model, clips, labels, eot=eot, **eps)).argmax(1) == labels).sum())
            for eot in (1, 20)
        ]
    assert left[1] <= left[0] - 3
