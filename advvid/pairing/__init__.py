"""A model and a data set that go together: clips in its shape, classes in its order."""

from advvid.pairing.classes import match_head, match_labels, read_class
from advvid.pairing.given import (
    GivenClips,
    GivenLabels,
    GivenModel,
    as_subject,
    in_memory,
)
from advvid.pairing.load import ClipsInMemory, load_in_memory, load_subject, load_training
from advvid.pairing.subject import Subject

__all__ = [
    "ClipsInMemory",
    "GivenClips",
    "GivenLabels",
    "GivenModel",
    "Subject",
    "as_subject",
    "in_memory",
    "load_in_memory",
    "load_subject",
    "load_training",
    "match_head",
    "match_labels",
    "read_class",
]
