"""What is already known of each clip, on disk line by line, so that a killed run can be resumed."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from advvid.errors import InputError

CLEAN, PROBES = "clean", "probes"
"""What was done where it is no condition: clips were scored as they are, the model was probed."""


@dataclass(frozen=True)
class Record:
    """The outcome of one piece of work: some clips under one condition.

    Args:
        condition: what was done: the key of a condition, `CLEAN` or `PROBES`.
        positions: of the clips.
        values: lists with one entry a clip.
        totals: numbers that add up over records, such as seconds.
        content: what belongs to no clip.
    """

    condition: str
    positions: list[int]
    values: dict[str, list[Any]] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)


class Records:
    """Collects records, and appends each to a file of this process where there is a folder.

    Args:
        folder: where the files of all processes are, or None.
        fingerprint: of all that the outcomes depend on.
        rank: of this process.

    Raises:
        InputError: when the folder holds records of another evaluation, or cannot be written.
    """

    def __init__(self, folder: Path | None, fingerprint: str, *, rank: int = 0) -> None:
        self.folder = folder
        self.known: list[Record] = []
        self.new: list[Record] = []
        self._file: TextIO | None = None
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("rank*.jsonl")):
                self.known += _read(path, fingerprint)
            path = folder / f"rank{rank}.jsonl"
            if path.exists():
                # A kill may have torn the last line.
                os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
            self._file = path.open("a", encoding="utf-8")
            if self._file.tell() == 0:
                self._write({"fingerprint": fingerprint})
        except OSError as error:
            raise InputError(
                f"cannot write {folder}: {error.strerror or error}; choose another place"
            ) from error

    def add(self, record: Record) -> None:
        """Take a record, and write it down."""
        self.new.append(record)
        if self._file is not None:
            try:
                self._write(vars(record))
            except OSError as error:
                raise InputError(
                    f"cannot write {self.folder}: {error.strerror or error}; make room, then "
                    "resume the run (`resume=True`)"
                ) from error

    def close(self, *, remove: bool = False) -> None:
        """Close the file; `remove` deletes the folder's records, because all is in the results."""
        if self._file is not None:
            self._file.close()
        if remove and self.folder is not None:
            for path in self.folder.glob("rank*.jsonl"):
                path.unlink()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()

    def _write(self, content: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(content) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def by_position(records: Iterable[Record], condition: str) -> dict[int, dict[str, Any]]:
    """Spread the records of a condition over its clips; of a clip done twice the first counts."""
    found: dict[int, dict[str, Any]] = {}
    for record in records:
        if record.condition == condition:
            for place, position in enumerate(record.positions):
                row = {name: entries[place] for name, entries in record.values.items()}
                found.setdefault(position, row)
    return found


def totals(records: Iterable[Record], condition: str) -> dict[str, float]:
    """Add up the totals of a condition."""
    sums: dict[str, float] = {}
    for record in records:
        if record.condition == condition:
            for name, number in record.totals.items():
                sums[name] = sums.get(name, 0.0) + number
    return sums


def probes_of(records: Iterable[Record]) -> dict[str, Any]:
    """Give what probing the model has measured; nothing where it was not probed."""
    return next((record.content for record in records if record.condition == PROBES), {})


def _read(path: Path, fingerprint: str) -> list[Record]:
    """Read the records of a file; an incomplete last line is ignored."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = [line for line in file if line.endswith("\n")]
        head, *contents = [json.loads(line) for line in lines] or [{"fingerprint": fingerprint}]
        same = head["fingerprint"] == fingerprint
        records = [_record(content) for content in contents] if same else []
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else error
        raise InputError(
            f"cannot resume from {path}, which is damaged ({why}): delete it to start again"
        ) from error
    if not same:
        raise InputError(
            f"{path} belongs to another evaluation (other model, clips or settings): repeat "
            "its settings, or choose another folder"
        )
    return records


def _record(content: Any) -> Record:
    """Make a record of what was read.

    Raises:
        ValueError, TypeError: when it is none.
    """
    record = Record(**content)
    needed = _NEEDED.get(record.condition, _SCORES) if type(record.condition) is str else None
    if record.condition == PROBES:
        needed = _check_probes(record.content)
    if needed is None or not _is_list_of(record.positions, int):
        raise ValueError("a condition or positions of clips are missing")
    if not all(isinstance(one, dict) for one in (record.values, record.totals, record.content)):
        raise ValueError(f"values, totals or content of {record.condition} are no dictionaries")
    if missing := needed - {*record.values, *record.content}:
        raise ValueError(f"{record.condition} has no {min(missing)}")
    if not all(isinstance(number, int | float) for number in record.totals.values()):
        raise ValueError(f"totals of {record.condition} are no numbers")
    for name, entries in record.values.items():
        kinds = _KINDS.get(name, (int, float))
        if not _is_list_of(entries, *kinds) or len(entries) != len(record.positions):
            raise ValueError(f"{name} of {record.condition} is no list with an entry for each clip")
    for origin in record.values.get("origin", ()):
        others = (origin["path"], origin["source"])
        texts = type(origin["video"]) is str and all(
            type(one) in (str, type(None)) for one in others
        )
        if not texts or not _is_list_of(origin["frames"], int):
            raise ValueError("an origin of a clip is no video with frames")
    numbers = (record.content[name] for name in needed & record.content.keys())
    if not all(type(number) in (int, float) for number in numbers):
        raise ValueError(f"content of {record.condition} is no numbers")
    return record


def _check_probes(content: Any) -> frozenset[str]:
    """Look at what is no number, and tell which numbers there must be."""
    if "no_gradient" in content:
        return frozenset({"clips", "eps", "no_gradient"})
    numbers = [[content[name] for name in ("agreement", "scale")]]
    numbers += [content[name] for name in _PROBED_LISTS]
    if not all(_is_list_of(one, int, float, type(None)) for one in numbers):
        raise ValueError("probes are no numbers")
    return _NEEDED[PROBES]


_PROBED_LISTS = (
    *("frame_scales", "frame_errors", "hidden_frames"),
    *("channel_scales", "channel_errors", "hidden_channels"),
)
_SCORES = frozenset({"predicted", "correct", "correct_8bit", "loss"})
_NEEDED = {
    CLEAN: _SCORES | {"label", "origin", "frames"},
    PROBES: frozenset(
        {
            *("clips", "eps", "steps", "draws", "zero_gradient", "noise_not_weaker"),
            *("one_step_better", "remain_correct_at_64", "differs", "alone_differs"),
            *("probabilities", "resolution", "conclusive", "vanishing"),
        }
    ),
}
"""What a record must hold, by what was done; of a condition its scores."""

_KINDS: dict[str, tuple[type, ...]] = {
    "origin": (dict,),
    **dict.fromkeys(("label", "predicted", "target"), (int,)),
    **dict.fromkeys(("correct", "correct_8bit", "correct_h264"), (bool,)),
    **dict.fromkeys(("reached", "reached_8bit", "reached_h264"), (bool,)),
}
"""Types of the entries of values; numbers unless they stand here."""


def _is_list_of(entries: Any, *kinds: type) -> bool:
    return isinstance(entries, list) and all(type(one) in kinds for one in entries)
