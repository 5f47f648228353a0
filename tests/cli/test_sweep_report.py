"""What a sweep prints of steps that lie at the edge, and of intervals that reach it."""

import numpy as np
import pytest

from advvid.cli.sweep_report import print_sweep
from advvid.step_size.surface import StepSizeSurface


def printed(
    capture: pytest.CaptureFixture[str], peaks: list[float], spread: float, clips: int = 8
) -> str:
    """Print a sweep at 8/255 whose clips peak around a step, in 1/255."""
    steps = np.geomspace(0.5, 8, 9)
    own = np.array(peaks)[:, None] * np.exp(np.linspace(-spread, spread, clips))
    losses = -(np.log(steps[None, :, None] / own[:, None]) ** 2)
    losses = np.repeat(losses[:, :, None], 2, axis=2).astype(np.float32)
    eps = np.arange(8, 8 + len(peaks)) / 255
    surface = StepSizeSurface(
        eps, np.tile(steps, (len(peaks), 1)) / 255, losses, losses > -1, 20, 3
    )
    print_sweep(surface, surface.fit_law() if len(peaks) > 1 else None)
    return capture.readouterr().out


@pytest.mark.parametrize(
    ("peak", "spread", "words"),
    [
        (2.0, 0.3, "1.6"),
        (0.1, 0.0, "<=0.5 "),
        (99.0, 0.0, ">=8 "),
        (0.6, 1.0, "<=0.5 to"),
    ],
)
def test_an_interval_that_reaches_the_edge_says_so(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    peak: float,
    spread: float,
    words: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = printed(capsys, [peak], spread)
    assert words in text
    assert ("extend --alphas" in text) == (peak != 2.0)
    assert "41%" in text
    assert "20 gradients and 3 forwards a clip" in text


def test_one_clip_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    assert "one clip" in printed(capsys, [2.0, 2.5], 0.0, clips=1)
