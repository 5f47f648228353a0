"""What is remembered of several installations side by side."""

from pathlib import Path

import pytest

from advvid.runs import remembered as module
from advvid.runs.remembered import remembered


def test_installations_do_not_forget_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    collected: list[str] = []
    for mark in ("one", "two", "one", "two"):
        monkeypatch.setattr(module, "_mark", lambda mark=mark: mark)

        def collect(mark: str = mark) -> str:
            collected.append(mark)
            return mark

        assert remembered("names", collect) == mark
    assert collected == ["one", "two"]
    for number in range(20):
        monkeypatch.setattr(module, "_mark", lambda number=number: str(number))
        remembered("names", lambda: 0)
    assert len(list((tmp_path / "advvid").iterdir())) < 10
