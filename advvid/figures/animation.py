"""Animated pictures of clips before and after an attack."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from advvid.data.video.writing import to_frames
from advvid.errors import InputError
from advvid.runs.files import write_atomically

if TYPE_CHECKING:
    from PIL import Image

_LEAST_SIDE = 160
_GAP, _LINE = 8, 18
_FORMATS = {".gif": "GIF", ".webp": "WEBP"}

Images = npt.NDArray[np.uint8]


def comparison_picture(
    path: Path,
    clean: Tensor,
    adversarial: Tensor,
    *,
    titles: Sequence[str],
    caption: str = "",
    amplify: float | None = None,
    fps: int = 8,
) -> None:
    """Write clean clip, adversarial clip and amplified difference side by side, as they play.

    The difference is gray where nothing changed: 0.5 + amplify (adversarial - clean).

    Args:
        path: a file that ends in .gif or .webp; WebP keeps all colors.
        clean: (N, 3, T, H, W) in [0, 1], a row each.
        adversarial: of the same shape.
        titles: one for each row.
        caption: one line below all, such as the attack and its budget.
        amplify: factor; None lets the largest change of all fill the range.
        fps: frames a second.

    Raises:
        InputError: for another ending, shapes that differ, or when the file cannot be written.
    """
    if path.suffix not in _FORMATS:
        raise InputError(f"animated pictures are .gif or .webp; got {path.name}")
    if clean.shape != adversarial.shape or clean.ndim != 5 or len(titles) != len(clean):
        raise InputError(
            "a comparison needs clean and adversarial clips (N, 3, T, H, W) of one shape and N "
            f"titles; got {tuple(clean.shape)}, {tuple(adversarial.shape)} and {len(titles)}"
        )
    delta = adversarial.detach().cpu() - clean.detach().cpu()
    if amplify is None:
        amplify = 0.5 / max(float(delta.abs().max()), 0.5 / 255)
    columns = {
        "clean": clean.detach(),
        "adversarial": adversarial.detach(),
        f"difference x {amplify:.3g}": (0.5 + amplify * delta).clamp(0, 1),
    }
    frames = _compose(columns, titles, caption)

    def write(temporary: Path) -> None:
        settings: dict[str, Any] = {"quality": 90} if path.suffix == ".webp" else {"disposal": 1}
        with temporary.open("wb") as file:
            frames[0].save(
                file,
                format=_FORMATS[path.suffix],
                save_all=True,
                append_images=frames[1:],
                duration=round(1000 / fps),
                loop=0,
                **settings,
            )

    write_atomically(path, write)


def _compose(
    columns: dict[str, Tensor], titles: Sequence[str], caption: str
) -> "list[Image.Image]":
    """Draw one picture for each frame."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=12)
    cells = {name: [_enlarged(clip) for clip in clips] for name, clips in columns.items()}
    count, height, width, _ = next(iter(cells.values()))[0].shape
    row_height = height + _LINE + _GAP
    size = (
        len(columns) * (width + _GAP) + _GAP,
        _LINE + len(titles) * row_height + _GAP + (_LINE if caption else 0),
    )
    # A long name must not run out of the picture.
    while caption and font.getlength(caption) > size[0] - 2 * _GAP:
        caption = caption.removesuffix("...")[:-1] + "..."
    pictures = []
    for t in range(count):
        picture = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(picture)
        for column, (name, clips) in enumerate(cells.items()):
            left = _GAP + column * (width + _GAP)
            draw.text((left, 3), name, fill="black", font=font)
            for row, clip in enumerate(clips):
                top = _LINE + row * row_height
                if column == 0:
                    draw.text((left, top + 2), titles[row], fill="#555555", font=font)
                picture.paste(Image.fromarray(clip[t]), (left, top + _LINE))
        if caption:
            draw.text((_GAP, size[1] - _LINE - 2), caption, fill="#555555", font=font)
        pictures.append(picture)
    return pictures


def _enlarged(clip: Tensor) -> Images:
    """Repeat the pixels of small clips so that they can be seen; uint8 (T, H, W, 3)."""
    images: Images = to_frames(clip).numpy()
    factor = max(1, -(-_LEAST_SIDE // min(images.shape[1:3])))
    return images.repeat(factor, axis=1).repeat(factor, axis=2)
