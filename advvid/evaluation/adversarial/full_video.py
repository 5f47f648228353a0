"""An adversarial clip put back into the whole video that it was taken from."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from advvid.augmentation import view
from advvid.data.clip_dataset import ClipDataset, ClipSubset, to_unit
from advvid.data.clip_origin import ClipOrigin
from advvid.data.decoder import VideoFile
from advvid.data.readers.video_dataset import VideoDataset
from advvid.data.video.decoding import stream_frames
from advvid.data.video.index import video_info
from advvid.data.video.writing import Image, write_frames
from advvid.errors import InputError


def videos_of(dataset: ClipDataset) -> VideoDataset:
    """Give the data set of video files that clips come from.

    Raises:
        InputError: when they come from none.
    """
    while isinstance(dataset, ClipSubset):
        dataset = dataset.base
    if not isinstance(dataset, VideoDataset) or not isinstance(dataset.decoder, VideoFile):
        raise InputError(
            f"clips of {dataset.name} are not taken from video files: leave out `full_video`"
        )
    return dataset


def write_full_video(
    path: Path, videos: VideoDataset, origin: ClipOrigin, change: Tensor
) -> Tensor:
    """Write a whole video with a change to one clip of it, and read that clip again.

    The clip was made of frames that were resized to a short side and cropped from their center. The
    change goes back the way: to the rectangle of the crop in the frames as they are. Other frames
    stay. The video keeps its size and mean rate; it has no sound. Lossless FFV1, one frame in
    memory.

    Args:
        path: a new file that ends in .mkv.
        videos: that the clip comes from.
        origin: of the clip.
        change: adversarial minus clean clip, (3, T, H, W).

    Returns:
        The clip as it is sampled from the written video, (3, T, H, W) in [0, 1].

    Raises:
        InputError: when the video cannot be decoded to its end, or the file not be written.
    """
    assert origin.path is not None
    info = video_info(origin.path)
    changes = change_of_frames(origin.frames, change.cpu())

    def images() -> Iterator[Image]:
        for number, image in enumerate(stream_frames(str(origin.path))):
            yield (
                _changed(image, changes[number], videos.short_side) if number in changes else image
            )

    write_frames(path, images(), fps=Fraction(info.fps).limit_denominator(1001))
    clip = videos.decoder.read(str(path), origin.frames, short_side=videos.short_side)
    return to_unit(view(clip, (), None, videos.clip_shape))


def change_of_frames(frames: Sequence[int], change: Tensor) -> dict[int, Tensor]:
    """Give the change (3, H, W) of each frame of a video that changes.

    A frame that stands in the clip several times, as in a short video, takes the mean.
    """
    places: dict[int, list[int]] = {}
    for place, frame in enumerate(frames):
        places.setdefault(frame, []).append(place)
    means = {frame: change[:, at].mean(dim=1) for frame, at in places.items()}
    return {frame: mean for frame, mean in means.items() if bool(mean.any())}


def enlarged(change: Tensor, size: tuple[int, int], short_side: int) -> Tensor:
    """Bring the change of a center crop to the size of the frame that it was cropped from.

    Args:
        change: (3, S, S), of the frame after resizing and cropping.
        size: (H, W) of the frame.
        short_side: that the frame is resized to.

    Returns:
        (3, H, W), nowhere larger than the change.
    """
    scale = short_side / min(size)
    resized = [max(short_side, round(side * scale)) for side in size]
    top, left = ((side - crop) // 2 for side, crop in zip(resized, change.shape[1:], strict=True))
    bottom, right = resized[0] - change.shape[1] - top, resized[1] - change.shape[2] - left
    whole = F.pad(change, (left, right, top, bottom))[None]
    return F.interpolate(whole, size=size, mode="bilinear", antialias=True)[0]


def _changed(image: Image, change: Tensor, short_side: int) -> Image:
    """Add the change of the clip to the frame that it belongs to, in whole levels."""
    height, width = image.shape[:2]
    levels = (255 * enlarged(change, (height, width), short_side)).round()
    # Rounding must not leave the budget.
    most = math.floor(255 * float(change.abs().max()) + 1e-3)
    added = levels.clamp(-most, most).permute(1, 2, 0).to(torch.int16).numpy()
    result: Image = (image + added).clip(0, 255).astype(np.uint8)
    return result
