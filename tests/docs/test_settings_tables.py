"""The tables of settings in docs/ say what the code says."""

from pathlib import Path

import pytest

from advvid.attacks import ATTACKS
from tests.docs.documents import DOCUMENTS, ROOT
from tests.docs.settings_tables import TABLE, filled, named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_tables_are_those_of_the_code(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text == filled(text), "run python -m tests.docs.settings_tables"


def test_every_attack_has_a_table() -> None:
    text = (ROOT / "docs/attacking.md").read_text(encoding="utf-8")
    shown = {named(spec) for spec, _, _ in TABLE.findall(text)}
    assert {entry.attack for entry in ATTACKS.values()} <= shown
