"""Values that an argument of some kind must not be given, by kind; made anew for every call."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.clip_models import LinearClipModel, random_clips

Make = Callable[[], Any]


def clips() -> torch.Tensor:
    return random_clips(4)[0]


def _with(value: float) -> torch.Tensor:
    made = clips()
    made[1, 0, 0, 0, 0] = value
    return made


class Stranger:
    """Somebody else's object, with a long text."""

    def __repr__(self) -> str:
        return "stranger\n" * 1000


# No kind takes these.
_NEVER: dict[str, Make] = {
    "complex": lambda: 1 + 2j,
    "dict": lambda: {"a": 1},
    "object": Stranger,
    "class": lambda: Stranger,
    "bytes": lambda: b"8",
    "set": lambda: {1, 2},
}
_NUMBER: dict[str, Make] = {
    **_NEVER,
    "text": lambda: "8/255",
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "minus infinity": lambda: float("-inf"),
    "negative": lambda: -1,
    "flag": lambda: True,
    "nested": lambda: [[0.1], [0.2]],
    "module": torch.nn.Flatten,
}
_COUNT: dict[str, Make] = {
    **_NUMBER,
    "zero": lambda: 0,
    "fraction": lambda: 2.5,
    "list": lambda: [3],
    "tensor": lambda: torch.ones(3),
}

HOSTILE: dict[str, dict[str, Make]] = {
    "clips": {
        **_NEVER,
        "none": lambda: None,
        "text": lambda: "clip.mp4",
        "number": lambda: 0.5,
        "list": lambda: clips().tolist(),
        "list of tensors": lambda: list(clips()),
        "empty list": list,
        "uint8": lambda: (clips() * 255).to(torch.uint8),
        "flags": lambda: clips() > 0.5,
        "complex tensor": lambda: clips().to(torch.complex64),
        "one clip": lambda: clips()[0],
        "six axes": lambda: clips()[None],
        "flat": lambda: clips().flatten(),
        "scalar": lambda: torch.tensor(0.5),
        "no clip": lambda: clips()[:0],
        "no frame": lambda: clips()[:, :, :0],
        "gray": lambda: clips()[:, :1],
        "time first": lambda: clips().transpose(1, 2),
        "channels last": lambda: clips().movedim(1, -1),
        "nan": lambda: _with(float("nan")),
        "infinite": lambda: _with(float("inf")),
        "negative": lambda: _with(-0.75),
        "0 to 255": lambda: clips() * 255,
        "sparse": lambda: clips().to_sparse(),
        "meta": lambda: clips().to("meta"),
    },
    "labels": {
        **_NEVER,
        "text": lambda: "1",
        "number": lambda: 1,
        "list": lambda: [0, 1, 0, 1],
        "list of names": lambda: ["walk", "run", "walk", "run"],
        "flags": lambda: torch.tensor([True, False, True, False]),
        "complex labels": lambda: torch.tensor([0j, 1, 0, 1]),
        "nan": lambda: torch.tensor([0, float("nan"), 0, 1]),
        "fractions": lambda: torch.tensor([0, 0.5, 0, 1]),
        "too few": lambda: torch.tensor([0, 1]),
        "too many": lambda: torch.tensor([0, 1, 0, 1, 0]),
        "none at all": lambda: torch.zeros(0, dtype=torch.int64),
        "scalar": lambda: torch.tensor(1),
        "three axes": lambda: torch.zeros(4, 2, 2, dtype=torch.int64),
        "negative": lambda: torch.tensor([0, -1, 0, 1]),
        "class too large": lambda: torch.tensor([0, 99, 0, 1]),
        "meta": lambda: torch.zeros(4, dtype=torch.int64, device="meta"),
    },
    "eps": {
        **_NUMBER,
        "zero": lambda: 0.0,
        "above one": lambda: 8,
        "huge": lambda: 10**400,
        "list of texts": lambda: ["4/255"],
        "nan tensor": lambda: torch.tensor(float("nan")),
    },
    "count": {**_COUNT, "huge": lambda: 10**40},
    "positive": {**_NUMBER, "zero": lambda: 0.0},
    "at least 0": _NUMBER,
    "share": {**_NUMBER, "two": lambda: 2.0},
    "seed": {
        **_NEVER,
        "text": lambda: "1",
        "fraction": lambda: 0.5,
        "nan": lambda: float("nan"),
        "list": lambda: [1],
        "flag": lambda: True,
        "none": lambda: None,
    },
    "flag": {
        **_NEVER,
        "text": lambda: "yes",
        "list": lambda: [True],
        "number": lambda: 2,
        "none": lambda: None,
        "tensor": lambda: torch.ones(3),
    },
    "word": {
        **_NEVER,
        "no such word": lambda: "qwertz",
        "empty": lambda: "",
        "number": lambda: 3,
        "list": lambda: ["ce"],
        "flag": lambda: True,
        "long": lambda: "a" * 100_000,
        "tensor": lambda: torch.ones(3),
    },
    "mask": {
        **_NEVER,
        "text": lambda: "center",
        "number": lambda: 1,
        "list": lambda: [[1]],
        "size": lambda: torch.ones(4, 3, 4, 7, 7),
        "halves": lambda: torch.full((4, 1, 1, 8, 8), 0.5),
        "nan": lambda: torch.full((4, 1, 1, 8, 8), float("nan")),
        "flat": lambda: torch.ones(5),
    },
    "model": {
        **_NEVER,
        "none": lambda: None,
        "text": lambda: "motions-r3d",
        "number": lambda: 1,
        "tensor": lambda: torch.ones(2),
        "module class": lambda: torch.nn.Flatten,
        "features": lambda: torch.nn.Conv3d(3, 4, 3),
        "no batch": lambda: lambda clips: torch.ones(3),
        "no tensor": lambda: lambda clips: "walk",
    },
    "classifier": {
        **_NEVER,
        "none": lambda: None,
        "number": lambda: 1,
        "tensor": lambda: torch.ones(2),
        "module class": lambda: LinearClipModel,
        "function": lambda: lambda clips: clips,
        "features": lambda: torch.nn.Conv3d(3, 4, 3),
    },
    "path": {**_NEVER, "number": lambda: 3, "list": lambda: ["a"], "tensor": lambda: torch.ones(1)},
    "target": {
        **_NEVER,
        "no such word": lambda: "qwertz",
        "empty": lambda: "",
        "long": lambda: "a" * 100_000,
        "negative": lambda: -1,
        "class too large": lambda: 99,
        "fraction": lambda: 0.5,
        "flag": lambda: True,
        "list": lambda: [1],
        "tensor": lambda: torch.ones(3),
    },
    "thing": {
        **_NEVER,
        "number": lambda: 3,
        "text": lambda: "at",
        "list": lambda: [1],
        "array": lambda: np.ones(2),
    },
}
HOSTILE["attack"] = {
    **_NEVER,
    **HOSTILE["word"],
    "typo": lambda: "pdg",
    "unknown setting": lambda: "pgd:max_itr=3",
    "bad value": lambda: "pgd:max_iter=many",
    "out of range": lambda: "pgd:max_iter=0",
    "open bracket": lambda: "pgd:loss=[ce",
    "twice": lambda: "pgd:eps=8/255,eps=4/255",
    "no import": lambda: "nowhere.at.all:Attack",
    "a builtin": lambda: "builtins:Int",
}

# What a message may name in place of the argument: the part of it that is wrong.
NAMED_INSTEAD: dict[str, tuple[str, ...]] = {
    "features": ("logits",),
    "no batch": ("logits",),
    "no tensor": ("logits",),
    "module class": ("logits",),
    "unknown setting": ("max_itr", "unknown"),
    "bad value": ("max_iter", "unknown"),
    "out of range": ("max_iter", "unknown"),
    "open bracket": ("brackets",),
    "twice": ("given twice",),
    "no import": ("nowhere.at.all",),
    "a builtin": ("builtins",),
    "typo": ("unknown",),
    "no such word": ("unknown", "cannot be"),
    "empty": ("unknown", "cannot be"),
    "long": ("unknown", "cannot be"),
}
