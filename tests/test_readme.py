"""What README, CONTRIBUTING and docs/ show works: Python, command lines, links."""

import re
from collections.abc import Iterator
from pathlib import Path
from shlex import split
from typing import Any

import pytest
import typer

from advvid.cli.app import app
from tests.docs.documents import (
    DOCUMENTS,
    README,
    ROOT,
    Block,
    blocks,
    code_spans,
    command_lines,
    prose,
)

SNIPPETS = [b for document in DOCUMENTS for b in blocks(document) if b.info == "python"]
ADVVID: Any = typer.main.get_command(app)
LINES = [
    (str(document.relative_to(ROOT)), line)
    for document in DOCUMENTS
    for line in command_lines(document)
]
MEASURED = [ROOT / "docs/results.md", ROOT / "docs/speed.md"]


def test_there_are_snippets_and_the_two_commands() -> None:
    readme = README.read_text(encoding="utf-8")
    assert any(block.place.startswith("README.md") for block in SNIPPETS)
    assert re.search(r"^pip install -e \. && advvid sweep-step-size$", readme, re.MULTILINE)
    assert re.search(r"^pip install -e '\.\[test\]' && pytest$", readme, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.place)
def test_snippet_runs(snippet: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet.text, snippet.place, "exec"), {"__name__": "snippet"})


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)
def test_relative_links_exist(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", prose(document)):
        found = document.parent / target if target else document
        assert found.exists(), target
        if anchor:
            assert anchor[1:] in set(_anchors(found)), f"{target}{anchor}"


@pytest.mark.parametrize(("document", "line"), LINES)
def test_command_line_parses(document: str, line: str) -> None:
    if line.startswith("--"):  # of `advvid` itself: some of these end the program
        assert split(line)[0] in {name for one in ADVVID.params for name in one.opts}
        return
    name, command, arguments = resolved(split(line))
    assert command is not None, f"{document}: advvid {line}"
    # Parses, converts and checks all options; the command itself is not run.
    command.make_context(name, arguments)


def test_options_named_in_the_text_exist() -> None:
    options = {"--help", *(name for parameter in ADVVID.params for name in parameter.opts)}
    for name in ADVVID.commands:
        for parameter in resolved([name])[1].params:
            options |= {*parameter.opts, *parameter.secondary_opts}
    for document in set(DOCUMENTS) - set(MEASURED):
        for span in code_spans(document):
            if re.match(r"--[a-z]", span):
                assert span.split()[0] in options, f"{document.name}: {span}"


@pytest.mark.parametrize("document", MEASURED, ids=lambda document: str(document.relative_to(ROOT)))
def test_numbers_stand_with_their_command(document: Path) -> None:
    for section in re.split(r"^##+ ", document.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        measured = re.search(r"^(\|---|\| ---|PGD, )", section, re.MULTILINE)
        command = re.search(r"advvid [a-z-]+|python -m benchmarks\.", section)
        assert not measured or command, section.splitlines()[0]


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)
def test_lines_fit_on_a_screen(document: Path) -> None:
    text = prose(document)
    assert [line for line in text.splitlines() if len(line) > 110 and line[0] not in "|!"] == []


def resolved(line: list[str]) -> tuple[str, Any, list[str]]:
    """Find the command of a line, with all of its options."""
    name, command, arguments = ADVVID.resolve_command(ADVVID.make_context("advvid", line), line)
    return name, command, arguments


def _anchors(document: Path) -> Iterator[str]:
    """Give the anchors of the headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
