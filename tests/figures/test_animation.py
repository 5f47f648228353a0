from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from advvid.errors import InputError
from advvid.figures.animation import comparison_picture


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_picture_shows_both_clips_and_the_difference(suffix: str, tmp_path: Path) -> None:
    clean = torch.full((2, 3, 4, 8, 8), 0.5)
    for t in range(4):
        clean[:, 0, t] = 0.2 * t
    changed = clean.clone()
    changed[1, 1, :, :4] += 0.1
    path = tmp_path / f"picture{suffix}"
    comparison_picture(path, clean, changed, titles=["a -> b", "c -> d"])
    picture = Image.open(path)
    assert getattr(picture, "n_frames", 1) == 4
    # Three cells of 160 pixels a side and two rows.
    assert picture.size == (3 * 168 + 8, 18 + 2 * 196 + 8)
    picture.seek(3)
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    top = 18 + 196 + 18
    middles = [pixels[top + 40, 8 + 168 * column + 80] for column in range(3)]
    np.testing.assert_allclose(middles[0], [153, 128, 128], atol=12)
    np.testing.assert_allclose(middles[1], [153, 153, 128], atol=12)
    # The largest change fills the range: half plus 5 * 0.1.
    np.testing.assert_allclose(middles[2], [128, 255, 128], atol=12)
    unchanged = pixels[18 + 18 + 80, 8 + 168 * 2 + 80]
    np.testing.assert_allclose(unchanged, [128] * 3, atol=12)


def test_nothing_changed_is_gray(tmp_path: Path) -> None:
    clean = torch.rand(1, 3, 2, 200, 180)
    comparison_picture(tmp_path / "same.gif", clean, clean, titles=["same"])
    picture = Image.open(tmp_path / "same.gif")
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    np.testing.assert_allclose(pixels[120, 8 + 2 * 188 + 90], [128] * 3, atol=12)


def test_a_caption_stands_below_and_fits(tmp_path: Path) -> None:
    clips = torch.full((1, 3, 2, 8, 8), 0.5)
    path = tmp_path / "captioned.gif"
    comparison_picture(path, clips, clips, titles=["a"], caption="pgd, " * 100)
    pixels = np.asarray(Image.open(path).convert("L")).astype(int)
    assert pixels.shape == (18 + 196 + 8 + 18, 3 * 168 + 8)
    dark = np.argwhere(pixels[-20:] < 160)
    assert len(dark) > 50
    assert dark[:, 1].min() >= 8
    assert dark[:, 1].max() < 3 * 168


def test_changed_frames_are_marked(tmp_path: Path) -> None:
    clean = torch.full((1, 3, 4, 8, 8), 0.5)
    changed = clean.clone()
    changed[:, :, 1] += 0.1
    path = tmp_path / "sparse.webp"
    comparison_picture(path, clean, changed, titles=["a"], frames=[[3, 6, 9, 12]])
    picture = Image.open(path)
    border, strip, shown = [], [], []
    for t in range(4):
        picture.seek(t)
        pixels = np.asarray(picture.convert("RGB")).astype(int)
        vermilion = np.abs(pixels - [213, 94, 0]).max(axis=-1) < 60
        border.append(bool(vermilion[18 + 18 + 80, 8 + 168 - 1]))
        row = 18 + 18 + 160 + 5
        strip.append([bool(vermilion[row, 8 + 168 + 40 * cell + 20]) for cell in range(4)])
        shown.append(pixels[18:34, 8 + 2 * 168 :])
    assert border == [False, True, False, False]
    assert strip == [[False, True, False, False]] * 4
    # Each says its own number.
    assert all((shown[0] != other).any() for other in shown[1:])


def test_hostile_titles_are_drawn(tmp_path: Path) -> None:
    clips = torch.full((1, 3, 2, 8, 8), 0.5)
    comparison_picture(
        tmp_path / "x.gif", clips, clips, titles=["a\n\x1b[2J\udcff$x$"], caption="b\nc"
    )


def test_bad_pictures_are_refused(tmp_path: Path) -> None:
    clips = torch.rand(1, 3, 2, 8, 8)
    with pytest.raises(InputError, match=r"\.gif, \.webp or \.png"):
        comparison_picture(tmp_path / "x.mp4", clips, clips, titles=["a"])
    with pytest.raises(InputError, match="titles"):
        comparison_picture(tmp_path / "x.gif", clips, clips, titles=[])
    with pytest.raises(InputError, match="1 rows of 2 numbers"):
        comparison_picture(tmp_path / "x.gif", clips, clips, titles=["a"], frames=[[1]])
    with pytest.raises(InputError, match="one shape"):
        comparison_picture(tmp_path / "x.gif", clips, clips[:, :, :1], titles=["a"])


def test_frames_count_from_0_as_the_results_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def heard(self: ImageDraw.ImageDraw, at: tuple[float, float], text: str, **look: Any) -> None:
        told.append(text)
        draw(self, at, text, **look)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", heard)
    clean = torch.full((1, 3, 3, 8, 8), 0.5)
    changed = clean.clone()
    changed[:, :, 1] += 0.1
    comparison_picture(tmp_path / "a.gif", clean, changed, titles=["a"])
    of_frames = [text for text in told if text.startswith("frame")]
    assert of_frames == [
        "frame 0 of 0 to 2: unchanged",
        "frame 1 of 0 to 2: changed",
        "frame 2 of 0 to 2: unchanged",
    ]
