"""Files of a run that anybody may have changed: one line each."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from advvid.errors import InputError
from advvid.reproduction import RowResult, finished_row
from advvid.runs.run_folder import RunFolder
from advvid.runs.stored import read_json, restored
from advvid.training.records.folder import TrainingFolder
from advvid.training.records.history import EpochRecord

TEXTS = (
    *(b"", b"{", b"[1, 2]", b"null", b"3", b'"text"', b"\xff\xfe\x00", b"NaN"),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000),
)
VALUES: tuple[Any, ...] = (None, "x" * 10_000, -1.5, True, [], {}, [[1]], {"a": [None]}, 10**400)
RESULT = RowResult("AT(8, eps)", [4] * 5, [2] * 5, 4, 2, 1, 1, 1.0, [])


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_files_that_hold_something_else(text: bytes, tmp_path: Path) -> None:
    for name in ("config.json", "row.json"):
        (tmp_path / name).write_bytes(text)
    with pytest.raises(InputError, match="cannot read"):
        read_json(tmp_path / "config.json")
    with pytest.raises(InputError):
        RunFolder(tmp_path, "evaluate", {"eps": 8}, resume=True)
    with pytest.raises(InputError):
        finished_row(tmp_path)
    # A run that was never started would leave its settings; these are none.
    (tmp_path / "row.json").unlink()
    folder = TrainingFolder(tmp_path, classes=("a", "b"), input_shape=(3, 2, 8, 8))
    with pytest.raises(InputError, match="not empty"):
        folder.open_run([], resume=False)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(type(value)))
def test_settings_of_a_resumed_run_of_any_content(value: Any, tmp_path: Path) -> None:
    for content in (
        {"settings": value},
        {"settings": {"eps": value}},
        {"settings": {"more": value}},
    ):
        (tmp_path / "config.json").write_text(json.dumps(content))
        with pytest.raises(InputError):
            RunFolder(tmp_path, "evaluate", {"eps": 8}, resume=True)


@pytest.mark.parametrize("name", list(asdict(RESULT)))
def test_rows_of_any_content(name: str, tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text(json.dumps(asdict(RESULT)))
    assert finished_row(tmp_path) == RESULT
    fitting = {"name": (str,), "alarms": (list,)}.get(name, ())
    for value in [one for one in VALUES if type(one) not in fitting or one == [[1]]]:
        path.write_text(json.dumps(asdict(RESULT) | {name: value}))
        with pytest.raises(InputError, match=r"row\.json"):
            finished_row(tmp_path)
    missing = {key: value for key, value in asdict(RESULT).items() if key != name}
    path.write_text(json.dumps(missing))
    with pytest.raises(InputError, match=name):
        finished_row(tmp_path)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(type(value)))
def test_rows_of_a_history(value: Any) -> None:
    with pytest.raises(ValueError, match="epoch"):
        restored(EpochRecord, {"epoch": value if value != 10**400 else "1"})
    with pytest.raises(ValueError, match=r"EpochRecord|known|missing"):
        restored(EpochRecord, value)
