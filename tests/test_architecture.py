"""The house, read from its source: which room may import which, how large a file may become."""

import ast
import configparser
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

# A room may import those before it, never those after it.
ROOMS = (
    *("errors", "checks", "random_streams", "escaping", "methods"),
    *("inference", "runs"),
    *("estimator", "augmentation", "data", "models", "figures"),
    *("pairing", "attacks"),
    *("step_size", "evaluation", "training"),
    "defenses",
    "reproduction",
    "cli",
    "__main__",
)
# Rooms that may import less than their place in the order allows.
ONLY = {
    # Pictures are made of plain data.
    "figures": (
        *("advvid.errors", "advvid.checks", "advvid.random_streams"),
        *("advvid.escaping", "advvid.methods"),
        *("advvid.runs.files", "advvid.data.video.writing"),
    ),
}
MOST_LINES = 300
MOST_FILES = 15  # in a folder, apart from its __init__

# What is still against a rule. Each entry has to be, so that the list only becomes shorter.
_KNOWN: set[str] = set()

ROOT = Path(__file__).resolve().parents[1]
# advvid/attacks and advvid/defenses are links to the folders beside advvid/.
PACKAGES = {"advvid": "advvid", "attacks": "advvid.attacks", "defenses": "advvid.defenses"}


def source_files() -> Iterator[tuple[str, Path]]:
    """Each file with the name by which it is imported."""
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            if folder == "advvid" and parts[0] in PACKAGES:
                continue  # some versions of Python follow the links
            yield ".".join((package, *(part for part in parts if part != "__init__"))), path


FILES = dict(source_files())
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imported(node: ast.AST) -> set[str]:
    """Modules of ours that a statement imports; none for any other statement."""
    found: set[str] = set()
    if isinstance(node, ast.Import):
        found = {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        # `from advvid.room import name` is the file of that name, or else the room's __init__.
        inside = {f"{base}.{alias.name}" for alias in node.names}
        found = (inside & FILES.keys()) | ({base} if inside - FILES.keys() else set())
    return {name for name in found if name.split(".")[0] in ("advvid", "")}


# Of the whole file: imports inside functions and under TYPE_CHECKING too.
IMPORTS = {name: set().union(*map(imported, ast.walk(tree))) for name, tree in TREES.items()}
# The package itself offers what is in the rooms, and loads it when it is asked for.
del IMPORTS["advvid"]


def shown(name: str) -> str:
    return str(FILES[name].relative_to(ROOT))


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else name


def is_init(name: str) -> bool:
    return FILES[name].name == "__init__.py"


def wrong_imports() -> Iterator[str]:
    for name, targets in IMPORTS.items():
        below = ROOMS[: ROOMS.index(room(name))]
        for target in sorted(targets):
            allowed = room(target) == room(name) or room(target) in below
            if room(name) in ONLY and room(target) != room(name):
                allowed = f"{target}.".startswith(tuple(f"{one}." for one in ONLY[room(name)]))
            if not allowed:
                yield f"{shown(name)} imports {target}"


def circles() -> Iterator[str]:
    names = list(IMPORTS)
    # An __init__ is made of its own files; they may not import it in turn.
    arrows = np.array([[other in IMPORTS[name] for other in names] for name in names])
    count, component = connected_components(arrows, connection="strong")
    for index in range(count):
        members = [shown(name) for name, own in zip(names, component, strict=True) if own == index]
        if len(members) > 1:
            yield f"circle of {', '.join(members)}"


def large_files() -> Iterator[str]:
    for name, path in FILES.items():
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES:
            yield f"{shown(name)} has more than {MOST_LINES} lines"


def large_folders() -> Iterator[str]:
    folders = Counter(path.parent for name, path in FILES.items() if not is_init(name))
    for folder, count in folders.items():
        if count > MOST_FILES:
            yield f"{folder.relative_to(ROOT)} has more than {MOST_FILES} files"


def only_forwards(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, an import, `__all__` or another name for something."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        [target, *_] = statement.targets
        listed = isinstance(target, ast.Name) and target.id == "__all__"
        return listed or isinstance(statement.value, ast.Name | ast.Attribute)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def forwarding_files() -> Iterator[str]:
    for name, tree in TREES.items():
        if not is_init(name) and all(map(only_forwards, tree.body)):
            yield f"{shown(name)} only forwards"


def logic_in_an_init() -> Iterator[str]:
    for name in IMPORTS:
        if is_init(name) and not all(map(only_forwards, TREES[name].body)):
            yield f"{shown(name)} does more than list what the folder offers"


def unformatted_files() -> Iterator[str]:
    for name, path in FILES.items():
        if re.search(r"#\s*fmt:\s*(skip|off)", path.read_text(encoding="utf-8")):
            yield f"{shown(name)} keeps the formatter out"


def unpackaged_folders() -> Iterator[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    folders = {name if is_init(name) else name.rpartition(".")[0] for name in FILES}
    for package in sorted(folders - listed):
        yield f"setup.cfg does not list {package}"
    for package in sorted(listed - folders):
        yield f"setup.cfg lists {package}, which has no file"


RULES = (
    wrong_imports,
    circles,
    large_files,
    large_folders,
    forwarding_files,
    logic_in_an_init,
    unformatted_files,
    unpackaged_folders,
)


def test_every_file_is_in_a_room_of_the_order() -> None:
    assert {room(name) for name in IMPORTS} <= set(ROOMS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_house_is_in_order(rule: Callable[[], Iterator[str]]) -> None:
    found = sorted(set(rule()) - _KNOWN)
    assert not found, "\n".join(found)


def test_the_list_of_what_is_known_only_becomes_shorter() -> None:
    found = {violation for rule in RULES for violation in rule()}
    needless = sorted(_KNOWN - found)
    assert not needless, "\n".join(needless)
