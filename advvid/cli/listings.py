"""Commands that list what there is, and the settings of one method."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from advvid.cli.catalogue import check_name
from advvid.methods import Registry
from advvid.methods.listing import SettingRow, setting_rows
from advvid.runs.remembered import remembered
from advvid.runs.terminal import Terminal, say

if TYPE_CHECKING:
    from advvid.methods import MethodRegistry

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
    known = Registry[Any]("attack", remembered("attacks", _attack_facts))
    if name is not None:
        found = known.canonical(name)
        facts = _facts_of(name) if found is None else known[found]
        rows = [SettingRow(*row) for row in facts["settings"]]
        _show_settings("--attack", name, facts["summary"], rows)
        return
    own = [n for n in known if "/" not in n]
    shown = {n: (n, facts["bound"], facts["access"]) for n, facts in known.items()}
    _show(
        ("attack", "bounds", "access", "what it is"),
        [(*shown[n], known[n]["summary"]) for n in own],
    )
    say("")
    _show(("attack", "bounds", "access"), [shown[n] for n in known if n not in own])


def _attack_facts() -> dict[str, dict[str, Any]]:
    """Give what is listed of every attack; importing them takes seconds."""
    from advvid.attacks.registry import all_attacks

    return {name: _facts_of(name) for name in all_attacks()}


def _facts_of(name: str) -> dict[str, Any]:
    from advvid.attacks.registry import find_attack

    entry = find_attack(name)
    return {
        "bound": entry.bound,
        "access": entry.access,
        "summary": entry.summary,
        "settings": setting_rows(entry.settings()),
    }


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
        _show_settings("--defense", name, kind.summary, setting_rows(settings_of(kind)))
        return
    rows = [(n, kind.summary, kind.default_eps(), kind.passes) for n, kind in DEFENSES.items()]
    _show(("--defense", "what it is", "--eps", "passes a clip"), rows)
    say("", "M is --attack-steps; a pass is forward and backward.")


def _list_methods(option: str, registry: "MethodRegistry[Any]", name: str | None) -> None:
    """List the methods of a registry, or the settings of one."""
    from advvid.methods import settings_of

    if name is not None:
        kind = registry.find(name)
        _show_settings(option, name, _summary(kind), setting_rows(settings_of(kind)))
        return
    _show((option, "what it is"), [(n, _summary(kind)) for n, kind in registry.items()])


def _summary(kind: type) -> str:
    """First line of a docstring."""
    return (kind.__doc__ or "").partition("\n")[0].removesuffix(".")


def _show_settings(option: str, name: str, summary: str, rows: Sequence[SettingRow]) -> None:
    """Print a method with the settings that its text takes."""
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
