"""The budget that fools half of the clips, beside closed forms and slow spellings."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from advvid.data.clip_origin import ClipOrigin
from advvid.estimator import VideoClassifier
from advvid.evaluation import ConditionResult, Evaluation, Strength, evaluate
from advvid.evaluation.conditions.attack import LINF
from advvid.evaluation.views.distances import Distance
from advvid.evaluation.views.markdown import report
from tests.clip_models import CLASSES, LinearClipModel, random_clips

BUDGETS = (1.0, 2.0, 4.0, 8.0)


def measured(
    fooled: list[list[int]], clean: list[int] | None = None, videos: int = 0, **fields: Any
) -> Evaluation:
    """Results of attacks at the first budgets: a row of 0/1 for each budget of an attack."""
    count = len(fooled[0])
    right = np.ones(count, dtype=bool) if clean is None else np.array(clean, dtype=bool)
    results = [
        ConditionResult(
            name="pgd",
            group="pgd",
            strength=Strength(eps / 255, LINF),
            correct=right & ~np.array(flags, dtype=bool),
            correct_8bit=right,
            facts={"norm": "Linf", "access": "white box", "bound": "Linf"},
            **fields,
        )
        for eps, flags in zip(BUDGETS, fooled, strict=False)
    ]
    origins = tuple(ClipOrigin(f"v{n % videos}") for n in range(count)) if videos else ()
    return Evaluation(
        columns=tuple(one.strength for one in results),
        positions=np.arange(count),
        labels=np.zeros(count, dtype=np.int64),
        predicted=np.zeros(count, dtype=np.int64),
        clean=right,
        clean_8bit=right,
        results=tuple(results),
        origins=origins,
    )


def test_the_median_of_exact_distances_lies_in_the_bracket() -> None:
    """Against two classes PGD fools a linear model exactly beyond (z_y - z_k) / ||w_y - w_k||_1."""
    model = LinearClipModel(classes=2)
    clips = 0.2 + 0.6 * random_clips(25)[0]
    logits = model(clips).detach()
    norm = (model.weight[0] - model.weight[1]).abs().sum().item()
    exact = 255 * ((logits[:, 0] - logits[:, 1]).abs() / norm).numpy()
    eps = np.quantile(exact, [0.2, 0.4, 0.6, 0.9]) * 1.001
    found = evaluate(
        VideoClassifier(model),
        clips,
        logits.argmax(1),
        attacks="pgd",
        eps=eps / 255,
        alarms=False,
    ).distances()
    (half,) = found
    for i, distance in enumerate(exact):
        up_to = [budget for budget in eps if budget > distance]
        assert half.nearest[i] == pytest.approx(min(up_to, default=np.inf))
    assert half.above == pytest.approx(eps[1])
    assert half.below == pytest.approx(eps[2])
    assert eps[1] < np.median(exact) <= eps[2]
    shares = (exact[:, None] < eps).mean(axis=0)
    assert half.interpolated == pytest.approx(np.interp(0.5, [0, *shares], [0, *eps]))


@pytest.mark.filterwarnings("ignore:eps is .* less than half a gray level")
def test_fab_reports_exact_distances_beyond_its_budget_too() -> None:
    model = LinearClipModel(classes=CLASSES)
    clips = 0.3 + 0.4 * random_clips(15)[0]
    logits = model(clips).detach()
    labels = logits.argmax(1)
    norms = (model.weight[labels][:, None] - model.weight[None]).abs().sum(2).detach()
    margins = (logits.gather(1, labels[:, None]) - logits) / norms.clamp_min(1e-9)
    exact = 255 * margins.scatter(1, labels[:, None], torch.inf).amin(1).numpy()
    small = float(exact.min()) / 2
    result = evaluate(
        VideoClassifier(model), clips, labels, attacks="fab-t:max_iter=20", eps=small / 255
    )
    assert result.results[0].correct.all()
    (half,) = result.distances()
    assert half.found is not None
    told = 255 * result.results[0].report["distance"]
    # No clip is nearer than the boundary; three halvings leave an eighth of the overshoot.
    assert (told >= 0.9999 * exact).all()
    np.testing.assert_allclose(told, exact, rtol=1e-2)
    assert half.found.median == pytest.approx(np.sort(told)[7])
    assert half.found.interval is not None
    assert half.found.interval[0] < half.found.median < half.found.interval[1]
    page = report(result)
    assert f"| > {small:.3g} | - | {half.found} |" in page
    row = result.to_dict()["distances"][0]
    assert row["half_found"] == pytest.approx(half.found.median, rel=1e-5)
    assert row["nearest"] == [None] * 15


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**40))
def test_the_bracket_holds_what_counting_says(budgets: int, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    fooled = random.integers(0, 2, (max(2, budgets), count))
    clean = random.integers(0, 2, count)
    found = measured(fooled.tolist(), clean.tolist()).distances()
    able = [i for i in range(count) if clean[i]]
    if not able:
        assert found == []
        return
    (half,) = found
    for eps, _ in zip(BUDGETS, fooled, strict=False):
        # By the monotone envelope: at this budget or a smaller one.
        sooner = [flags for at, flags in zip(BUDGETS, fooled, strict=False) if at <= eps]
        by_then = [i for i in able if any(flags[i] for flags in sooner)]
        enough = 2 * len(by_then) >= len(able)
        assert enough == (half.below is not None and eps >= half.below)
        if not enough:
            assert eps <= half.above
    if half.below is not None:
        assert half.interpolated is not None
        assert half.above < half.interpolated <= half.below


def test_what_is_not_reached_is_more_than_the_largest_budget() -> None:
    found = measured([[0, 0, 1], [0, 0, 1]])
    (half,) = found.distances()
    assert str(half) == "> 2"
    assert "| pgd | > 2 | - |" in report(found)
    (half,) = measured([[0, 0, 1, 0], [1, 0, 1, 1]]).distances()
    # A quarter at 1 and three quarters at 2.
    assert (str(half), half.interpolated) == ("1 to 2", 1.5)


def test_a_single_budget_has_no_distance_and_the_worst_case_takes_all_attacks() -> None:
    assert measured([[0, 1]]).distances() == []
    one = measured([[1, 0, 0, 0], [1, 0, 0, 0]])
    two = measured([[0, 0, 0, 0], [0, 1, 0, 0]])
    renamed = [ConditionResult(**{**vars(r), "name": "square"}) for r in two.results]
    both = Evaluation(**{**vars(one), "results": (*one.results, *renamed)})
    rows: dict[str, Distance] = {row.name: row for row in both.distances()}
    assert [str(row) for row in rows.values()] == ["> 2", "> 2", "1 to 2"]
    np.testing.assert_array_equal(rows["worst case"].nearest, [1, 2, np.inf, np.inf])
    patch = ConditionResult(
        **{**vars(one.results[0]), "name": "patch", "strength": Strength(1.0, LINF)}
    )
    with_patch = Evaluation(**{**vars(both), "results": (*both.results, patch)})
    assert str(with_patch.distances()[-1]) == "1 to 2"
    records = {(row["attack"], row["eps"]): row for row in both.to_records()}
    assert records["worst case", 2.0]["half_below"] == 2.0
    assert records["pgd", 1.0]["half_above"] == 2.0


def test_the_interval_of_found_distances_counts_videos() -> None:
    told = np.array([1.0, 1, 1, 1, 9, 9, 9, 9]) / 255
    fields: dict[str, Any] = {"report": {"distance": told}}
    (clips,) = measured([[0] * 8], **fields).distances()
    (one,) = measured([[0] * 8], videos=1, **fields).distances()
    assert clips.found is not None
    assert one.found is not None
    assert clips.found.median == one.found.median == pytest.approx(1)
    assert one.found.interval is None
    assert clips.found.interval == pytest.approx((1, 9))
    none = np.full(8, np.inf)
    (lost,) = measured([[0] * 8], report={"distance": none}).distances()
    assert lost.found is not None
    assert str(lost.found).startswith("inf")
