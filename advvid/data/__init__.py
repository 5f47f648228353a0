"""Clip data sets: generated or decoded, sampled, batched."""

from advvid.data.clip_dataset import ClipDataset, to_unit
from advvid.data.clip_source import ClipSource, DatasetClips, MemoryClips
from advvid.data.decoder import DECODERS, Decoder, VideoFile
from advvid.data.loader import ClipBatch, ClipLoader, clip_loader
from advvid.data.motions.dataset import MotionsDataset
from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.registry import DATASETS, list_datasets, load_dataset
from advvid.data.sampling import SAMPLERS, Dense, Sampler, Uniform
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.data.video.decoding import read_frames
from advvid.data.video.index import VideoInfo, video_info
from advvid.data.wrapping import as_dataset, as_source

__all__ = [
    "DATASETS",
    "DECODERS",
    "SAMPLERS",
    "BadVideo",
    "BadVideoError",
    "ClipBatch",
    "ClipDataset",
    "ClipLoader",
    "ClipSource",
    "DatasetClips",
    "DatasetEntry",
    "DatasetOptions",
    "Decoder",
    "Dense",
    "MemoryClips",
    "MotionsDataset",
    "Sampler",
    "Uniform",
    "VideoFile",
    "VideoInfo",
    "as_dataset",
    "as_source",
    "clip_loader",
    "list_datasets",
    "load_dataset",
    "read_frames",
    "to_unit",
    "video_info",
]
