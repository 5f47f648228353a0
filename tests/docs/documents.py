"""The documents of the repository, cut into what tests look at."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        place: document and line of the first line of code, such as "README.md:12".
        info: what follows the opening fence, such as "python" or "python file=late/pgd.py".
        text: the lines between the fences.
    """

    place: str
    info: str
    text: str


def blocks(document: Path) -> list[Block]:
    """Every fenced block of a document."""
    text = document.read_text(encoding="utf-8")
    name = document.relative_to(ROOT)
    return [
        Block(f"{name}:{text.count(chr(10), 0, found.start()) + 2}", found[1].strip(), found[2])
        for found in _FENCE.finditer(text)
    ]


def prose(document: Path) -> str:
    """Give a document without its fenced blocks."""
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def code_spans(document: Path) -> list[str]:
    """Every `span` of code outside of fenced blocks, on one line each."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(document))]


def command_lines(document: Path, command: str = "advvid") -> list[str]:
    """Every command that a document shows, in a block or a span, without the program's name."""
    shown = "\n".join(block.text for block in blocks(document) if not block.info)
    shown = re.sub(r"\\\n\s*", "", shown).replace("-m advvid.cli.app ", f"&& {command} ")
    lines = [part.strip(" $") for line in shown.splitlines() for part in line.split("&&")]
    found = (line for line in [*lines, *code_spans(document)] if line.startswith(f"{command} "))
    return [line.removeprefix(command).strip() for line in found]
