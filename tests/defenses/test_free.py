import torch
import torch.nn.functional as F

from advvid.defenses import FreeStep
from advvid.training import TrainSettings, train
from tests.clip_models import LinearClipModel
from tests.defenses.contexts import SHAPE, batch, context
from tests.training.stand_ins import TinyNet, ToyClips

EPS = 16 / 255


def test_pixels_follow_the_gradient_of_the_same_pass() -> None:
    model = LinearClipModel(SHAPE, classes=4)
    clips, labels = batch()
    step, given = FreeStep(EPS, replays=3), context(model, len(clips))
    step(model, clips, labels, given)
    start = given.memory["clips"].detach().clone()
    assert (start - clips).abs().max() <= EPS + 1e-6
    assert not torch.equal(start, clips)
    x = start.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)

    loss, _ = step(model, clips, labels, context(model, len(clips)))
    given.memory.clear()
    loss, _ = step(model, clips, labels, given)
    loss.backward()
    step(model, clips, labels, given)
    expected = (start + EPS * gradient.sign()).clamp(clips - EPS, clips + EPS).clamp(0, 1)
    torch.testing.assert_close(given.memory["clips"].detach(), expected)


def test_each_batch_is_stepped_on_as_often_as_asked() -> None:
    # One clip a class, SGD with rate r: m updates on one batch move m times.
    calls: list[int] = []

    class Counted(FreeStep):
        def __call__(self, model, clips, labels, context):  # type: ignore[no-untyped-def]
            calls.append(context.replay)
            return super().__call__(model, clips, labels, context)

    settings = TrainSettings(epochs=1, batch_size=6, lr=0.1, optimizer="sgd")
    train(TinyNet(), ToyClips(12), settings=settings, step=Counted(EPS, 3), device="cpu")
    assert calls == [0, 1, 2, 0, 1, 2]


def test_one_replay_is_training_on_noise_of_the_budget() -> None:
    model, (clips, labels) = LinearClipModel(SHAPE, classes=4), batch()
    loss, logits = FreeStep(EPS, 1)(model, clips, labels, context(model, len(clips)))
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels))
    assert not torch.allclose(logits, model(clips))
