"""Several data sets as one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from advvid.data.clip_dataset import ClipDataset
from advvid.data.clip_origin import ClipOrigin
from advvid.data.sampling import Sampler
from advvid.errors import InputError


class JoinedDataset(ClipDataset):
    """The clips of several data sets, one after the other; classes of one name are one class.

    Args:
        parts: data sets with clips of one shape.

    Raises:
        InputError: when the shapes differ, one is given twice, or some have labels and others not.
    """

    def __init__(self, parts: Sequence[ClipDataset]) -> None:
        super().__init__()
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            raise InputError(f"data sets are joined that are the same: {', '.join(names)}")
        shapes = {part.clip_shape for part in parts}
        if len(shapes) > 1:
            raise InputError(
                f"data sets with clips of different shapes cannot be joined: {sorted(shapes)}; "
                "give frames and size"
            )
        unknown = [min(part.labels, default=0) < 0 for part in parts]
        if any(unknown) != all(unknown):
            raise InputError(
                f"{names[unknown.index(True)]} has no labels and {names[unknown.index(False)]} "
                "has: evaluate them one by one"
            )
        self.parts = tuple(parts)
        self.name = " + ".join(names)
        self.classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
        (self.clip_shape,) = shapes
        self.on_bad_video = parts[0].on_bad_video
        for part in parts:
            part.skipped = self.skipped
        self._starts = np.cumsum([0, *map(len, parts)])
        number = {name: label for label, name in enumerate(self.classes)}
        self._tables = [np.array([number[name] for name in part.classes]) for part in parts]
        labels = [
            np.where(part.labels < 0, part.labels, table[part.labels])
            for part, table in zip(parts, self._tables, strict=True)
        ]
        self._labels = np.concatenate(labels).astype(np.int64)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,); -1 where unknown."""
        return self._labels

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip (3, T, H, W) and label."""
        part, inside = self._place(index)
        return self.parts[part].clip(inside, draw)[0], int(self._labels[index])

    @property
    def pinnable(self) -> bool:
        """Whether clips are in the memory of the host."""
        return all(part.pinnable for part in self.parts)

    def identity(self, index: int) -> str:
        """Name of the data set and of the clip in it."""
        part, inside = self._place(index)
        return f"{self.parts[part].name}/{self.parts[part].identity(inside)}"

    def origin(self, index: int) -> ClipOrigin:
        """Tell where a clip comes from."""
        part, inside = self._place(index)
        origin = self.parts[part].origin(inside)
        name = self.parts[part].name
        source = origin.source and f"{name}/{origin.source}"
        return origin._replace(video=f"{name}/{origin.video}", source=source)

    def resampled(
        self, sampling: str | Sampler, clips: int, stride: int | None = None
    ) -> "JoinedDataset":
        """Give the same videos, seen with another way of sampling."""
        return JoinedDataset([part.resampled(sampling, clips, stride) for part in self.parts])

    def video_number(self, index: int) -> int:
        """Number of the video that a clip is taken from."""
        number, inside = self._place(index)
        before = sum(part.video_number(len(part) - 1) + 1 for part in self.parts[:number])
        return before + self.parts[number].video_number(inside)

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has clips 0 to {len(self) - 1}: {index}")
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return part, index - int(self._starts[part])
