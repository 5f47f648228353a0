"""Data sets of video files, one layout a file."""
