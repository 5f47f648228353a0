"""Somebody's torch `Dataset` or `DataLoader` as a data set of clips."""

import hashlib
import numbers
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

from advvid.data.clip_dataset import ClipDataset
from advvid.data.clip_origin import ClipOrigin, video_names
from advvid.errors import InputError
from advvid.methods.imported import describe_error

Collate = Callable[[list[Any]], Any]


class TorchDataset(ClipDataset):
    """The items of a map-style torch `Dataset`: pairs of a clip and its class.

    Whatever is random in an item (PyTorch's, NumPy's and Python's own numbers) becomes a function
    of its index and draw, so that it is the same whenever it is read.

    Args:
        data: `data[i]` is (clip, label): a clip (3, T, H, W), uint8 or floating point in [0, 1],
            all of one shape, and a whole number.
        indices: items that are taken, in order; None takes all.
        classes: names in label order; None takes `data.classes`, or the numbers of the labels.
        collate: makes a batch (clips, labels) of a list of items, where they are not pairs
            themselves; given one item at a time.
        videos: name or number of the video of each item that is taken (N,); None takes each for a
            video of its own.

    Raises:
        InputError: for an item that is something else, now for the first, and later for others.
    """

    def __init__(
        self,
        data: Dataset[Any],
        indices: Sequence[int] | None = None,
        *,
        classes: Sequence[str] | None = None,
        collate: Collate | None = None,
        videos: Sequence[str | int] | None = None,
    ) -> None:
        super().__init__()
        self.data = data
        self.name = type(data).__name__
        self.collate = None if collate is default_collate else collate
        self.indices = np.arange(_length(data)) if indices is None else np.asarray(indices)
        if len(self.indices) == 0:
            raise InputError(f"{self.name} is empty: hand in at least one clip")
        self.videos = None if videos is None else video_names(videos, len(self.indices))
        self._labels: npt.NDArray[np.int64] | None = None
        self._form: tuple[torch.dtype, tuple[int, ...]] | None = None
        first, label = self.clip(0)
        self._form = first.dtype, tuple(first.shape)
        channels, frames, height, width = first.shape
        self.clip_shape = (channels, frames, height, width)
        self._first = hashlib.sha256(first.numpy().tobytes()).hexdigest()[:12]
        self._stated = self._stated_labels(label)
        given = getattr(data, "classes", None) if classes is None else classes
        if given is not None:
            if not isinstance(given, tuple | list) or not all(isinstance(n, str) for n in given):
                raise InputError(f"classes must be names in label order; got {_kind(given)}")
            self.classes = tuple(given)

    # Asked for only where it is needed: without stated labels it takes reading every item.
    @cached_property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names in label order: the numbers of the labels unless there are names."""
        return tuple(str(number) for number in range(int(self.labels.max()) + 1))

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,).

        Those that the data set states as `targets` or `labels`; without them every item is read,
        once.
        """
        if self._labels is None:
            if self._stated is not None:
                self._labels = self._stated
            else:
                labels = [self.clip(index)[1] for index in range(len(self))]
                self._labels = np.array(labels, dtype=np.int64)
        return self._labels

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip (3, T, H, W), uint8 or float32, and label."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has clips 0 to {len(self) - 1}: {index}")
        number = int(self.indices[index])
        where = f"item {number} of {self.name}"
        try:
            with seeded(number, draw):
                item = self.data[number]
                pair = item if self.collate is None else self.collate([item])
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"{where} cannot be read: {describe_error(error)}") from error
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"{where} must be (clip, label); got {_kind(pair)}")
        clip, label = pair
        if self.collate is not None:
            clip, label = _only(clip, where), _only(label, where)
        clip = _read_clip(clip, where)
        if self._form is not None and (clip.dtype, tuple(clip.shape)) != self._form:
            raise InputError(
                f"{where} is {clip.dtype} {tuple(clip.shape)} and the first "
                f"{self._form[0]} {self._form[1]}: make all clips alike"
            )
        return clip, _read_label(label, where)

    def __len__(self) -> int:
        return len(self.indices)

    def identity(self, index: int) -> str:
        """Place of a clip, with a digest of the first one that tells other data apart."""
        return f"{self.name}:{self._first}#{int(self.indices[index])}"

    def origin(self, index: int) -> ClipOrigin:
        """Tell where a clip comes from."""
        return super().origin(index) if self.videos is None else ClipOrigin(self.videos[index])

    def _stated_labels(self, first: int) -> npt.NDArray[np.int64] | None:
        """Labels that the data set states without being read, where they are those of its items."""
        try:
            stated = _stated(self.data)
            found = None if stated is None else np.asarray(stated)[self.indices]
            if found is None or found.ndim != 1 or found.dtype.kind not in "iu":
                return None
        except (TypeError, ValueError, IndexError, RuntimeError):
            return None
        # They may be those from before a `target_transform`.
        return found.astype(np.int64) if found[0] == first and self._agrees(found) else None

    def _agrees(self, labels: npt.NDArray[Any]) -> bool:
        last = len(self) - 1
        different = np.flatnonzero(labels != labels[0])
        at = {last, *different[:1].tolist()}
        return all(self.clip(index)[1] == labels[index] for index in at)


def _length(data: Any) -> int:
    try:
        return len(data)
    except TypeError as error:
        raise InputError(
            f"a {type(data).__name__} has no length: hand in a data set with len() and items"
        ) from error


def _stated(data: Any) -> Any:
    if isinstance(data, Subset):
        inner = _stated(data.dataset)
        return None if inner is None else np.asarray(inner)[np.asarray(data.indices)]
    for name in ("targets", "labels"):
        found = getattr(data, name, None)
        if found is not None and len(found) == len(data):
            return found
    return None


def _only(batch: Any, where: str) -> Any:
    """The one member of a batch."""
    try:
        if len(batch) == 1:
            return batch[0]
    except TypeError:
        pass
    raise InputError(
        f"the collate function of {where} must make a batch of one; got {_kind(batch)}"
    )


def _read_clip(given: Any, where: str) -> Tensor:
    clip = torch.from_numpy(given) if _is_number_array(given) else given
    if not isinstance(clip, Tensor):
        raise InputError(f"the clip of {where} must be a tensor (3, T, H, W); got {_kind(clip)}")
    if clip.ndim != 4 or clip.shape[0] != 3 or 0 in clip.shape:
        hint = ""
        if clip.ndim == 4 and clip.shape[1] == 3:
            hint = ": move channels before time, clip.transpose(0, 1)"
        elif clip.ndim == 4 and clip.shape[3] == 3:
            hint = ": move channels to the front, clip.permute(3, 0, 1, 2)"
        raise InputError(f"the clip of {where} must be (3, T, H, W); got {tuple(clip.shape)}{hint}")
    clip = clip.detach().cpu()
    if clip.dtype == torch.uint8:
        return clip.contiguous()
    if not clip.is_floating_point():
        raise InputError(f"the clip of {where} must be uint8, or float in [0, 1]; got {clip.dtype}")
    low, high = (float(value) for value in torch.aminmax(clip))
    # Comparisons with NaN are false.
    if not (low >= 0 and high <= 1):
        hint = ": leave normalization to the model (mean and std)" if low < 0 else ""
        hint = ": divide by 255, or give uint8" if low >= 0 and high > 2 else hint
        raise InputError(
            f"the clip of {where} must lie in [0, 1]; got values from {low:.4g} to {high:.4g}{hint}"
        )
    return clip.to(torch.float32).contiguous()


def _read_label(given: Any, where: str) -> int:
    label = given
    if isinstance(given, Tensor | np.ndarray) and np.prod(given.shape) == 1:
        label = given.item()
    if isinstance(label, bool | np.bool_) or not isinstance(label, numbers.Integral):
        raise InputError(f"the label of {where} must be the number of a class; got {_kind(given)}")
    if not 0 <= int(label) < 2**31:
        raise InputError(
            f"the label of {where} must be the number of a class; got {int(label):.4g}"
        )
    return int(label)


def _is_number_array(given: Any) -> bool:
    return isinstance(given, np.ndarray) and given.dtype.kind in "iuf" and given.dtype != np.uint64


def _kind(given: Any) -> str:
    """What came, in a few words."""
    if isinstance(given, Tensor | np.ndarray):
        return f"{type(given).__name__} {given.dtype} {tuple(given.shape)}"
    size = f" of {len(given)}" if isinstance(given, tuple | list) else ""
    return f"{type(given).__name__}{size}"


@contextmanager
def seeded(index: int, draw: int | None) -> Iterator[None]:
    """Seed all global random numbers of the CPU for one item, and put them back after it."""
    seed = np.random.SeedSequence([index, 0 if draw is None else draw + 1])
    of_torch, of_numpy, of_python = seed.generate_state(3).tolist()
    saved = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        torch.default_generator.manual_seed(of_torch)
        np.random.seed(of_numpy)  # noqa: NPY002
        random.seed(of_python)
        yield
    finally:
        torch.set_rng_state(saved[0])
        np.random.set_state(saved[1])  # noqa: NPY002
        random.setstate(saved[2])
