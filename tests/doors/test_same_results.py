"""A module, a `DataLoader` and one budget give what a classifier, arrays and a list give."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import advvid
from advvid.defenses import DefenseTrainer, build_defense, pgd_check, read_defense
from advvid.models import VideoModel
from advvid.training import TrainSettings
from tests.training.stand_ins import same

CLIPS = torch.rand(10, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
EPS = 4 / 255


class Frames(nn.Module):
    """Somebody's network of normalized clips (B, T, 3, H, W), with batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Tanh())
        self.drop, self.last = nn.Dropout(0.2), nn.Linear(6, 3)

    def forward(self, clips: Tensor) -> Tensor:
        features = self.features(clips.flatten(0, 1)).amax((2, 3))
        logits: Tensor = self.last(self.drop(features.unflatten(0, clips.shape[:2]).mean(1)))
        return logits


def model() -> VideoModel:
    """The same weights each time, in training mode; classes near each other."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = Frames()
    made = VideoModel(network, layout="NTCHW", mean=0.45, std=0.225)
    with torch.no_grad():
        network.last.bias.sub_(made.eval()(CLIPS).mean(0))
    return made.train()


# The answers of the model, but for two clips.
with torch.no_grad():
    LABELS = model().eval()(CLIPS).argmax(1)
LABELS[:2] = (LABELS[:2] + 1) % 3


class Clips(Dataset[tuple[Tensor, int]]):
    """Somebody's clips, which nobody has told advvid of."""

    def __len__(self) -> int:
        return len(CLIPS)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return CLIPS[index], int(LABELS[index])


def classifier(layout: Any = "NCTHW") -> advvid.VideoClassifier:
    shape = (3, 4, 8, 8) if layout == "NCTHW" else (4, 8, 8, 3)
    return advvid.VideoClassifier(
        model(), input_shape=shape, nb_classes=3, layout=layout, device="cpu"
    )


def loader(**options: Any) -> DataLoader[Any]:
    return DataLoader(Clips(), **{"batch_size": 3, **options})


# As a user may hand in the same model and the same clips: (model, clips, labels).
FORMS: dict[str, Any] = {
    "module and loader": lambda: (model(), loader()),
    "module and shuffled loader": lambda: (model(), loader(shuffle=True, drop_last=True)),
    "module and workers": lambda: (model(), loader(num_workers=1)),
    "module and data set": lambda: (model(), Clips()),
    "module and tensors": lambda: (model(), CLIPS, LABELS),
    "classifier and loader": lambda: (classifier(), loader()),
    "arrays, one-hot labels": lambda: (classifier(), CLIPS.numpy(), np.eye(3)[LABELS]),
    "arrays with channels last": lambda: (
        classifier("NTHWC"),
        CLIPS.permute(0, 2, 3, 4, 1).numpy(),
        LABELS.numpy(),
    ),
}


def evaluated(given: tuple[Any, ...], eps: Any) -> dict[str, Any]:
    attacks = ["pgd:max_iter=3,num_random_init=1", "masked-pgd:max_iter=2", "square:queries=9"]
    found = advvid.evaluate(*given, attacks=attacks, eps=eps, batch_size=4, seed=5)
    content: dict[str, Any] = found.to_dict()
    content.pop("about", None)
    # Names of clips, which only their source knows, and seconds.
    assert content.pop("videos") == len(content.pop("origins")) == 10
    for result in content["results"]:
        result["seconds"] = 0
    return content


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    content = evaluated((classifier(), CLIPS.numpy(), LABELS.numpy()), [EPS])
    # There is something to get wrong: some clips are right, and some of them fooled.
    shares = {result["accuracy"] for result in content["results"]}
    assert 0 < min(shares) < content["clean"]["accuracy"] < 1
    return content


@pytest.mark.parametrize("form", FORMS)
def test_an_evaluation_is_the_same_to_the_bit(form: str, expected: dict[str, Any]) -> None:
    assert evaluated(FORMS[form](), EPS) == expected


@pytest.mark.parametrize("form", FORMS)
def test_a_sweep_is_the_same_to_the_bit(form: str) -> None:
    settings: dict[str, Any] = {"max_steps": 2, "random_start": True, "seed": 4, "refine": 2}
    found = advvid.sweep_step_size(*FORMS[form](), eps=EPS, **settings)
    wanted = advvid.sweep_step_size(
        classifier(), CLIPS.numpy(), LABELS.numpy(), eps=[EPS], **settings
    )
    np.testing.assert_array_equal(found.step_sizes, wanted.step_sizes)
    np.testing.assert_array_equal(found.losses, wanted.losses)
    np.testing.assert_array_equal(found.correct, wanted.correct)
    assert found.best() == wanted.best()
    assert np.ptp(found.losses) > 0.01


@pytest.mark.parametrize("defense", ["at:eps=8,attack_steps=2,random_start=yes", "aat:eps=0/8"])
def test_a_training_is_the_same_to_the_bit(defense: str) -> None:
    settings = TrainSettings(epochs=2, batch_size=4, lr=0.01, seed=6)
    prepared = build_defense(defense, loader(shuffle=True), seed=6)
    assert prepared.data is not None
    by_loader = model()
    history = advvid.train(
        by_loader,
        prepared.data,
        loader(),
        settings=settings,
        task=prepared.task,
        robust=pgd_check(prepared.eps),
        device="cpu",
    )
    by_arrays = classifier()
    trainer = DefenseTrainer(by_arrays, read_defense(defense), settings=settings, verbose=False)
    trainer.fit(CLIPS.numpy(), LABELS.numpy(), (CLIPS.numpy(), np.eye(3)[LABELS]))
    assert same(by_loader.state_dict(), by_arrays.inner.state_dict())
    assert not same(by_loader.state_dict(), model().state_dict())
    assert trainer.history is not None
    pairs = zip(history.epochs, trainer.history.epochs, strict=True)
    assert all(replace(one, seconds=0) == replace(other, seconds=0) for one, other in pairs)
