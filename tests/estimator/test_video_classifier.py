import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import (
    FastGradientMethod,
)
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.inference.frozen import frozen
from tests.clip_models import (
    CLASSES,
    CLIP_SHAPE,
    LinearClipModel,
    bent_model,
    random_clips,
    small_model,
)

LAYOUT_SHAPES = {"NCTHW": CLIP_SHAPE, "NTHWC": (4, 8, 8, 3)}


def build(layout: str = "NCTHW", model: nn.Module | None = None, **kwargs: Any) -> VideoClassifier:
    return VideoClassifier(
        model or small_model(),
        input_shape=LAYOUT_SHAPES[layout],
        nb_classes=CLASSES,
        layout=layout,
        **kwargs,
    )


def arrays(layout: str = "NCTHW", count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    clips, labels = random_clips(count)
    if layout == "NTHWC":
        clips = clips.permute(0, 2, 3, 4, 1)
    return np.ascontiguousarray(clips.numpy()), labels.numpy()


def test_tensors_stay_tensors_and_batches_change_nothing() -> None:
    classifier = build()
    clips, labels = random_clips(7)
    logits = classifier.predict(clips, batch_size=2)
    assert isinstance(logits, Tensor)
    np.testing.assert_allclose(logits, classifier.predict(clips.numpy()), rtol=1e-5, atol=1e-6)
    gradient = classifier.loss_gradient(clips, labels)
    assert isinstance(gradient, Tensor)
    assert gradient.shape == clips.shape


def test_gradient_against_finite_differences() -> None:
    model = LinearClipModel(classes=CLASSES)
    classifier = VideoClassifier(model)
    clips, labels = random_clips(1)
    gradient = classifier.loss_gradient(clips, labels).flatten()
    for i in (0, 100, 500):
        step = torch.zeros_like(clips)
        step.view(-1)[i] = 1e-2
        up, down = (float(classifier.compute_loss(clips + s, labels)) for s in (step, -step))
        assert (up - down) / 2e-2 == pytest.approx(float(gradient[i]), rel=1e-2, abs=1e-5)


def test_the_model_is_given_back_as_it_was() -> None:
    model = small_model().train()
    classifier = build(model=model)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    x, y = arrays()
    classifier.predict(x)
    classifier.predict(x, training_mode=True)
    classifier.loss_gradient(x, y)
    classifier.loss_gradient(x, y, training_mode=True)
    classifier.class_gradient(x, label=1)
    classifier.compute_loss(x, y)
    FastGradientMethod(classifier).generate(x, y)
    assert all(m.training for m in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_mean_and_std_are_inside_and_differentiated_through() -> None:
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    model = small_model().eval()
    clips, labels = random_clips()
    inside = build(model=model, mean=mean, std=std)
    by_hand = (clips - torch.tensor(mean).view(3, 1, 1, 1)) / torch.tensor(std).view(3, 1, 1, 1)
    expected = model(by_hand).detach()
    torch.testing.assert_close(inside.predict(clips), expected)
    x = clips.clone().requires_grad_(True)
    normalized = (x - torch.tensor(mean).view(3, 1, 1, 1)) / torch.tensor(std).view(3, 1, 1, 1)
    loss = nn.functional.cross_entropy(model(normalized), labels)
    (gradient,) = torch.autograd.grad(loss, x)
    torch.testing.assert_close(inside.loss_gradient(clips, labels), gradient)


def test_bf16_autocast_is_close_and_different() -> None:
    model = bent_model()
    clips, _ = random_clips()
    full, half = (
        build(model=model).predict(clips),
        build(model=model, precision="bf16").predict(clips),
    )
    assert half.dtype == torch.float32
    # Eight bits of precision, twice; the logits of one class differ by 0.1 from clip to clip.
    torch.testing.assert_close(half, full, atol=0.01, rtol=0)
    assert not torch.equal(half, full)


def test_fit_learns_and_restores_the_mode() -> None:
    model = small_model().eval()
    classifier = build(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=0.01))
    clips, _ = random_clips(20)
    labels = torch.arange(20) % 2
    clips[labels == 1] *= 0.3
    before = classifier.compute_loss(clips, labels).mean()
    classifier.fit(clips.numpy(), labels.numpy(), batch_size=10, nb_epochs=15, verbose=True)
    assert classifier.compute_loss(clips, labels).mean() < 0.7 * before
    assert not model.training


def test_copies_and_pickles_predict_the_same() -> None:
    classifier = build("NTHWC")
    x, _ = arrays("NTHWC")
    for other in (copy.deepcopy(classifier), pickle.loads(pickle.dumps(classifier))):
        np.testing.assert_array_equal(other.predict(x), classifier.predict(x))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: np.where(x == x.max(), np.nan, x), "finite"),
        (lambda x: x * 255, "divide by 255"),
        (lambda x: (x * 255).astype(np.uint8), "divide by 255"),
        (lambda x: x.transpose(0, 2, 1, 3, 4), "channels before time"),
        (lambda x: x.transpose(0, 2, 3, 4, 1), "NTHWC"),
        (lambda x: x[:, :, :, :4], "takes clips of shape"),
        (lambda x: x[0], "batch axis"),
    ],
)
def test_bad_clips_are_refused(change: Any, words: str) -> None:
    x, _ = arrays()
    with pytest.raises(InputError, match=words):
        build().predict(change(x))


def test_float64_arrays_are_taken() -> None:
    x, y = arrays()
    classifier = build()
    np.testing.assert_allclose(classifier.predict(x.astype(np.float64)), classifier.predict(x))
    assert classifier.loss_gradient(x.astype(np.float64), y).dtype == np.float32


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="NCTHW, NTHWC"):
        VideoClassifier(small_model(), nb_classes=CLASSES, layout="NTCHW")
    with pytest.raises(InputError, match="float32, bf16"):
        VideoClassifier(small_model(), nb_classes=CLASSES, precision="fp8")
    with pytest.raises(InputError, match="nb_classes"):
        VideoClassifier(small_model())
    with pytest.raises(InputError, match="unknown device"):
        VideoClassifier(small_model(), nb_classes=CLASSES, device="gpu0")
    with pytest.raises(InputError, match="optimizer"):
        build().fit(*arrays())
    with pytest.raises(InputError, match="divide clips"):
        build(clip_values=(0, 255))
    with pytest.raises(InputError, match="one number, or three"):
        build(mean=(0.1, 0.2))
    with pytest.raises(InputError, match="above 0"):
        build(std=np.array([0.1, 0.0, 0.1]))
    with pytest.raises(InputError, match="is not there"):
        build(device="meta")
    with pytest.raises(InputError, match="fixed"):
        build().set_params(layout="NTHWC")
    with pytest.raises(InputError, match="nb_classes"):
        VideoClassifier(small_model(), nb_classes=CLASSES + 1).predict(arrays()[0])
    with pytest.raises(InputError, match="integers"):
        build().loss_gradient(arrays()[0], np.full(6, 0.5))


def test_parameters_can_be_read_and_set_again() -> None:
    classifier = build("NTHWC", mean=(0.5,))
    x, _ = arrays("NTHWC")
    before = classifier.predict(x)
    classifier.set_params(**classifier.get_params())
    np.testing.assert_array_equal(classifier.predict(x), before)


def test_class_gradient_keeps_the_gradients_of_the_caller() -> None:
    model = small_model()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    build(model=model).class_gradient(arrays()[0], label=0)
    assert all(p.grad is not None and bool((p.grad == 1).all()) for p in model.parameters())


class ChannelsSwapped(nn.Module):
    """Gives something that is not logits."""

    def forward(self, clips: Tensor) -> Tensor:
        return clips


def test_a_model_that_gives_no_logits_is_named() -> None:
    with pytest.raises(InputError, match="logits"):
        build(model=ChannelsSwapped()).predict(arrays()[0])


def test_recurrent_models_are_differentiated_in_evaluation_mode() -> None:
    class PerFrame(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(3 * 64, 8, batch_first=True)
            self.head = nn.Linear(8, CLASSES)

        def forward(self, clips: Tensor) -> Tensor:
            frames = clips.transpose(1, 2).flatten(2)
            logits: Tensor = self.head(self.rnn(frames)[0][:, -1])
            return logits

    model = PerFrame()
    gradient = build(model=model).loss_gradient(*arrays())
    assert np.abs(gradient).max() > 0
    # cuDNN, where there is one, would refuse.
    with frozen(model):
        assert not torch.backends.cudnn.enabled
    assert torch.backends.cudnn.enabled
