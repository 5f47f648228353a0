"""Defenses behind ART's interface."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from art.data_generators import NumpyDataGenerator
from art.defences.trainer import Trainer
from torch.utils.data import DataLoader, TensorDataset

import advvid
from advvid.defenses import (
    AdaptiveTrainer,
    AdversarialTrainer,
    Choice,
    CurriculumTrainer,
    Defense,
    DefenseTrainer,
    FastTrainer,
    FreeTrainer,
    TradesTrainer,
    TrainingAttack,
    pgd_check,
)
from advvid.errors import InputError
from advvid.training import TrainSettings, clean_step
from tests.training.stand_ins import TinyNet, ToyClips, same

SETTINGS = TrainSettings(epochs=2, batch_size=6, lr=0.01)
SHAPE = (3, 2, 8, 8)


def data(count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    clips, labels = ToyClips(count).sample(count)
    return clips.numpy(), labels.numpy()


def classifier(**options: Any) -> advvid.VideoClassifier:
    return advvid.VideoClassifier(TinyNet(), input_shape=SHAPE, device="cpu", **options)


def state(found: advvid.VideoClassifier) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in found.inner.state_dict().items()}


Make = Callable[..., DefenseTrainer]
TRAINERS: dict[str, Make] = {
    "at": lambda c, **k: AdversarialTrainer(c, max_iter=2, clean_share=0.2, **k),
    "cat": lambda c, **k: CurriculumTrainer(c, max_iter=2, **k),
    "aat": lambda c, **k: AdaptiveTrainer(c, (0.0, 0.02), max_iter=1, held_out=6, **k),
    "types": lambda c, **k: AdaptiveTrainer(
        c,
        (Choice(TrainingAttack(max_iter=1), 0.1), Choice(TrainingAttack("random-noise"), 0.1)),
        **k,
    ),
    "trades": lambda c, **k: TradesTrainer(c, max_iter=2, **k),
    "free": lambda c, **k: FreeTrainer(c, replays=2, **k),
    "fast": lambda c, **k: FastTrainer(c, **k),
}


@pytest.mark.parametrize("name", TRAINERS)
def test_arrays_in_weights_out(name: str) -> None:
    found = classifier()
    before = state(found)
    trainer = TRAINERS[name](found, settings=SETTINGS, verbose=False)
    assert isinstance(trainer, Trainer)
    x, y = data()
    modes = [m.training for m in found.model.modules()]
    trainer.fit(x, np.eye(3)[y], verbose=True)
    assert trainer.get_classifier() is found
    assert not same(state(found), before)
    assert [m.training for m in found.model.modules()] == modes
    assert trainer.history is not None
    assert len(trainer.history.epochs) == 2
    assert trainer.predict(x).shape == (24, 3)


def test_tensors_and_arrays_and_layouts_train_alike() -> None:
    x, y = data()
    wide = np.ascontiguousarray(x.transpose(0, 2, 3, 4, 1))
    results = []
    last = advvid.VideoClassifier(TinyNet(), input_shape=(2, 8, 8, 3), layout="NTHWC", device="cpu")
    cases: list[tuple[advvid.VideoClassifier, Any, Any]] = [
        (classifier(), x, y),
        (classifier(), torch.from_numpy(x), torch.from_numpy(y)),
        (last, wide, y),
    ]
    for found, clips, labels in cases:
        AdversarialTrainer(found, max_iter=1, settings=SETTINGS, verbose=False).fit(clips, labels)
        results.append(state(found))
    assert same(results[0], results[1])
    assert same(results[0], results[2])


def test_the_classifier_changes_only_when_all_has_ended_well() -> None:
    def breaks(model: Any, clips: Any, labels: Any, context: Any) -> Any:
        if context.iteration == 5:
            raise RuntimeError("the power is gone")
        return clean_step(model, clips, labels, context)

    class Breaks(Defense):
        def prepare(self, data: Any, *, seed: int = 0) -> Any:
            return self.prepared(breaks, data, 0.1)

    found = classifier(optimizer=None)
    before = state(found)
    trainer = DefenseTrainer(found, Breaks(), settings=SETTINGS, verbose=False)
    with pytest.raises(RuntimeError, match="power"):
        trainer.fit(*data())
    assert same(state(found), before)
    assert all(parameter.grad is None for parameter in found.inner.parameters())


def test_validation_clips_choose_the_weights(tmp_path: Path) -> None:
    found = classifier()
    x, y = data()
    trainer = AdversarialTrainer(
        found, max_iter=2, settings=SETTINGS, out=tmp_path / "run", verbose=False
    )
    trainer.fit(x[:18], y[:18], validation_data=(x[18:], y[18:]), nb_epochs=3, batch_size=9)
    history = trainer.history
    assert history is not None
    assert history.best_epoch is not None
    scores = [(record.val_robust_top1 or 0, record.val_top1 or 0) for record in history.epochs]
    assert len(scores) == 3
    assert history.best_epoch == 1 + scores.index(max(scores))
    assert (tmp_path / "run" / "generalization_gap.png").exists()


def test_the_optimizer_of_the_classifier_is_used() -> None:
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    found = advvid.VideoClassifier(model, input_shape=SHAPE, optimizer=optimizer, device="cpu")
    before = {name: value.clone() for name, value in model.named_parameters()}
    AdversarialTrainer(found, max_iter=1, settings=SETTINGS, verbose=False).fit(*data())
    # A rate of 0 moves no parameter, whatever the settings say.
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_loaders_and_generators_of_art() -> None:
    x, y = data()
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=6)
    feeds: list[Callable[[DefenseTrainer], None]] = [
        lambda t: t.fit_loader(loader, nb_epochs=1),
        lambda t: t.fit_generator(NumpyDataGenerator(x, y, batch_size=6), nb_epochs=1),
    ]
    for feed in feeds:
        found = classifier()
        before = state(found)
        trainer = AdversarialTrainer(found, max_iter=1, settings=SETTINGS, verbose=False)
        feed(trainer)
        assert trainer.history is not None
        assert len(trainer.history.epochs) == 1
        assert not same(state(found), before)
    with pytest.raises(InputError, match="holds out"):
        AdaptiveTrainer(classifier(), settings=SETTINGS, verbose=False).fit_loader(loader)


class Normalizes(TinyNet):
    """Mean and standard deviation inside the network, where no attack can take them for pixels."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return super().forward((clips - 0.4) / 0.2)


def test_a_normalizing_classifier_is_attacked_in_pixels() -> None:
    found = classifier(mean=(0.4, 0.4, 0.4), std=(0.2, 0.2, 0.2))
    inside = advvid.VideoClassifier(Normalizes(), input_shape=SHAPE, device="cpu")
    for each in (found, inside):
        trainer = AdversarialTrainer(each, eps=0.05, max_iter=1, settings=SETTINGS, verbose=False)
        trainer.fit(*data())
    for name, value in state(inside).items():
        torch.testing.assert_close(state(found)[name], value, rtol=1e-5, atol=1e-6, msg=name)


def test_a_check_needs_clips_to_check_on() -> None:
    trainer = AdversarialTrainer(
        classifier(), settings=SETTINGS, robust=pgd_check(0.1), verbose=False
    )
    with pytest.raises(InputError, match="validation_data"):
        trainer.fit(*data())


def test_invalid_arguments_are_named_in_one_line() -> None:
    x, y = data()
    trainer = AdversarialTrainer(classifier(), settings=SETTINGS, verbose=False)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: AdversarialTrainer(object()), "VideoClassifier; got <object"),  # type: ignore[arg-type]
        (lambda: trainer.fit(x * 255, y), "divide by 255"),
        (lambda: trainer.fit(x, y + 3), "from 0 to 2; got 3 to 5"),
        (lambda: trainer.fit(x, y, epochs=3), "takes no epochs"),
        (lambda: trainer.fit(x, y, nb_epochs=0), "epochs .* got 0"),
        (lambda: trainer.fit(x, y, batch_size=0), "batch_size .* got 0"),
        (lambda: trainer.fit(x, y, validation_data=(x,)), "validation_data"),  # type: ignore[arg-type]
        (lambda: trainer.fit_loader([(torch.from_numpy(x), torch.from_numpy(y) + 1)]), "1 to 3"),
        (lambda: trainer.fit_loader([]), "length of at least 1"),
        (lambda: trainer.fit_loader([1, 2]), "got int"),
    ]
    for call, words in calls:
        with pytest.raises(InputError, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_the_optimizer_keeps_its_learning_rate() -> None:
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    found = advvid.VideoClassifier(model, input_shape=SHAPE, optimizer=optimizer, device="cpu")
    AdversarialTrainer(found, max_iter=1, settings=SETTINGS, verbose=False).fit(*data())
    # The schedule ends near 0, with which nothing could be trained any more.
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert "peak_lr" not in optimizer.param_groups[0]
    assert len(optimizer.state) == len(list(model.parameters()))


@pytest.mark.parametrize("generator", [None, 3, "clips", ToyClips(6)])
def test_what_is_no_generator_of_art_is_one_line(generator: Any) -> None:
    trainer = FastTrainer(classifier(), settings=SETTINGS, verbose=False)
    with pytest.raises(InputError, match="must be one of ART"):
        trainer.fit_generator(generator)


BAD_TRAINERS: list[tuple[Any, dict[str, Any]]] = [
    *((AdversarialTrainer, {"eps": eps}) for eps in ("8/255", None, 2.0, float("nan"))),
    *((AdversarialTrainer, {"max_iter": steps}) for steps in ("x", 0, 1.5, None)),
    (AdversarialTrainer, {"settings": "fast"}),
    (AdversarialTrainer, {"settings": {}}),
    *((AdaptiveTrainer, {"choices": given}) for given in (3, "pgd", (1, "x"))),
    *((DefenseTrainer, {"defense": given}) for given in ("at", None, FastTrainer)),
    (TradesTrainer, {"beta": "6"}),
    (FreeTrainer, {"replays": None}),
    (CurriculumTrainer, {"direction": 1}),
]


@pytest.mark.parametrize(("trainer", "arguments"), BAD_TRAINERS)
def test_trainers_refuse_settings_of_other_types_in_one_line(
    trainer: Make, arguments: dict[str, Any]
) -> None:
    (name,) = arguments
    with pytest.raises(InputError, match=rf"(?i){name}") as error:
        trainer(classifier(), **arguments)
    assert "\n" not in str(error.value)
