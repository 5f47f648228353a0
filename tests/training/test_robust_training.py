"""Accuracy under attack while a model trains, and the weights that are kept by it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipSubset
from advvid.data.clip_source import DatasetClips
from advvid.errors import InputError
from advvid.runs.fabric import launch_fabric
from advvid.training import History, RobustCheck, TrainSettings, train
from advvid.training.measuring.evaluation_view import EvaluationView
from advvid.training.measuring.robust_check import measure_under_attack
from advvid.training.records.checkpoints import load_checkpoint
from tests.training.stand_ins import TinyNet, ToyClips, same

SETTINGS = TrainSettings(epochs=4, batch_size=6, lr=0.02)


def darken(model: nn.Module, clips: Tensor, labels: Tensor, seeds: Tensor) -> Tensor:
    """An "attack" that any accuracy of the toy clips survives in part."""
    del model, seeds
    attacked = clips.clone()
    attacked[range(len(labels)), labels] *= 0.8
    return attacked


def run(out: Path | None = None, model: TinyNet | None = None, **changes: object) -> History:
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return train(
        model or TinyNet(),
        ToyClips(30),
        ToyClips(12),
        settings=settings,
        out=out,
        robust=RobustCheck(darken, "darken", 9),
        device="cpu",
    )


def test_counts_are_those_of_the_model() -> None:
    fabric = launch_fabric("cpu", precision="float32")
    model, data = TinyNet(), ToyClips(30)
    check = RobustCheck(darken, "darken")
    view = EvaluationView(fabric, History(), batch_size=7, workers=0)
    sums = measure_under_attack(view, model, data, check)
    assert view.history.skipped == []
    clips, labels = data.sample(30)
    model.eval()
    right = model(clips).argmax(1) == labels
    stands = right & (model(darken(model, clips, labels, labels)).argmax(1) == labels)
    assert sums.tolist() == [int(right.sum()), int(stands.sum()), 30]
    assert 0 < sums[1] < 30


def test_clips_are_chosen_evenly_and_once() -> None:
    check = RobustCheck(darken, "darken", 6)
    chosen = check.choose(ToyClips(30))
    assert sorted(chosen.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    assert len({chosen.identity(i) for i in range(6)}) == 6
    assert check.choose(ToyClips(5)).name == "toy"
    with pytest.raises(InputError, match="clips"):
        RobustCheck(darken, "darken", 0)


def test_the_best_weights_are_kept_and_written(tmp_path: Path) -> None:
    model = TinyNet()
    history = run(tmp_path / "run", model)
    scores = [(record.val_robust_top1 or 0, record.val_top1 or 0) for record in history.epochs]
    assert history.best_epoch == 1 + scores.index(max(scores))
    saved = load_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert saved.best is not None
    assert same(model.state_dict(), saved.best["model"])
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["kept_epoch"] == history.best_epoch
    assert results["kept"]["val_robust_top1"] == max(scores)[0]
    row = history.rows()[0]
    assert {"val_robust_top1", "seen_top1", "seen_robust_top1"} <= set(row)
    assert (tmp_path / "run" / "generalization_gap.png").exists()
    header = (tmp_path / "run" / "history.csv").read_text().splitlines()[0]
    assert "seen_robust_top1" in header


def test_patience_ends_the_run_and_a_resume_does_not_go_on(tmp_path: Path) -> None:
    settings = TrainSettings(epochs=9, batch_size=6, lr=1e-9, patience=2)
    data, out = (ToyClips(30), ToyClips(12)), tmp_path / "run"
    history = train(TinyNet(), *data, settings=settings, out=out, device="cpu")
    # Nothing moves, so the first epoch stays the best.
    assert (len(history.epochs), history.best_epoch) == (3, 1)
    assert json.loads((out / "results.json").read_text())["finished"]
    again = train(TinyNet(), *data, settings=settings, out=out, resume=True, device="cpu")
    assert len(again.epochs) == 3


def test_choosing_needs_validation_clips() -> None:
    for changes in ({"robust": RobustCheck(darken, "darken")}, {}):
        settings = SETTINGS if changes else TrainSettings(patience=1)
        with pytest.raises(InputError, match="val_data"):
            train(TinyNet(), ToyClips(30), settings=settings, device="cpu", **changes)  # type: ignore[arg-type]


def test_another_check_is_another_run(tmp_path: Path) -> None:
    run(tmp_path / "run")
    with pytest.raises(InputError, match="robust_check"):
        train(
            TinyNet(),
            ToyClips(30),
            ToyClips(12),
            settings=SETTINGS,
            out=tmp_path / "run",
            resume=True,
            robust=RobustCheck(darken, "darken", 6),
            device="cpu",
        )


def test_the_average_is_what_is_measured_and_kept(tmp_path: Path) -> None:
    model = TinyNet()
    out = tmp_path / "run"
    settings = TrainSettings(epochs=2, batch_size=6, lr=0.05, ema=0.9)
    history = train(model, ToyClips(30), ToyClips(12), settings=settings, out=out, device="cpu")
    saved = load_checkpoint(out / "checkpoint.pt")
    assert saved.ema is not None
    assert same(model.state_dict(), {**saved.networks["classifier"], **saved.ema["average"]})
    assert not torch.equal(model.fc.weight, saved.networks["classifier"]["fc.weight"])
    clips, labels = ToyClips(12).sample(12)
    model.eval()
    hits = (model(clips).argmax(1) == labels).float().mean().item()
    assert history.epochs[-1].val_top1 == pytest.approx(hits)


def test_clips_that_choose_weights_are_not_drawn_like_those_that_are_reported() -> None:
    """Where val is test, the same order would choose weights by the clips of the final report."""
    data = ToyClips(300)
    check = RobustCheck(darken, "darken", clips=60, seed=5)
    chosen = check.choose(data)
    assert isinstance(chosen, ClipSubset)
    reported = DatasetClips(data, 60, seed=5).indices
    common = len(set(chosen.indices.tolist()) & set(reported.tolist()))
    # By chance a fifth, 12; the same draw would be 60.
    assert 3 <= common <= 24
    assert check.choose(data).labels.tolist() == chosen.labels.tolist()
