"""An evaluation kept in the folder of a run: numbers, tables, figures and a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

from advvid.evaluation.evaluate import carry_out
from advvid.evaluation.evaluation import Evaluation
from advvid.evaluation.plan import EvaluationPlan
from advvid.evaluation.views.comparison import picture
from advvid.evaluation.views.plots import bars, clean_name, curves
from advvid.evaluation.views.tables import group_markdown, has_groups, legend, markdown
from advvid.figures import words
from advvid.figures.accuracy import accuracy_curves, group_bars
from advvid.figures.saving import save_figure
from advvid.runs.files import write_text
from advvid.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def evaluate_into(
    folder: RunFolder | Path,
    plan: EvaluationPlan,
    *,
    fabric: "Fabric | None" = None,
    classes: tuple[str, ...] | None = None,
    pictures: int = 3,
) -> Evaluation:
    """Do what is planned and keep it in a folder, as `advvid evaluate` does.

    Args:
        folder: of the run, opened with the settings of the plan; what it holds of a stopped
            evaluation is not done again. A path is that of a new folder.
        plan: see `plan_evaluation`.
        fabric: launched; clips are shared among its processes.
        classes: names as the model counts them, or None.
        pictures: clips to show before and after the attack that fools most.

    Raises:
        InputError: when the folder holds something else, or cannot be written.
    """
    if isinstance(folder, Path):
        folder = RunFolder(folder, "evaluate", {"conditions": plan.settings})
    evaluation = carry_out(plan, parts=folder.path / "parts", fabric=fabric, progress=True)
    if fabric is None or fabric.is_global_zero:
        _write(folder, plan, evaluation, classes)
        if pictures:
            picture(folder.path / "comparison.gif", plan, evaluation, pictures, classes)
    return evaluation


def tables(evaluation: Evaluation) -> str:
    """Give the tables with what their numbers are, as table.md has them."""
    groups = [
        group_markdown(evaluation, kind)
        for kind in evaluation.kinds
        if has_groups(evaluation, kind)
    ]
    return "\n\n".join([legend(evaluation), markdown(evaluation), *groups])


def _write(
    folder: RunFolder,
    plan: EvaluationPlan,
    evaluation: Evaluation,
    classes: tuple[str, ...] | None,
) -> None:
    """Write the numbers first, then the figures."""
    skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in plan.setup.source.skipped]
    folder.write_json("results.json", {**evaluation.to_dict(), "skipped": skipped})
    write_text(folder.path / "results.csv", evaluation.to_csv())
    write_text(folder.path / "table.md", tables(evaluation) + "\n")
    clean = evaluation.clean_accuracy.value
    chance = None if classes is None else 1 / len(classes)
    for kind in evaluation.kinds:
        axis = evaluation.axis_of(kind)
        drawn = curves(evaluation, kind)
        if drawn:
            name = "accuracy.png" if kind == "attack" else f"accuracy_{kind}.png"
            figure = accuracy_curves(
                drawn,
                clean,
                chance=chance,
                label=words.strength(axis.name, axis.unit),
                clean_name=clean_name(evaluation, kind),
            )
            save_figure(figure, folder.path / name)
        figure = group_bars(bars(evaluation, kind), kind=kind)
        save_figure(figure, folder.path / f"{kind}_types.png")
