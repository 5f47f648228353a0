"""The bundled clips: one shape that moves, turns, changes or stays; generated, never stored."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.augmentation import Augment, read_chain, view
from advvid.data.clip_dataset import ClipDataset, check_clip_size
from advvid.data.motions.drawing import draw_clip
from advvid.data.motions.plan import MOTION_CLASSES, plan_motion
from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.errors import InputError, shown

SPLIT_SIZES = {"train": 5000, "val": 1000, "test": 1000}
DEFAULT_FRAMES, DEFAULT_SIZE = 8, 32
DEFAULT_CHAIN = ("roll", "permute-colors")
_VIEW = 3  # stream of the training views; the clips of the splits take streams 0 to 2


class MotionsDataset(ClipDataset):
    """Ten classes of motion that a single frame cannot tell apart; labels are balanced.

    A clip is a function of seed, split, index, frames and size alone. Unless told otherwise, the
    training view rolls the clip around the torus that its frame is and permutes the color channels:
    both leave label and distribution as they are (a mirror would turn left into right).

    Args:
        split: "train", "val" or "test"; no clip is in two of them.
        clips: number of clips, default 5,000 / 1,000 / 1,000.
        frames: T, at least 2.
        size: H = W in pixels, at least 8.
        seed: another seed gives other clips.
        augment: augmentations of the training view, in order.

    Raises:
        InputError: an argument is out of its range.
    """

    _most = 10_000_000

    def __init__(
        self,
        split: str = "test",
        *,
        clips: int | None = None,
        frames: int = DEFAULT_FRAMES,
        size: int = DEFAULT_SIZE,
        seed: int = 0,
        augment: Augment | None = None,
    ) -> None:
        super().__init__()
        if split not in SPLIT_SIZES:
            raise InputError(f"motions has the splits {', '.join(SPLIT_SIZES)}; got {split!r}")
        values = {"clips": clips, "frames": frames, "size": size, "seed": seed}
        for (word, value), least in zip(values.items(), (1, 2, 8, 0), strict=True):
            if value is not None and value < least:
                raise InputError(f"motions needs {word} >= {least}; got {value}")
        if self._most < (clips or 0):
            raise InputError(f"motions has at most {self._most:,} training clips; got {clips:.6g}")
        check_clip_size(frames, size)
        self.name = "motions" if clips is None else f"motions:{clips}"
        self.classes = MOTION_CLASSES
        self.clip_shape = (3, frames, size, size)
        self.split, self.seed = split, seed
        self.augment = read_chain(DEFAULT_CHAIN if augment is None else augment, size=size)
        self._count = SPLIT_SIZES[split] if clips is None else clips

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,)."""
        return np.arange(self._count, dtype=np.int64) % len(MOTION_CLASSES)

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip uint8 (3, T, H, W) and label."""
        if not 0 <= index < self._count:
            raise IndexError(f"{self.name} {self.split} has clips 0 to {self._count - 1}: {index}")
        _, frames, size, _ = self.clip_shape
        stream = list(SPLIT_SIZES).index(self.split)
        label = index % len(MOTION_CLASSES)
        rng = np.random.default_rng((self.seed, stream, index))
        clip = torch.from_numpy(draw_clip(plan_motion(label, frames, rng), size, rng))
        if draw is not None:
            rng = np.random.default_rng((self.seed, _VIEW, stream, index, draw))
            clip = view(clip, self.augment, rng, self.clip_shape)
        return clip, label

    def identity(self, index: int) -> str:
        """Stable name of a clip."""
        return f"motions/{self.seed}/{self.split}#{index}"


def build_motions(argument: str, options: DatasetOptions) -> MotionsDataset:
    """Build `motions` or `motions:N` (N training clips).

    Raises:
        InputError: an option out of range.
    """
    if argument and not (argument.isdecimal() and len(argument) < 20):
        raise InputError(
            "motions takes a number of training clips, such as motions:20000; "
            f"got {shown(argument)}"
        )
    return MotionsDataset(
        options.split,
        clips=int(argument) if argument and options.split == "train" else None,
        frames=options.frames or DEFAULT_FRAMES,
        size=options.size or DEFAULT_SIZE,
        seed=options.seed,
        augment=options.augment,
    )


MOTIONS = DatasetEntry(
    build_motions,
    "motions[:N]",
    "bundled: 10 motions of generated shapes; N training clips (5000)",
    unused=("fold", "sampling", "stride", "clips_per_video", "short_side", "flip", "decoder"),
)
