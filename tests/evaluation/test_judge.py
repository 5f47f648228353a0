import pytest
import torch

from advvid.attacks.core.video_attack import Attacked
from advvid.estimator import VideoClassifier
from advvid.evaluation.conditions.bound import held_to_bound
from advvid.evaluation.judge import judge
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def test_a_result_beyond_the_tolerance_is_refused_in_its_norm() -> None:
    clips = torch.full((2, 3, 2, 4, 4), 0.5)
    near = clips + 0.1 + 5e-7
    kept = held_to_bound("a", clips, Attacked(near), eps=0.1, norm="Linf")
    assert (kept - clips).abs().max() <= 0.1 + 1e-7
    with pytest.raises(RuntimeError, match="a left its bound"):
        held_to_bound("a", clips, Attacked(clips + 0.1 + 1e-5), eps=0.1, norm="Linf")
    one = clips.clone()
    one[0, 0, 0, 0] += 0.3
    held_to_bound("a", clips, Attacked(one), eps=0.6001, norm="L2")
    with pytest.raises(RuntimeError, match="L2 distance"):
        held_to_bound("a", clips, Attacked(one), eps=0.59, norm="L2")


def test_an_attack_without_a_bound_is_projected() -> None:
    clips = torch.full((1, 3, 2, 4, 4), 0.5)
    kept = held_to_bound("a", clips, Attacked(clips + 0.4), eps=0.1, norm="none")
    torch.testing.assert_close(kept, clips + 0.1)


def test_pixels_outside_of_the_range_the_support_or_the_numbers_are_refused() -> None:
    clips = torch.full((1, 3, 2, 4, 4), 0.99)
    with pytest.raises(RuntimeError, match="pixels"):
        held_to_bound("a", clips, Attacked(clips + 0.02), eps=0.1, norm="Linf")
    changed = clips.clone()
    changed[..., 0] -= 0.05
    support = torch.zeros(1, 1, 1, 1, 4, dtype=torch.bool)
    support[..., 1:] = True
    with pytest.raises(RuntimeError, match="support"):
        held_to_bound("a", clips, Attacked(changed, {"support": support}), eps=0.1, norm="Linf")
    held_to_bound("a", clips, Attacked(changed, {"support": ~support}), eps=0.1, norm="Linf")
    with pytest.raises(RuntimeError, match="NaN"):
        held_to_bound("a", clips, Attacked(clips * torch.nan), eps=0.1, norm="Linf")


def test_clips_are_scored_as_they_are_and_in_8_bits() -> None:
    """Half a level of 1/255 decides, and rounding undoes it."""
    model = LinearClipModel(classes=2)
    with torch.no_grad():
        model.weight.zero_()
        model.weight[1] = 1
    clips = torch.full((1, *model.input_shape), 10 / 255)

    class Shifted(torch.nn.Module):
        num_classes = 2

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = model(x - 10.1 / 255)
            return logits

    classifier = VideoClassifier(Shifted())
    raised = judge(classifier, clips + 0.4 / 255, torch.tensor([0]))
    assert not raised.correct.item()
    assert raised.correct_8bit.item()
    assert raised.predicted.item() == 1
    assert raised.correct_h264 is None


@pytest.mark.parametrize(("budget", "levels"), [(0.4, 0), (1.9, 1), (2.0, 2), (2.6, 2), (8.0, 8)])
def test_8_bits_stay_in_the_budget(budget: float, levels: int) -> None:
    seen: list[torch.Tensor] = []

    class Watched(LinearClipModel):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            seen.append(clips)
            return super().forward(clips)

    clean = (torch.arange(3 * 4 * 8 * 8).view(1, 3, 4, 8, 8) % 256) / 255
    for sign in (1, -1):
        attacked = (clean + sign * budget / 255).clamp(0, 1)
        judge(VideoClassifier(Watched()), attacked, torch.tensor([0]), within=(clean, budget / 255))
        expected = (clean * 255 + sign * levels).round().clamp(0, 255)
        torch.testing.assert_close(seen[-1] * 255, expected)
    # A clean pixel between levels whose budget holds none of them goes to the nearest.
    between = torch.full_like(clean, 10.3 / 255)
    judge(VideoClassifier(Watched()), between, torch.tensor([0]), within=(between, 0.1 / 255))
    torch.testing.assert_close(seen[-1] * 255, torch.full_like(clean, 10.0))


def test_scores_agree_with_a_plain_pass() -> None:
    model = LinearClipModel(classes=CLASSES)
    clips, labels = random_clips(5)
    verdict = judge(VideoClassifier(model), clips, labels)
    losses = torch.nn.functional.cross_entropy(model(clips), labels, reduction="none")
    torch.testing.assert_close(verdict.loss, losses.detach())
    assert torch.equal(verdict.correct, model(clips).argmax(1) == labels)
