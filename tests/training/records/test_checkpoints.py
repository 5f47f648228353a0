import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.training import TrainSettings, train
from advvid.training.records.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from advvid.training.step import clean_step
from advvid.training.task import StepContext
from tests.training.stand_ins import TinyNet, ToyClips


def _checkpoint(value: float) -> Checkpoint:
    return Checkpoint(
        identity={"lr": 0.1, "grad_clip": None},
        networks={"classifier": {"weight": torch.full((2,), value)}},
        optimizers={"classifier": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": []}},
        task_state={"radius": 0.5},
        epoch=2,
        iteration=7,
        seconds=1.5,
        history=[{"epoch": 1, "val_loss": None}],
        skipped=[("a.avi", "broken")],
    )


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(_checkpoint(1.0), path)
    loaded = load_checkpoint(path)
    assert torch.equal(loaded.networks["classifier"]["weight"], torch.ones(2))
    assert torch.equal(loaded.tally, torch.zeros(1, 3, dtype=torch.float64))
    plain = {k: v for k, v in vars(loaded).items() if k not in ("networks", "optimizers", "tally")}
    expected = vars(_checkpoint(1.0))
    assert plain == {k: expected[k] for k in plain}


def test_a_write_that_fails_half_way_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(_checkpoint(1.0), path)

    def half(content: object, file: Path) -> None:
        file.write_bytes(b"PK half")
        raise RuntimeError("[enforce fail] unexpected pos 64 vs 0\nmore lines")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(InputError, match=r"cannot write .*checkpoint.pt") as caught:
        save_checkpoint(_checkpoint(2.0), path)
    assert "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert load_checkpoint(path).networks["classifier"]["weight"][0] == 1


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(InputError, match="no run to resume"):
        load_checkpoint(path)
    for content in (b"", b"text that is no checkpoint", b"PK\x03\x04 half an archive"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a checkpoint"):
            load_checkpoint(path)
    torch.save({"weight": torch.ones(1)}, path)
    with pytest.raises(InputError, match="something else"):
        load_checkpoint(path)
    torch.save({"format": 1, "model": {}}, path)
    with pytest.raises(InputError, match="another version of advvid") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


class _Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["ADVVID_TEST_FOLDER"],)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "made by the checkpoint"
    monkeypatch.setenv("ADVVID_TEST_FOLDER", str(victim))
    path = tmp_path / "checkpoint.pt"
    torch.save({"format": 2, "networks": _Code()}, path)
    with pytest.raises(InputError, match="not a checkpoint"):
        load_checkpoint(path)
    assert not victim.exists()


@pytest.mark.parametrize("change", [{"extra": 1}, {"epoch": None, "more": 2}])
def test_content_of_another_shape_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(_checkpoint(1.0), path)
    content = torch.load(path, weights_only=True)
    torch.save({**content, **change}, path)
    with pytest.raises(InputError, match="not a whole checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("every", [0, 1])
def test_broken_weights_do_not_replace_the_last_good_checkpoint(every: int, tmp_path: Path) -> None:
    def breaks(model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext) -> Any:
        loss, logits = clean_step(model, clips, labels, context)
        if context.iteration == 3:
            # A finite loss, whose gradient is not.
            loss = loss + (0 * logits.sum()).abs().sqrt()
        return loss, logits

    settings = TrainSettings(epochs=3, batch_size=6, checkpoint_every=every)
    with pytest.raises(InputError, match=r"weight .* NaN or infinite.*checkpoint\.pt"):
        train(
            TinyNet(),
            ToyClips(12),
            settings=settings,
            out=tmp_path / "run",
            step=breaks,
            device="cpu",
        )
    saved = load_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert (saved.epoch, saved.iteration) == (1, 1 if every else 0)
    assert all(torch.isfinite(value).all() for value in saved.networks["classifier"].values())
