from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from advvid.data.loader import ClipBatch
from advvid.defenses import FreeStep
from advvid.training import Loss, TrainSettings, train
from tests.clip_models import LinearClipModel
from tests.defenses.contexts import SHAPE, batch, context
from tests.training.stand_ins import TinyNet, ToyClips

EPS = 16 / 255


class Seen(LinearClipModel):
    """Remembers the clips that it was asked about."""

    def forward(self, clips: Tensor) -> Tensor:
        self.clips = [*getattr(self, "clips", []), clips.detach().clone()]
        return super().forward(clips)


def test_pixels_follow_the_gradient_of_the_same_pass() -> None:
    model = Seen(SHAPE, classes=4)
    clips, labels = batch()
    given = ClipBatch(clips, labels, torch.arange(len(clips)), [])
    losses = list(steps(FreeStep(EPS, replays=3), given, model))
    assert len(losses) == 3
    start, *others = model.clips
    assert (start - clips).abs().max() <= EPS + 1e-6
    assert not torch.equal(start, clips)
    for before, after in pairwise((start, *others)):
        x = before.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
        expected = (before + EPS * gradient.sign()).clamp(clips - EPS, clips + EPS).clamp(0, 1)
        torch.testing.assert_close(after, expected)


def steps(step: FreeStep, given: ClipBatch, model: Seen) -> Iterator[Loss]:
    """Follow each loss, as the training loop does, with weights that stay."""
    for loss in step.losses(given, context(model, len(given.labels))):
        loss.value.backward()
        yield loss


def test_each_batch_is_stepped_on_as_often_as_asked() -> None:
    calls: list[int] = []

    class Counted(FreeStep):
        def __call__(self, model, clips, labels, context):  # type: ignore[no-untyped-def]
            calls.append(context.iteration)
            return super().__call__(model, clips, labels, context)

    settings = TrainSettings(epochs=1, batch_size=6, lr=0.1, optimizer="sgd")
    model, whole = TinyNet(dropout=0), TinyNet(dropout=0)
    train(model, ToyClips(12), settings=settings, step=Counted(EPS, 3), device="cpu")
    assert calls == [0, 0, 0, 1, 1, 1]
    # In pieces each piece is perturbed by itself, and all are stepped on together.
    settings = replace(settings, batch_norm="eval")
    train(model := TinyNet(dropout=0), ToyClips(12), settings=settings, step=FreeStep(EPS, 3))
    pieces = replace(settings, accumulate=2)
    train(whole, ToyClips(12), settings=pieces, step=FreeStep(EPS, 3))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(whole.state_dict()[name], value, rtol=1e-4, atol=1e-5)


def test_one_replay_is_training_on_noise_of_the_budget() -> None:
    model, (clips, labels) = LinearClipModel(SHAPE, classes=4), batch()
    given = ClipBatch(clips, labels, torch.arange(len(clips)), [])
    (found,) = FreeStep(EPS, 1).losses(given, context(model, len(clips)))
    loss, logits = found.value, found.logits
    assert logits is not None
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels))
    assert not torch.allclose(logits, model(clips))
