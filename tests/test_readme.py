"""The README's Python runs as written, and its test command is the one the gate takes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(SNIPPETS)))
def test_snippet_runs(index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(SNIPPETS[index], f"README.md, snippet {index}", "exec"), {})


def test_there_are_snippets_and_the_two_commands() -> None:
    assert len(SNIPPETS) >= 1
    assert re.search(r"^pip install -e \. && advvid sweep-step-size$", README, re.MULTILINE)
    assert re.search(r"^pip install -e '\.\[test\]' && pytest$", README, re.MULTILINE)


def test_relative_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
