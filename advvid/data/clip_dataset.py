"""The interface of every data set of clips."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from advvid.checks import check_seed
from advvid.data.clip_origin import ClipOrigin
from advvid.data.sampling import Sampler
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.errors import InputError, shown
from advvid.methods.arguments import checked

OnBadVideo = Literal["raise", "skip", "conceal"]
ClipKey = int | tuple[int, int]
"""The index of a clip (evaluation view), or (index, draw) (training view)."""


class ClipDataset(Dataset[tuple[Tensor, int]]):
    """Labeled clips, each decoded or generated when it is asked for.

    A clip is a uint8 tensor (3, T, H, W), RGB; `advvid.data.to_unit` makes batches of them float32
    in [0, 1]. A clip depends on its index and draw alone, never on the process or on the order.
    """

    name: str
    """The spec that `load_dataset` takes to build the data set."""
    classes: tuple[str, ...]
    """Class names in label order."""
    clip_shape: tuple[int, int, int, int]
    """(3, T, H, W)."""
    on_bad_video: OnBadVideo = "raise"
    """Whether `sample` and the loader stop at a video that cannot be read as it was recorded, leave
    it out, or use what is left of it and leave it out only where nothing is."""

    def __init__(self) -> None:
        self.skipped: list[BadVideo] = []
        """Videos that `sample` left out so far, and those used with damage concealed, each once."""

    @property
    @abstractmethod
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,); -1 where unknown. Decodes nothing."""

    @abstractmethod
    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip uint8 (3, T, H, W) and label.

        Args:
            index: position in the data set, 0 to len - 1.
            draw: None for the evaluation view (nothing random); a number >= 0 for a training view:
                equal (index, draw) give equal clips, in any process.

        Raises:
            BadVideoError: the video cannot be decoded (an InputError that names file and reason).
        """

    @abstractmethod
    def identity(self, index: int) -> str:
        """Stable name of a clip, such as "walking/v_walk_01/v_walk_01_02.avi#0"."""

    def origin(self, index: int) -> ClipOrigin:
        """Tell where a clip comes from; by default each is a video of its own.

        Raises:
            BadVideoError: the frames of the video cannot be counted.
        """
        return ClipOrigin(self.identity(index))

    @property
    def pinnable(self) -> bool:
        """Whether clips are in the memory of the host, so that a loader can page-lock them."""
        return True

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: ClipKey) -> tuple[Tensor, int]:
        return self.clip(*key) if isinstance(key, tuple) else self.clip(int(key))

    def subset(self, indices: Sequence[int]) -> "ClipDataset":
        """The same clips, only those at `indices`, in that order."""
        return ClipSubset(self, indices)

    def resampled(
        self, sampling: str | Sampler, clips: int, stride: int | None = None
    ) -> "ClipDataset":
        """Give the same videos, seen with another way of sampling; decodes nothing.

        Args:
            sampling: as for `load_dataset`, such as "uniform" or "dense:stride=2".
            clips: from each video, K >= 1; clip k of video v has index v K + k.
            stride: of dense sampling, where the text does not say.

        Raises:
            InputError: an argument is out of range, or the clips are not taken from videos.
        """
        del sampling, clips, stride
        raise InputError(
            f"clips of {self.name} are not taken from videos and cannot be sampled in another way"
        )

    def video_number(self, index: int) -> int:
        """Number of the video that a clip is taken from, as `resampled` counts videos."""
        return index

    @checked
    def sample(self, n: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Draw `n` different clips at random, as evenly over the classes as they allow.

        Unless `on_bad_video` is "raise", an unreadable video is replaced by the next clip of the
        draw and listed in `skipped`.

        Args:
            n: number of clips, 1 to len.
            seed: equal seeds give equal clips; smaller n give the first of the same clips.

        Returns:
            Clips, float32 (n, 3, T, H, W) in [0, 1], and labels, int64 (n,).

        Raises:
            InputError: n is out of range, or a video cannot be read.
        """
        return self.draw(n, seed=seed)[:2]

    def draw(self, n: int, *, seed: int = 0) -> tuple[Tensor, Tensor, list[ClipOrigin]]:
        """Draw clips as `sample` does, and tell where each comes from."""
        check_seed(seed)
        if not 1 <= n <= len(self):
            raise InputError(
                f"cannot draw {shown(n)} different clips from {self.name}, which has {len(self)}: "
                f"ask for 1 to {len(self)}"
            )
        chosen: list[tuple[Tensor, int]] = []
        seen: dict[ClipOrigin, None] = {}
        for index in balanced_order(self.labels, np.random.default_rng(seed)):
            try:
                origin = self.origin(int(index))
                if origin not in seen:
                    chosen.append(self.clip(int(index)))
                    seen[origin] = None
            except BadVideoError as error:
                if self.on_bad_video == "raise":
                    raise
                if error.bad_video not in self.skipped:
                    self.skipped.append(error.bad_video)
            if len(chosen) == n:
                break
        if len(chosen) < n:
            first = next((bad for bad in self.skipped if not bad.used), None)
            if first is None:
                raise InputError(
                    f"only {len(chosen)} of the {len(self)} clips of {self.name} differ, {n} were "
                    f"asked for: ask for 1 to {len(chosen)}"
                )
            raise InputError(
                f"only {len(chosen)} of the {len(self)} clips of {self.name} can be read, "
                f"{n} were asked for: ask for fewer or repair the videos "
                f"(first: {first.path}: {first.reason})"
            )
        labels = torch.tensor([label for _, label in chosen], dtype=torch.int64)
        return to_unit(torch.stack([clip for clip, _ in chosen])), labels, list(seen)


class ClipSubset(ClipDataset):
    """Some clips of another data set."""

    def __init__(self, base: ClipDataset, indices: Sequence[int]) -> None:
        super().__init__()
        chosen = whole_numbers("indices", indices)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < len(base):
            raise InputError(
                f"a subset of {base.name} takes indices 0 to {len(base) - 1}; "
                f"got {chosen.min()} to {chosen.max()}"
            )
        self.base, self.indices = base, chosen
        self.name, self.classes, self.clip_shape = base.name, base.classes, base.clip_shape
        self.on_bad_video = base.on_bad_video
        self.skipped = base.skipped

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,)."""
        return self.base.labels[self.indices]

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip uint8 (3, T, H, W) and label."""
        return self.base.clip(self._base_index(index), draw)

    @property
    def pinnable(self) -> bool:
        """Whether clips are in the memory of the host."""
        return self.base.pinnable

    def identity(self, index: int) -> str:
        """Stable name of a clip."""
        return self.base.identity(self._base_index(index))

    def origin(self, index: int) -> ClipOrigin:
        """Tell where a clip comes from."""
        return self.base.origin(self._base_index(index))

    def resampled(
        self, sampling: str | Sampler, clips: int, stride: int | None = None
    ) -> ClipDataset:
        """The videos of the chosen clips, one for each clip, in order."""
        base = self.base.resampled(sampling, clips, stride)
        videos = [self.base.video_number(int(index)) for index in self.indices]
        return base.subset([video * clips + k for video in videos for k in range(clips)])

    def _base_index(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"the subset of {self.name} has clips 0 to {len(self) - 1}: {index}")
        return int(self.indices[index])


def whole_numbers(name: str, given: Any) -> npt.NDArray[np.int64]:
    """Take whole numbers (N,) from a list, an array or a tensor.

    Raises:
        InputError: for anything else.
    """
    found = None
    if not isinstance(given, str | bytes | Mapping | Set):
        with suppress(TypeError, ValueError, OverflowError):
            found = np.asarray(given)
    empty = found is not None and found.shape == (0,)
    if found is None or found.ndim != 1 or not (empty or found.dtype.kind in "iu"):
        raise InputError(f"{name} must be whole numbers in a list; got {shown(given)}")
    return found.astype(np.int64)


def check_clip_size(frames: int, size: int) -> None:
    """Refuse clips (3, T, H, W) of more than 2 GiB as float32.

    Raises:
        InputError: saying how much one would take.
    """
    size_in_bytes = 3 * frames * size**2 * 4
    if size_in_bytes > 2**31:
        raise InputError(
            f"a clip of {frames} frames of {size} x {size} pixels takes "
            f"{size_in_bytes / 2**30:,.0f} GiB, and 2 are the most: choose fewer frames or pixels"
        )


def balanced_order(
    labels: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Random order of all indices, (N,), in rounds of one clip of each class."""
    shuffled = rng.permutation(len(labels))
    rounds = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rounds[members] = np.arange(len(members))
    # Stable: within a round the classes stay in their shuffled order.
    return shuffled[np.argsort(rounds[shuffled], kind="stable")]


@checked
def to_unit(clips: Tensor, device: torch.device | str | None = None) -> Tensor:
    """Clips as float32 in [0, 1] on `device`: uint8 is divided by 255, float32 passes through.

    Args:
        clips: any shape; uint8 in 0..255, or floating point already in [0, 1].
        device: where the result lives; None for where the clips are.

    Raises:
        InputError: another type.
    """
    if clips.dtype != torch.uint8 and not clips.is_floating_point():
        raise InputError(f"clips must be uint8 or floating point; got {clips.dtype}")
    moved = clips if device is None else clips.to(device, non_blocking=True)
    if clips.dtype == torch.uint8:
        return moved.to(torch.float32).div_(255)
    return moved.to(torch.float32)
