from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from advvid.attacks import linf_pgd
from advvid.attacks.core.ascent import steepest_step_
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.step_size import sweep as step_size
from advvid.step_size import sweep_step_size
from tests.clip_models import CLASSES, CLIP_SHAPE, LinearClipModel, random_clips, small_model

EPS = [2 / 255, 4 / 255, 8 / 255]
RATIOS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3]


def classifier_for(model: torch.nn.Module | None = None) -> VideoClassifier:
    return VideoClassifier(model or small_model(), input_shape=CLIP_SHAPE, nb_classes=CLASSES)


@pytest.mark.parametrize("random_start", [False, True])
def test_equals_independent_runs(random_start: bool) -> None:
    model = small_model().eval()
    clips, labels = random_clips(5)
    surface = sweep_step_size(
        classifier_for(model),
        clips,
        labels,
        eps=EPS,
        max_steps=6,
        step_ratios=RATIOS,
        random_start=random_start,
        seed=3,
        memory=1,
    )
    for e, eps in enumerate(surface.eps):
        for a, alpha in enumerate(surface.step_sizes[e]):
            for m in (1, 2, 5, 6):
                x = linf_pgd(
                    model,
                    clips,
                    labels,
                    eps=float(eps),
                    step_size=float(alpha),
                    steps=m,
                    random_start=random_start,
                    seed=3,
                )
                expected = F.cross_entropy(model(x), labels, reduction="none")
                np.testing.assert_allclose(
                    surface.losses[e, a, m], expected.detach().numpy(), rtol=1e-5
                )
                assert (surface.correct[e, a, m] == (model(x).argmax(1) == labels).numpy()).all()


def test_memory_and_batches_change_nothing() -> None:
    clips, labels = random_clips(5)
    runs = [
        sweep_step_size(
            classifier_for(), clips, labels, eps=EPS, max_steps=3, step_ratios=RATIOS, memory=memory
        )
        for memory in (1, 2**28)
    ]
    np.testing.assert_allclose(runs[0].losses, runs[1].losses, rtol=1e-5)


def test_a_killed_sweep_is_resumed_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, labels = random_clips(5)
    kwargs: dict[str, Any] = {"eps": EPS, "max_steps": 3, "memory": 1}
    # 5 clips one by one, and 5 again around the best step.
    whole = sweep_step_size(classifier_for(), clips, labels, **kwargs)
    part, runs, stop = tmp_path / "part.npz", [], 4
    original = step_size._TreeRunner.run

    def stop_at_the_fourth(self: Any, *args: Any) -> Any:
        runs.append(1)
        if len(runs) == stop:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(step_size._TreeRunner, "run", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        sweep_step_size(classifier_for(), clips, labels, part_file=part, **kwargs)
    for other in ({"max_steps": 2}, {"eps": EPS[:2]}, {"loss": "cw"}):
        with pytest.raises(InputError, match="another sweep"):
            sweep_step_size(classifier_for(), clips, labels, part_file=part, **{**kwargs, **other})
    with pytest.raises(InputError, match="another sweep"):
        sweep_step_size(classifier_for(small_model(1)), clips, labels, part_file=part, **kwargs)
    stop = 4 + 2 + 3  # two that were left, and in the third of the second part
    with pytest.raises(KeyboardInterrupt):
        sweep_step_size(classifier_for(), clips, labels, part_file=part, **kwargs)
    resumed = sweep_step_size(classifier_for(), clips, labels, part_file=part, **kwargs)
    assert len(runs) == stop + 3
    np.testing.assert_array_equal(resumed.losses, whole.losses)
    assert not list(tmp_path.iterdir())


def test_a_part_file_that_is_none_is_named(tmp_path: Path) -> None:
    clips, labels = random_clips(1)
    (tmp_path / "part.npz").write_text("no")
    with pytest.raises(InputError, match=r"part\.npz"):
        sweep_step_size(classifier_for(), clips, labels, part_file=tmp_path / "part.npz")


def test_step_sizes_above_twice_the_budget_are_flat() -> None:
    """Independent runs, so that the sharing of the sweep cannot make it true."""
    model = small_model().eval()
    clips, labels = random_clips(5)
    eps = 8 / 255
    runs = [
        linf_pgd(model, clips, labels, eps=eps, step_size=r * eps, steps=6) for r in (2, 2.5, 9)
    ]
    losses = [F.cross_entropy(model(x), labels) for x in runs]
    assert max(losses) - min(losses) <= 0.01 * max(losses)


def test_linear_model_has_the_loss_known_in_closed_form() -> None:
    """Loss falls with the margin, and after m steps every pixel has moved min(m alpha, eps)."""
    model = LinearClipModel()
    clips, labels = random_clips(classes=2)
    clips = 0.25 + clips / 2
    classifier = VideoClassifier(model)
    surface = sweep_step_size(classifier, clips, labels, eps=EPS, max_steps=4, step_ratios=[0.3, 1])
    away = model.weight[1 - labels] - model.weight[labels]
    clean = (away * clips.flatten(1)).sum(1)
    for e, eps in enumerate(EPS):
        for a, step in enumerate(surface.step_sizes[e]):
            for m in range(5):
                moved = min(m * step, eps) * away.abs().sum(1)
                expected = F.softplus(clean + moved).detach().numpy()
                np.testing.assert_allclose(surface.losses[e, a, m], expected, rtol=1e-4)


def test_absolute_step_sizes_are_the_same_for_every_budget() -> None:
    clips, labels = random_clips(2)
    surface = sweep_step_size(
        classifier_for(),
        clips,
        labels,
        eps=EPS,
        max_steps=1,
        step_sizes=[2 / 255, 1 / 255],
        refine=0,
    )
    np.testing.assert_allclose(surface.step_sizes * 255, [[1, 2]] * 3)


def test_labels_default_to_predictions() -> None:
    classifier = classifier_for()
    clips, _ = random_clips(4)
    surface = sweep_step_size(classifier, clips, eps=[1 / 255], max_steps=1)
    assert surface.correct[:, :, 0].all()


def test_a_nan_gradient_moves_nothing() -> None:
    from advvid.attacks.core.linf_box import linf_box

    clips, _ = random_clips(1)
    moved = steepest_step_(
        clips.clone(), torch.full_like(clips, torch.nan), 0.1, linf_box(clips, 0.2)
    )
    assert torch.equal(moved, clips)


def test_a_model_that_gives_nan_is_named() -> None:
    model = LinearClipModel(classes=CLASSES)
    with torch.no_grad():
        model.weight[0] = torch.nan
    clips, labels = random_clips(2)
    with pytest.raises(InputError, match="2 of 2 clips"):
        sweep_step_size(classifier_for(model), clips, labels, eps=EPS, max_steps=1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"eps": []}, "at least one budget"),
        ({"eps": [0.0]}, "above 0"),
        ({"eps": [4]}, "4 / 255"),
        ({"max_steps": 0}, "max_steps"),
        ({"step_sizes": [0.1], "step_ratios": [1.0]}, "not both"),
        ({"step_sizes": [0.0]}, "above 0"),
        ({"step_ratios": []}, "above 0"),
        ({"step_ratios": np.array([1.0, np.nan])}, "finite"),
        ({"loss": "l2"}, "ce, dlr, cw"),
        ({"loss": 3}, "loss must be"),
        ({"loss": None}, "loss must be"),
        ({"eps": "8/255"}, "eps must be a number or a list of numbers; got '8/255'"),
        ({"eps": ["0.1", "0.2"]}, "eps must be"),
        ({"eps": None}, "eps must be"),
        ({"eps": True}, "eps must be"),
        ({"eps": 0.1j}, "eps must be"),
        ({"eps": [[0.1], [0.2]]}, "eps must be"),
        ({"eps": [[0.1], [0.2, 0.3]]}, "eps must be"),
        ({"eps": {"a": 1}}, "eps must be"),
        ({"eps": float("nan")}, "eps must be a number or a list of numbers; got nan"),
        ({"eps": [0.1, float("inf")]}, "at most 1"),
        ({"eps": -0.1}, "above 0"),
        ({"eps": 10**400}, "eps must be"),
        ({"max_steps": 1.0}, "max_steps"),
        ({"max_steps": True}, "max_steps"),
        ({"max_steps": None}, "max_steps"),
        ({"max_steps": "3"}, "max_steps"),
        ({"max_steps": 10**9}, "at most 10000"),
        ({"max_steps": 10**5000}, "max_steps must be a whole number"),
        ({"step_sizes": "1"}, "step_sizes must be"),
        ({"step_ratios": [None]}, "step_ratios must be"),
        ({"refine": -1}, "refine must be a whole number of at least 0"),
        ({"refine": 1.5}, "refine"),
        ({"refine": 10**9}, "refine"),
        ({"random_start": "yes"}, "random_start must be True or False"),
        ({"random_start": None}, "random_start"),
        ({"seed": 1.5}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": "0"}, "seed"),
        ({"seed": None}, "seed"),
        ({"memory": "1 GB"}, "memory"),
        ({"memory": 0}, "memory"),
        ({"part_file": 3}, "part_file must be"),
        ({"progress": "no"}, "progress"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, Any], words: str) -> None:
    clips, labels = random_clips(2)
    with pytest.raises(InputError, match=words) as caught:
        sweep_step_size(classifier_for(), clips, labels, **given)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_one_budget_may_be_a_bare_number_or_an_array() -> None:
    clips, labels = random_clips(2)
    few: dict[str, Any] = {"max_steps": 1, "step_ratios": 1.0}
    budgets: list[Any] = [8 / 255, np.float32(8 / 255), torch.tensor([8 / 255]), (8 / 255,)]
    for eps in budgets:
        surface = sweep_step_size(classifier_for(), clips, labels, eps=eps, **few)
        assert surface.eps.tolist() == pytest.approx([8 / 255])
        assert surface.step_sizes.shape == (1, 1)


def test_a_budget_below_half_a_gray_level_is_noted() -> None:
    clips, labels = random_clips(2)
    with pytest.warns(UserWarning, match=r"0\.03/255, less than half .* write 7\.65/255"):
        sweep_step_size(
            classifier_for(), clips, labels, eps=0.03 / 255, max_steps=1, step_ratios=[1.0]
        )


@pytest.mark.parametrize("loss", [torch.nn.CrossEntropyLoss(), lambda logits, _: 1.0])
def test_a_loss_that_is_not_one_number_a_clip_is_named(loss: Any) -> None:
    clips, labels = random_clips(2)
    with pytest.raises(InputError, match="one number for each of 2 clips"):
        sweep_step_size(classifier_for(), clips, labels, loss=loss, eps=EPS, max_steps=1)
    with pytest.raises(InputError, match="reduction='none'"):
        linf_pgd(small_model(), clips, labels, eps=0.1, steps=1, loss=loss)
    each = torch.nn.CrossEntropyLoss(reduction="none")
    found = linf_pgd(small_model(), clips, labels, eps=0.1, steps=1, loss=each)
    assert torch.equal(found, linf_pgd(small_model(), clips, labels, eps=0.1, steps=1))
