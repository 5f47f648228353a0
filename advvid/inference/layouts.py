"""Orders of the axes of a batch of clips: N clips, C channels, T frames, H rows, W columns."""

from collections.abc import Iterable

from torch import Tensor

from advvid.errors import InputError, shown

LAYOUTS: dict[str, tuple[int, ...]] = {
    "NCTHW": (0, 1, 2, 3, 4),
    "NTCHW": (0, 2, 1, 3, 4),
    "NTHWC": (0, 2, 3, 4, 1),
}
"""Layout -> the permutation that brings clips (B, C, T, H, W) to it."""


def check_layout(layout: object, known: Iterable[str] = tuple(LAYOUTS)) -> str:
    """Give a layout as it is.

    Raises:
        InputError: when there is none of that name.
    """
    if isinstance(layout, str) and layout in known:
        return layout
    raise InputError(f"layout must be one of {', '.join(known)}; got {shown(layout)}")


def to_layout(clips: Tensor, layout: str) -> Tensor:
    """Bring clips (B, C, T, H, W) to a layout, contiguous, as networks that call `view` need it."""
    if layout == "NCTHW":
        return clips
    return clips.permute(LAYOUTS[layout]).contiguous()


def from_layout(clips: Tensor, layout: str) -> Tensor:
    """Bring clips in a layout back to (B, C, T, H, W), as a view."""
    axes = LAYOUTS[layout]
    return clips.permute([axes.index(axis) for axis in range(5)])


def spell_axes(layout: str) -> str:
    """Spell a layout as a shape: "(B, T, 3, H, W)"."""
    return f"({', '.join({'N': 'B', 'C': '3'}.get(axis, axis) for axis in layout)})"
