"""Two networks with an optimizer each, and labels that are shares."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.training import LoaderBatches, Loss, StepContext, Task, TrainSettings, train
from advvid.training.records.checkpoints import Checkpoint, load_checkpoint
from tests.training.stand_ins import TinyNet, ToyClips, same

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = TrainSettings(epochs=4, batch_size=6, lr=0.02, checkpoint_every=2)
DATA = ToyClips(30)


class Gan(Task):
    """Cleans noise off clips so that a fixed classifier and a discriminator are content.

    The discriminator makes two steps a batch, between which its gradient is computed anew.
    """

    def __init__(self, classifier: nn.Module, stop: int | None = None) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.generator = nn.Conv3d(3, 3, 1)
            self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(3 * 2 * 8 * 8, 1))
        self.classifier = classifier.requires_grad_(False)
        self.fooling = 0.1
        self.stop, self.seen = stop, 0

    def networks(self) -> Mapping[str, nn.Module]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "classifier": self.classifier,
        }

    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        if context.iteration == self.stop:
            raise KeyboardInterrupt
        self.seen += 1
        assert not self.classifier.training
        noisy = (batch.clips + 0.1).clamp(0, 1)
        cleaned = context.networks["generator"](noisy)
        logits = context.passes["classifier"](cleaned)
        real = context.passes["discriminator"](cleaned)
        fooling = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        yield Loss(
            context.criterion(logits, batch.labels) + self.fooling * fooling, "generator", logits
        )
        if len(batch.labels) == SETTINGS.batch_size:
            # The step of the generator left no gradient behind.
            assert all(p.grad is None for p in self.discriminator.parameters())
        cleaned = cleaned.detach()
        for _ in range(2):
            told = context.networks["discriminator"](torch.cat([batch.clips, cleaned]))
            wanted = torch.cat([torch.ones_like(real), torch.zeros_like(real)]).detach()
            yield Loss(F.binary_cross_entropy_with_logits(told, wanted), "discriminator")

    def export(self) -> nn.Module:
        return nn.Sequential(self.generator, self.classifier)

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


def classifier() -> nn.Module:
    model = TinyNet(dropout=0)
    train(model, DATA, settings=replace(SETTINGS, epochs=3), device="cpu")
    return model


def run(out: Path, *, stop: int | None = None, **options: Any) -> Checkpoint:
    settings = options.pop("settings", SETTINGS)
    task = Gan(TinyNet(dropout=0), stop)
    train(
        task.classifier, DATA, DATA, settings=settings, task=task, out=out, device="cpu", **options
    )
    return load_checkpoint(out / "checkpoint.pt")


def test_two_networks_learn_and_the_third_stays(tmp_path: Path) -> None:
    model = classifier()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    task, out = Gan(model), tmp_path / "run"
    task.fooling = 0.01
    settings = replace(SETTINGS, epochs=6, lr=0.005)
    history = train(model, DATA, DATA, settings=settings, task=task, out=out, device="cpu")
    losses = [record.losses for record in history.epochs]
    assert set(losses[0]) == {"generator", "discriminator"}
    assert losses[-1]["generator"] < 0.95 * losses[0]["generator"]
    assert losses[-1]["discriminator"] < 0.5 * losses[0]["discriminator"]
    # One loss has logits: it is the loss of the epoch.
    assert history.epochs[0].train_loss == losses[0]["generator"]
    assert same(before, model.state_dict())
    assert "loss_discriminator" in (out / "history.csv").read_text().splitlines()[0]
    # What is measured is what is exported.
    clips, labels = DATA.sample(30)
    with torch.no_grad():
        logits = task.export().eval()(clips)
    expected = F.cross_entropy(logits, labels).item()
    assert history.epochs[-1].val_loss == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("stop", [0, 3, 13])
def test_an_interrupted_run_ends_in_the_same_weights(stop: int, tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", settings=replace(SETTINGS, ema=0.9))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", stop=stop, settings=replace(SETTINGS, ema=0.9))
    torch.manual_seed(9)
    again = run(tmp_path / "broken", resume=True, settings=replace(SETTINGS, ema=0.9))
    for name, weights in whole.networks.items():
        assert same(weights, again.networks[name])
    assert again.task_state == {"seen": 20}
    assert whole.ema is not None
    assert again.ema is not None
    # The average follows the generator, not the two steps of the discriminator.
    assert whole.ema["updates"] == 20
    assert same(whole.ema["average"], again.ema["average"])
    for row, other in zip(whole.history, again.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
    first, second = ((tmp_path / e / "model.safetensors").read_bytes() for e in ("whole", "broken"))
    assert first == second


def test_pieces_of_a_batch_are_the_batch(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    pieces = run(tmp_path / "pieces", settings=replace(SETTINGS, accumulate=3))
    for name, weights in whole.networks.items():
        for key, value in weights.items():
            torch.testing.assert_close(pieces.networks[name][key], value, rtol=1e-3, atol=1e-4)


SCRIPT = """
import sys
from pathlib import Path
import torch
from tests.training.test_task import SETTINGS, run
torch.set_num_threads(1)
run(Path(sys.argv[1]), devices=2)
"""


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "two")],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    one, two = run(tmp_path / "one"), load_checkpoint(tmp_path / "two" / "checkpoint.pt")
    for ours, theirs in zip(one.history, two.history, strict=True):
        assert theirs["losses"] == pytest.approx(ours["losses"], rel=1e-4)
        assert theirs["val_loss"] == pytest.approx(ours["val_loss"], rel=1e-4)


def test_what_a_task_gets_wrong_is_named() -> None:
    class Wrong(Gan):
        name = "critic"

        def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
            logits = context.networks["classifier"](context.networks["generator"](batch.clips))
            yield Loss(logits.mean(), self.name, logits if self.name == "critic" else None)

    class Silent(Gan):
        export = Task.export

    def attempt(task: Gan) -> None:
        train(task.classifier, DATA, settings=SETTINGS, task=task, device="cpu")

    task = Wrong(TinyNet())
    for task.name, message in (("critic", "generator, discriminator"), ("generator", "its logits")):
        with pytest.raises(InputError, match=message):
            attempt(task)
    with pytest.raises(InputError, match=r"its export\(\)"):
        attempt(Silent(TinyNet()))
    with pytest.raises(InputError, match="either task or step"):
        train(TinyNet(), DATA, task=Gan, step=lambda *_: None, device="cpu")  # type: ignore[arg-type]


def soft_clips(classes: int = 3) -> tuple[Tensor, Tensor]:
    clips, labels = DATA.sample(12)
    return clips, 0.7 * F.one_hot(labels, classes) + 0.3 / classes


def test_soft_labels_by_hand() -> None:
    clips, labels = soft_clips()
    loader = DataLoader(TensorDataset(clips, labels), batch_size=12)
    settings = TrainSettings(
        epochs=1, batch_size=12, optimizer="sgd", schedule="constant", lr=0.5, weight_decay=0.0
    )
    model, by_hand = TinyNet(dropout=0), TinyNet(dropout=0).train()
    history = train(model, LoaderBatches(loader, DATA.classes), settings=settings, device="cpu")
    logits = by_hand(clips)
    loss = -(labels * logits.log_softmax(1)).sum(1).mean()
    loss.backward()
    assert history.epochs[0].train_loss == pytest.approx(loss.item(), rel=1e-6)
    hits = (logits.argmax(1) == labels.argmax(1)).double().mean().item()
    assert history.epochs[0].train_top1 == pytest.approx(hits)
    for (name, new), old in zip(model.named_parameters(), by_hand.parameters(), strict=True):
        assert old.grad is not None
        torch.testing.assert_close(new, old - 0.5 * old.grad, msg=name)


def test_soft_labels_have_to_be_shares() -> None:
    clips, labels = soft_clips()
    for bad, word in ((labels[:, :2], r"\(12, 3\)"), (2 * labels, "sum to 1"), (-labels, "sum")):
        with pytest.raises(InputError, match=word):
            LoaderBatches([(clips, bad)], DATA.classes)
