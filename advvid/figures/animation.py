"""Animated pictures of clips before and after an attack."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from advvid.data.video.writing import to_frames
from advvid.errors import InputError
from advvid.escaping import visible
from advvid.figures import palette
from advvid.methods.arguments import checked
from advvid.runs.files import write_atomically

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

_LEAST_SIDE = 160
_GAP, _LINE, _STRIP = 8, 18, 10
_SETTINGS: dict[str, dict[str, Any]] = {
    ".gif": {"disposal": 1},
    ".webp": {"quality": 90},
    ".png": {},
}
_LOOKS = {True: ("changed", palette.VERMILION), False: ("unchanged", palette.DARK_GRAY)}
_FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG"}

Images = npt.NDArray[np.uint8]


@checked
def comparison_picture(
    path: Path,
    clean: Tensor,
    adversarial: Tensor,
    *,
    titles: Sequence[str],
    caption: str = "",
    amplify: float | None = None,
    fps: int = 8,
    frames: Sequence[Sequence[int]] | None = None,
) -> None:
    """Write clean clip, adversarial clip and amplified difference side by side, as they play.

    The difference is gray where nothing changed: 0.5 + amplify (adversarial - clean). Each picture
    says which frame it shows; a frame that is changed at all has a border, and a strip below the
    adversarial clip has a filled cell for each of them.

    Args:
        path: a file that ends in .gif, .webp or .png; the last two keep all colors, and every
            notebook shows the last.
        clean: (N, 3, T, H, W) in [0, 1], a row each.
        adversarial: of the same shape.
        titles: one for each row.
        caption: one line below all, such as the attack and its budget.
        amplify: factor; None lets the largest change of all fill the range.
        fps: frames a second.
        frames: numbers of the frames (N, T) in their videos; None counts those of the clip, from 0.

    Raises:
        InputError: for another ending, shapes that differ, or when the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise InputError(f"animated pictures are .gif, .webp or .png; got {path.name}")
    if clean.shape != adversarial.shape or clean.ndim != 5 or len(titles) != len(clean):
        raise InputError(
            "a comparison needs clean and adversarial clips (N, 3, T, H, W) of one shape and N "
            f"titles; got {tuple(clean.shape)}, {tuple(adversarial.shape)} and {len(titles)}"
        )
    delta = adversarial.detach().cpu() - clean.detach().cpu()
    if amplify is None:
        amplify = 0.5 / max(float(delta.abs().max()), 0.5 / 255)
    # From 0, as `results.json` and the command line count.
    last = delta.shape[2] - 1
    counted = [[f"frame {t} of 0 to {last}" for t in range(last + 1)]] * len(titles)
    if frames is not None:
        if [len(row) for row in frames] != [delta.shape[2]] * len(titles):
            raise InputError(
                f"frames must be {len(titles)} rows of {delta.shape[2]} numbers, one a frame"
            )
        counted = [[f"video frame {number}" for number in row] for row in frames]
    columns = {
        "clean": clean.detach(),
        "adversarial": adversarial.detach(),
        f"difference x {amplify:.3g}": (0.5 + amplify * delta).clamp(0, 1),
    }
    rows = [
        _Row(title, numbers, change.abs().amax(dim=(0, 2, 3)).gt(0).tolist())
        for title, numbers, change in zip(titles, counted, delta, strict=True)
    ]
    pictures = _compose(columns, rows, caption)

    def write(temporary: Path) -> None:
        settings = _SETTINGS.get(path.suffix, {})
        with temporary.open("wb") as file:
            pictures[0].save(
                file,
                format=_FORMATS[path.suffix],
                save_all=True,
                append_images=pictures[1:],
                duration=round(1000 / fps),
                loop=0,
                **settings,
            )

    write_atomically(path, write)


class _Row(NamedTuple):
    """What is told of a clip: in all, of each frame, and whether the frame is changed."""

    title: str
    frames: Sequence[str]
    changed: Sequence[bool]


def _compose(columns: dict[str, Tensor], rows: Sequence[_Row], caption: str) -> "list[Image.Image]":
    """Draw one picture for each frame."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=12)
    cells = {name: [_enlarged(clip) for clip in clips] for name, clips in columns.items()}
    count, height, width, _ = next(iter(cells.values()))[0].shape
    row_height = height + _LINE + _STRIP + _GAP
    size = (
        len(columns) * (width + _GAP) + _GAP,
        _LINE + len(rows) * row_height + _GAP + (_LINE if caption else 0),
    )
    caption = _fitting(caption, size[0] - 2 * _GAP, font.getlength)
    titles = [_fitting(row.title, 2 * width, font.getlength) for row in rows]
    pictures = []
    for t in range(count):
        picture = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(picture)
        for column, (name, clips) in enumerate(cells.items()):
            left = _GAP + column * (width + _GAP)
            draw.text((left, 3), name, fill="black", font=font)
            for number, (row, clip) in enumerate(zip(rows, clips, strict=True)):
                top = _LINE + number * row_height
                picture.paste(Image.fromarray(clip[t]), (left, top + _LINE))
                if column == 0:
                    draw.text((left, top + 2), titles[number], fill=palette.DARK_GRAY, font=font)
                elif column == 1 and row.changed[t]:
                    place = (left - 2, top + _LINE - 2, left + width + 1, top + _LINE + height + 1)
                    draw.rectangle(place, outline=palette.VERMILION, width=2)
                elif column == 2:
                    how, color = _LOOKS[row.changed[t]]
                    told = _fitting(f"{row.frames[t]}: {how}", width, font.getlength)
                    draw.text((left, top + 2), told, fill=color, font=font)
                if column == 1:
                    _draw_strip(draw, row.changed, t, (left, top + _LINE + height + 3), width)
        if caption:
            draw.text((_GAP, size[1] - _LINE - 2), caption, fill=palette.DARK_GRAY, font=font)
        pictures.append(picture)
    return pictures


def _draw_strip(
    draw: "ImageDraw.ImageDraw",
    changed: Sequence[bool],
    now: int,
    corner: tuple[int, int],
    width: int,
) -> None:
    """Draw a cell for each frame, filled where it is changed; the one that is shown has a frame."""
    left, top = corner
    edges = [left + round(width * t / len(changed)) for t in range(len(changed) + 1)]
    bottom = top + _STRIP - 4
    for t, one in enumerate(changed):
        color = palette.VERMILION if one else palette.LIGHT_GRAY
        draw.rectangle((edges[t], top, max(edges[t], edges[t + 1] - 2), bottom), fill=color)
    place = (edges[now] - 1, top - 1, max(edges[now], edges[now + 1] - 2) + 1, bottom + 1)
    draw.rectangle(place, outline=palette.BLACK)


def _fitting(text: str, room: float, length: Callable[[str], float]) -> str:
    """Cut a text so that it does not run out of its place; what cannot be drawn is spelled."""
    text = visible(text)
    while text and length(text) > room:
        text = text.removesuffix("...")[:-1] + "..."
    return text


def _enlarged(clip: Tensor) -> Images:
    """Repeat the pixels of small clips so that they can be seen; uint8 (T, H, W, 3)."""
    images: Images = to_frames(clip).numpy()
    factor = max(1, -(-_LEAST_SIDE // min(images.shape[1:3])))
    return images.repeat(factor, axis=1).repeat(factor, axis=2)
