"""What results are of: model, data, clips and videos, for the head of a table and of a figure."""

from advvid.evaluation.result import Results

_FACTS = (
    *("model", "weights", "data", "split", "labels", "clips", "target", "left out"),
    *("bad videos", "seed", "command"),
)


def facts(results: Results) -> dict[str, str]:
    """Give what was evaluated, in the order in which it is shown; nothing that is not known."""
    known = {**results.about, "clips": clip_count(results)}
    return {name: str(known[name]) for name in _FACTS if known.get(name) not in (None, "")}


def warnings(results: Results) -> tuple[str, ...]:
    """Give what a reader must know before the numbers."""
    return tuple(map(str, results.about.get("warnings", ())))


def all_clear(results: Results) -> str:
    """Say that alarms were looked for and none was raised, and how much that means; "" otherwise.

    Where noise or rounding hides differences, gradients were not compared with them: silence is no
    sign that they are right.
    """
    probes = results.probes
    if not probes or results.alarms:
        return ""
    clear = "no alarm: nothing speaks against the gradients of this model"
    if "agreement" in probes and probes["agreement"] is None:
        clear += (
            "; but noise or rounding hides finite differences, which tell of "
            f"{probes['conclusive']} of {probes['clips']} clips, too few to compare gradients with"
        )
    return clear


def subject(results: Results) -> str:
    """Say in one line what a figure shows: "r3d on folder:a (test), n = 9 clips, 3 videos".

    Warnings are named before all else.
    """
    known = facts(results)
    model, data, split = (known.get(name, "") for name in ("model", "data", "split"))
    what = " on ".join(filter(None, (model, f"{data} ({split})" if data and split else data)))
    labels = "labels predicted by itself" if "labels" in known else ""
    aim = "" if results.target is None else f"attacks targeted: {results.target}"
    told = ", ".join(filter(None, (what, labels, aim, f"n = {known['clips']}")))
    # A figure goes its way without the table: in front, so that nothing cuts it off.
    heads = dict.fromkeys(warning.partition(":")[0] for warning in warnings(results))
    return "; ".join((*(f"WARNING {head}" for head in heads), told))


def clip_count(results: Results) -> str:
    """Count clips, and the videos that they are taken from where these are fewer."""
    count = len(results.clean)
    if results.videos != count:
        return results.sample
    return f"{count} clip{'s' * (count != 1)}"
