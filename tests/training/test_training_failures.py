"""Training that cannot go on, or should not begin, says why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from advvid.data.video.bad_video import BadVideo
from advvid.errors import InputError
from advvid.training import train
from advvid.training.step import clean_step
from advvid.training.task import StepContext
from tests.training.stand_ins import TinyNet, ToyClips
from tests.training.test_train import QUICK, trained


def test_skipped_videos_are_left_out_and_listed() -> None:
    data = ToyClips(12, bad=(3, 4, 7))
    settings = replace(QUICK, batch_size=1)
    history = train(TinyNet(), data, data, settings=settings, device="cpu")
    assert sorted(history.skipped) == [BadVideo(f"{i}.avi", "broken") for i in (3, 4, 7)]
    bad = ToyClips(1, bad=(0,))
    with pytest.raises(InputError, match=r"no validation clip of epoch 1 .* 0.avi: broken"):
        train(TinyNet(), ToyClips(6), bad, settings=settings, device="cpu")
    with pytest.raises(InputError, match=r"no training clip of epoch 1 .* 0.avi: broken"):
        train(TinyNet(), bad, settings=settings, device="cpu")


def _explode(at: int) -> Callable[..., tuple[Tensor, Tensor]]:
    def step(
        model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        loss, logits = clean_step(model, clips, labels, context)
        return (loss * float("nan") if context.iteration == at else loss), logits

    return step


def test_loss_that_is_not_finite_stops_the_run_by_name() -> None:
    with pytest.raises(InputError, match=r"epoch 2, step 2 of 3, .*none was written") as caught:
        trained(step=_explode(4))
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_finite_stop_the_run_too() -> None:
    with pytest.raises(InputError, match="NaN or infinite"):
        trained(replace(QUICK, optimizer="sgd", lr=1e30, schedule="constant"))


class Raises(TinyNet):
    """A model with a mistake in it."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = "Raises"

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no luck\nat all")


class OneClass(ToyClips):
    """What a folder one level too high looks like."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.classes = ("everything",)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (TinyNet(num_classes=4), ToyClips(18), "model 4: load it with num_classes=3"),
        (Raises(), ToyClips(18), r"Raises fails on clips of shape \(1, 3, 2, 8, 8\): no luck"),
        (TinyNet(), OneClass(18), "the folders of the classes"),
        (TinyNet(), ToyClips(0), "empty"),
        (TinyNet().requires_grad_(False), ToyClips(18), "nothing to train"),
    ],
)
def test_what_does_not_fit_is_refused(model: nn.Module, data: ToyClips, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(model, data, settings=QUICK, device="cpu")


def test_data_sets_that_do_not_go_together_are_refused() -> None:
    other = ToyClips(6)
    other.classes = ("red", "green", "pink")
    with pytest.raises(InputError, match="differ in classes"):
        train(TinyNet(), ToyClips(18), other, settings=QUICK, device="cpu")
    with pytest.raises(InputError, match="validation set is empty"):
        train(TinyNet(), ToyClips(18), ToyClips(0), settings=QUICK, device="cpu")
    with pytest.raises(InputError, match="nothing to resume"):
        train(TinyNet(), ToyClips(18), settings=QUICK, resume=True, device="cpu")


@pytest.mark.parametrize("count", [0, -1])
def test_numbers_of_devices_and_nodes_are_checked(count: int) -> None:
    with pytest.raises(InputError, match="devices"):
        train(TinyNet(), ToyClips(18), devices=count)
    with pytest.raises(InputError, match="nodes"):
        train(TinyNet(), ToyClips(18), nodes=count)


def test_nothing_is_written_when_the_model_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fails on clips"):
        train(Raises(), ToyClips(18), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
