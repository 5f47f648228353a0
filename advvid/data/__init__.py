"""Clip data sets: generated or decoded, sampled, batched."""

from advvid.data.clip_dataset import ClipDataset
from advvid.data.load import load_dataset
from advvid.data.loader import ClipBatch, ClipLoader, clip_loader, to_unit
from advvid.data.motions.dataset import MotionsDataset
from advvid.data.registry import DATASETS, DatasetEntry, DatasetRow, list_datasets
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.data.video.decoding import read_frames
from advvid.data.video.index import VideoInfo, video_info

__all__ = [
    "DATASETS",
    "BadVideo",
    "BadVideoError",
    "ClipBatch",
    "ClipDataset",
    "ClipLoader",
    "DatasetEntry",
    "DatasetRow",
    "MotionsDataset",
    "VideoInfo",
    "clip_loader",
    "list_datasets",
    "load_dataset",
    "read_frames",
    "to_unit",
    "video_info",
]
