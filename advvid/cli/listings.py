"""Commands that list what there is."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def models() -> None:
    """List the models that --model takes."""
    from advvid.models import list_models

    _show(("--model", "what it is", "clips"), [(r.spec, r.summary, r.clips) for r in list_models()])


def datasets() -> None:
    """List the data sets that --data takes."""
    from advvid.data import list_datasets

    _show(("--data", "what it is"), [(r.spec, r.summary) for r in list_datasets()])


def attacks() -> None:
    """List the attacks, what each bounds and what it needs to know."""
    from advvid.attacks.registry import ATTACKS, all_attacks

    own = [(name, e.bound, e.access, e.summary) for name, e in ATTACKS.items()]
    _show(("attack", "bounds", "access", "what it is"), own)
    Console().print()
    others = [(n, e.bound, e.access) for n, e in all_attacks().items() if n not in ATTACKS]
    _show(("attack", "bounds", "access"), others)


def defenses() -> None:
    """List the defenses of `advvid train`, and what a step of each costs."""
    from advvid.defenses import DEFENSES

    rows = [(n, e.summary, e.default_eps(), e.passes) for n, e in DEFENSES.items()]
    _show(("--defense", "what it is", "--eps", "passes a clip"), rows)
    Console().print("\nM is --attack-steps; a pass is forward and backward.", highlight=False)


def _show(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column.startswith("--") or column == "attack")
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False)
