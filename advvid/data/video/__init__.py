"""Video files: an index of their frames, decoding and encoding."""

from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.data.video.decoding import read_frames
from advvid.data.video.index import VideoInfo, video_info

__all__ = ["BadVideo", "BadVideoError", "VideoInfo", "read_frames", "video_info"]
