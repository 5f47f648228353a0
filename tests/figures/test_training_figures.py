import numpy as np
from matplotlib.patches import Rectangle

from advvid.figures.adaptive_distribution import adaptive_distribution
from advvid.figures.budget_curve import budget_curve
from advvid.figures.generalization_gap import generalization_gap
from advvid.figures.learning_curve import learning_curve
from advvid.figures.paper_comparison import ComparedModel, paper_comparison


def test_probabilities_are_stacked_to_one() -> None:
    axes = adaptive_distribution(["eps 0", "eps 4"], [[0.5, 0.5], [0.2, 0.8]]).axes[0]
    spans = [(bar.get_y(), bar.get_height()) for bar in axes.patches if isinstance(bar, Rectangle)]
    np.testing.assert_allclose(spans, [(0, 0.5), (0, 0.2), (0.5, 0.5), (0.2, 0.8)])


def test_budgets_are_counted_from_the_first_epoch() -> None:
    line = budget_curve([0, 4, 8]).axes[0].get_lines()[0]
    np.testing.assert_array_equal(line.get_xydata(), [[1, 0], [2, 4], [3, 8]])


def test_gap_shows_the_epochs_that_were_checked() -> None:
    checked = {"seen_top1": 0.9, "val_top1": 0.8, "seen_robust_top1": 0.5, "val_robust_top1": 0.3}
    rows = [{"epoch": 1, "val_top1": 0.7}, {"epoch": 2, **checked}]
    clean, robust = generalization_gap(rows, best_epoch=2).axes
    for axes, seen, held_out in ((clean, 90, 80), (robust, 50, 30)):
        training, validation, kept = axes.get_lines()
        np.testing.assert_array_equal(training.get_xydata(), [[2, seen]])
        np.testing.assert_array_equal(validation.get_xydata(), [[2, held_out]])
        assert kept.get_label() == "kept weights"
        np.testing.assert_array_equal(kept.get_xdata(), [2, 2])
    assert len(generalization_gap(rows).axes[0].get_lines()) == 2


def test_a_model_looks_the_same_here_and_in_the_paper() -> None:
    models = [
        ComparedModel("benign", [90, 1], [92, 2]),
        *(ComparedModel(f"AT({n})", [n, 0], [n, 1], look=n) for n in range(8)),
    ]
    ours, paper = paper_comparison(models, [0, 8], paper="A and B 2022", attack="PGD").axes
    looks = [
        [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.get_lines()]
        for axes in (ours, paper)
    ]
    assert looks[0] == looks[1]
    assert len(set(looks[0])) == 9
    assert ours.get_xlabel() == "budget eps in 1/255 (PGD)"


def test_figures_of_a_training_name_model_and_clips() -> None:
    row = {"epoch": 1, "train_loss": 1.0, "train_top1": 0.5, "val_loss": 1.0, "val_top1": 0.5}
    robust = {"seen_top1": 0.5, "seen_robust_top1": 0.2, "val_robust_top1": 0.1}
    for draw in (learning_curve, generalization_gap):
        figure = draw([row | robust], subject="r3d on films, 9 clips")
        assert figure.get_suptitle() == "r3d on films, 9 clips"
        assert draw([row | robust]).get_suptitle() == ""
