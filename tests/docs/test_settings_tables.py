"""The tables of settings in docs/ say what the code says."""

from pathlib import Path

import pytest

from advvid.attacks import ATTACKS
from advvid.defenses import DEFENSES
from advvid.training import TrainSettings
from tests.docs.documents import DOCUMENTS, ROOT
from tests.docs.settings_tables import TABLE, filled, named


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)
def test_tables_are_those_of_the_code(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text == filled(text), "run python -m tests.docs.settings_tables"


@pytest.mark.parametrize(
    ("page", "methods"),
    [
        ("settings.md", [entry.attack for entry in ATTACKS.values()]),
        ("training.md", [*DEFENSES.values(), TrainSettings]),
    ],
)
def test_every_method_has_a_table(page: str, methods: list[type]) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    shown = {named(spec) for spec, _, _ in TABLE.findall(text)}
    assert set(methods) <= shown
