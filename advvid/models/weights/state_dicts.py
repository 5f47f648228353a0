"""State dicts: names without the prefixes of wrappers, and loading only where everything fits."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from advvid.errors import InputError

_PREFIXES = ("module.", "backbone.", "model.", "inner.", "_orig_mod.")
_COUNTER = "num_batches_tracked"
_SHOWN = 3


def strip_prefixes(tensors: Mapping[str, Tensor], expected: Iterable[str]) -> dict[str, Tensor]:
    """Take off the prefixes that wrappers (DataParallel, ours, torch.compile) put before names.

    Args:
        tensors: by name, as the file has them.
        expected: names of the network, which may start with such a word themselves.

    Returns:
        the tensors, under the names of which most are in `expected`.
    """
    wanted = set(expected)
    best = current = dict(tensors)
    stripped = True
    while stripped:
        stripped = False
        for prefix in _PREFIXES:
            if current and all(name.startswith(prefix) for name in current):
                current = {name.removeprefix(prefix): value for name, value in current.items()}
                stripped = True
                if len(wanted & current.keys()) > len(wanted & best.keys()):
                    best = current
    return best


def load_exactly(
    network: nn.Module, tensors: Mapping[str, Tensor], *, source: str, to: str
) -> None:
    """Copy tensors into a network when all names and shapes are the same, and nothing otherwise.

    Batch-norm counters may be missing: files older than PyTorch 0.4.1 have none, and only averages
    with momentum None read them.

    Args:
        network: changed in place.
        tensors: by name, without prefixes.
        source: what to call them in an error.
        to: what to call the network in an error.

    Raises:
        InputError: listing missing, unexpected and misshapen names, or naming a tensor that is not
            finite and real.
    """
    state = network.state_dict()
    missing = [n for n in state if n not in tensors and not n.endswith(_COUNTER)]
    unexpected = [n for n in tensors if n not in state]
    misshapen = [
        f"{n} {tuple(tensors[n].shape)} not {tuple(value.shape)}"
        for n, value in state.items()
        if n in tensors and tensors[n].shape != value.shape
    ]
    if missing or unexpected or misshapen:
        wrong = [
            _list(names, kind)
            for names, kind in (
                (missing, "missing"),
                (unexpected, "unexpected"),
                (misshapen, "of another shape"),
            )
            if names
        ]
        raise InputError(
            f"{source} does not fit {to}: {'; '.join(wrong)}: choose the model that it was saved "
            "from, or other weights"
        )
    for name, tensor in tensors.items():
        # An attention mask of minus infinity is the network's own.
        same = name in state and torch.equal(tensor, state[name].to(tensor))
        if tensor.is_complex() or not (same or bool(torch.isfinite(tensor).all())):
            raise InputError(
                f"{source} holds NaN, infinite or complex numbers in {name}: take other weights"
            )
    network.load_state_dict(dict(tensors), strict=False)


def _list(names: list[str], kind: str) -> str:
    rest = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {kind} ({', '.join(names[:_SHOWN])}{rest})"
