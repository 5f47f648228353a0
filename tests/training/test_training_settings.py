import math
from dataclasses import replace

import pytest

from advvid.errors import InputError
from advvid.training.settings import TrainSettings, check_same_run


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("lr", 0.0),
        ("lr", math.nan),
        ("head_lr", -1.0),
        ("grad_clip", 0.0),
        ("bn_momentum", 1.5),
        ("lr", math.inf),
        ("weight_decay", -0.1),
        ("label_smoothing", 1.0),
        ("warmup_epochs", 10.0),
        ("seed", -1),
        ("workers", -1),
        ("checkpoint_every", -1),
        ("optimizer", "adam"),
        ("schedule", "linear"),
        ("batch_norm", "off"),
        ("precision", "fp8"),
    ],
)
def test_out_of_range_names_setting_and_value(name: str, value: object) -> None:
    with pytest.raises(InputError, match=name) as caught:
        TrainSettings(**{name: value})  # type: ignore[arg-type]
    shown = f"{value:g}" if isinstance(value, float) else repr(value)
    assert shown in str(caught.value)
    assert "\n" not in str(caught.value)


def test_identity_leaves_out_what_changes_no_weights() -> None:
    settings = TrainSettings()
    assert settings.identity() == replace(settings, workers=2, checkpoint_every=5).identity()
    assert settings.identity() != replace(settings, label_smoothing=0.1).identity()


def test_check_same_run_names_what_differs() -> None:
    saved = TrainSettings().identity()
    check_same_run(saved, dict(saved))
    with pytest.raises(InputError, match=r"lr \(run: 0.001, now: 0.5\)") as caught:
        check_same_run(saved, {**saved, "lr": 0.5})
    assert "epochs" not in str(caught.value)
