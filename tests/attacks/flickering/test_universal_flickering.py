from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import advvid
from advvid.attacks import Flickering, UniversalOffsets, universal_flickering
from advvid.attacks.flickering.objective import FlickeringObjective
from advvid.errors import InputError
from tests.clip_models import CLASSES, LinearClipModel, random_clips

OBJECTIVE = FlickeringObjective(1.0, 0.5, 0.5, 0.05, False)


def test_unseen_clips_are_fooled_better_than_by_random_offsets(tmp_path: Path) -> None:
    """One file, from 96 clips of the training split, on 64 of the test split."""
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    seen, seen_labels = advvid.load_dataset("motions", split="train").sample(96, seed=0)
    clips, labels = advvid.load_dataset("motions", split="test").sample(64, seed=0)
    attack = Flickering(classifier, eps=0.01, eps_step=0.002, verbose=False)
    batches = list(zip(seen.split(32), seen_labels.split(32), strict=True))
    offsets = attack.fit_universal(batches, epochs=8)
    offsets.save(tmp_path / "offsets.safetensors")

    again = Flickering(
        classifier, eps=0.01, offsets=str(tmp_path / "offsets.safetensors"), verbose=False
    )
    fooled = (classifier.predict(again.generate(clips, labels)).argmax(1) != labels).float().mean()

    def random_rate(seed: int) -> float:
        """Offsets of the same sizes with random signs, in random order."""
        generator = torch.Generator().manual_seed(seed)
        sizes = offsets.offsets.abs().flatten()
        drawn = sizes[torch.randperm(len(sizes), generator=generator)]
        drawn = drawn * (2 * torch.randint(2, drawn.shape, generator=generator) - 1)
        moved = (clips + drawn.view_as(offsets.offsets)).clamp(0, 1)
        return float((classifier.predict(moved).argmax(1) != labels).float().mean())

    highest = max(random_rate(seed) for seed in range(8))
    assert fooled > highest + 0.1
    assert offsets.fooling_rate > highest + 0.1


def data(count: int = 12) -> tuple[LinearClipModel, Tensor, Tensor]:
    model = LinearClipModel(classes=CLASSES)
    clips = 0.4 + 0.2 * random_clips(count)[0]
    return model, clips, model(clips).argmax(1)


def test_a_linear_model_of_one_class_gets_the_closed_form() -> None:
    model = LinearClipModel(classes=2)
    clips = 0.4 + 0.2 * random_clips(8)[0]
    labels = torch.zeros(8, dtype=torch.int64)
    found = universal_flickering(
        model,
        [(clips, labels)],
        eps=0.05,
        step_size=0.05,
        epochs=2,
        optimizer="sign",
        objective=FlickeringObjective(0, 0, 0, 1.0, False),
    )
    weight = (model.weight[1] - model.weight[0]).view(clips.shape[1:])
    torch.testing.assert_close(found.offsets, 0.05 * weight.sum((2, 3), keepdim=True).sign())


def test_best_epoch_is_kept_and_its_rate_is_true() -> None:
    model, clips, labels = data()
    batches = [(clips[:6], labels[:6]), (clips[6:], labels[6:])]
    short = universal_flickering(model, batches, objective=OBJECTIVE, epochs=2, step_size=0.03)
    long = universal_flickering(model, batches, objective=OBJECTIVE, epochs=9, step_size=0.03)
    assert long.fooling_rate >= short.fooling_rate
    moved = (clips + long.for_clips(clips)).clamp(0, 1)
    assert long.fooling_rate == pytest.approx(
        float((model(moved).argmax(1) != labels).float().mean())
    )


def test_file_keeps_everything_and_others_are_refused(tmp_path: Path) -> None:
    model, clips, labels = data()
    found = universal_flickering(
        model, [(clips, labels)], objective=OBJECTIVE, epochs=1, eps=0.1, shift_draws=2
    )
    path = tmp_path / "offsets.safetensors"
    found.save(path)
    loaded = UniversalOffsets.load(path)
    assert torch.equal(loaded.offsets, found.offsets)
    assert loaded.settings["eps"] == 0.1
    assert loaded.fooling_rate == found.fooling_rate
    with pytest.raises(InputError, match="for 4 frames"):
        loaded.for_clips(torch.zeros(1, 3, 5, 8, 8))
    torch.testing.assert_close(loaded.for_clips(clips, 0.001).abs().max(), torch.tensor(0.001))
    (tmp_path / "other").write_text("rubbish")
    with pytest.raises(InputError, match="no flickering offsets"):
        UniversalOffsets.load(tmp_path / "other")
    with pytest.raises(InputError, match="needs clips"):
        universal_flickering(model, [], objective=OBJECTIVE)


def test_the_rate_counts_the_rolls_that_offsets_have_to_survive() -> None:
    model, clips, labels = data()
    settings = {"eps": 0.05, "step_size": 0.02, "epochs": 1, "objective": OBJECTIVE}
    still = universal_flickering(model, [(clips, labels)], **settings)  # type: ignore[arg-type]
    rolled = universal_flickering(model, [(clips, labels)], **settings, shift_draws=3)  # type: ignore[arg-type]
    whole = still.fooling_rate * len(clips)
    assert whole == pytest.approx(round(whole))
    # Four rolls of each clip count alike.
    parts = rolled.fooling_rate * len(clips) * 4
    assert parts == pytest.approx(round(parts))


def test_random_starts_only_add_to_the_run_from_none() -> None:
    model, clips, labels = data()
    settings: dict[str, Any] = {"eps": 0.2, "step_size": 0.02, "epochs": 2}
    plain, several = (
        universal_flickering(
            model, [(clips, labels)], objective=OBJECTIVE, num_random_init=n, **settings
        )
        for n in (0, 4)
    )
    assert several.fooling_rate > plain.fooling_rate
    assert several.offsets.abs().max() <= 0.2
    moved = (clips + several.for_clips(clips)).clamp(0, 1)
    assert several.fooling_rate == pytest.approx(
        float((model(moved).argmax(1) != labels).float().mean())
    )
