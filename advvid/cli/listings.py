"""Commands that list what there is, and the settings of one method."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from advvid.cli.catalogue import check_name
from advvid.runs.terminal import Terminal, say

if TYPE_CHECKING:
    from advvid.methods import MethodRegistry, NamedSetting

Method = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="List its settings.", show_default=False),
]


def models() -> None:
    """List the models that --model takes."""
    from advvid.models import list_models

    _show(("--model", "what it is", "clips"), [(r.spec, r.summary, r.clips) for r in list_models()])


def datasets() -> None:
    """List the data sets that --data takes."""
    from advvid.data import list_datasets

    _show(("--data", "what it is"), [(r.spec, r.summary) for r in list_datasets()])


def attacks(name: Method = None) -> None:
    """List the attacks, what each bounds and what it needs to know; or the settings of one."""
    check_name("attack", name)
    from advvid.attacks.registry import ATTACKS, all_attacks, find_attack

    if name is not None:
        entry = find_attack(name)
        _show_settings("--attack", name, entry.summary, entry.settings())
        return
    own = [(name, e.bound, e.access, e.summary) for name, e in ATTACKS.items()]
    _show(("attack", "bounds", "access", "what it is"), own)
    say("")
    others = [(n, e.bound, e.access) for n, e in all_attacks().items() if n not in ATTACKS]
    _show(("attack", "bounds", "access"), others)


def conditions(name: Method = None) -> None:
    """List the conditions of `advvid evaluate` beside attacks; or the settings of one."""
    check_name("condition", name)
    from advvid.evaluation.conditions.registry import CONDITIONS

    _list_methods("--condition", CONDITIONS, name)


def augmentations(name: Method = None) -> None:
    """List the augmentations of `advvid train`; or the settings of one."""
    check_name("augmentation", name)
    from advvid.augmentation.registry import AUGMENTATIONS

    _list_methods("--augment", AUGMENTATIONS, name)


def defenses(name: Method = None) -> None:
    """List the defenses of `advvid train` and what a step costs; or the settings of one."""
    check_name("defense", name)
    from advvid.defenses.registry import DEFENSES
    from advvid.methods import settings_of

    if name is not None:
        kind = DEFENSES.find(name)
        _show_settings("--defense", name, kind.summary, settings_of(kind))
        return
    rows = [(n, kind.summary, kind.default_eps(), kind.passes) for n, kind in DEFENSES.items()]
    _show(("--defense", "what it is", "--eps", "passes a clip"), rows)
    say("", "M is --attack-steps; a pass is forward and backward.")


def _list_methods(option: str, registry: "MethodRegistry[Any]", name: str | None) -> None:
    """List the methods of a registry, or the settings of one."""
    from advvid.methods import settings_of

    if name is not None:
        kind = registry.find(name)
        _show_settings(option, name, _summary(kind), settings_of(kind))
        return
    _show((option, "what it is"), [(n, _summary(kind)) for n, kind in registry.items()])


def _summary(kind: type) -> str:
    """First line of a docstring."""
    return (kind.__doc__ or "").partition("\n")[0].removesuffix(".")


def _show_settings(
    option: str, name: str, summary: str, settings: Mapping[str, "NamedSetting"]
) -> None:
    """Print a method with the settings that its text takes."""
    from advvid.methods.listing import setting_rows

    rows = setting_rows(settings)
    example = next((f"{row.name}={row.default}" for row in rows[1:] if row.default), "...")
    say(f"{name}: {summary}")
    if not rows:
        say("no settings")
        return
    say(f"{option} {name}:{example}", "")
    described = []
    for row in rows:
        limits = ", ".join(filter(None, (row.unit, row.range)))
        described.append(
            (row.name, row.default or "-", f"{row.help} ({limits})" if limits else row.help)
        )
    _show(("setting", "default", "meaning"), described)


def _show(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        whole = column in ("attack", "setting") or column.startswith("--")
        table.add_column(column, no_wrap=whole)
    for row in rows:
        table.add_row(*row)
    Terminal().print(table)
