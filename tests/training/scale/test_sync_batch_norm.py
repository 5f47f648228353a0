"""Two processes on the CPU (gloo) against one with the whole batch."""

import copy
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from advvid.training.scale.activation_checkpointing import checkpointed
from advvid.training.scale.sync_batch_norm import local_batch_norm, synchronized

SHARES = ((0, 3), (3, 5))  # of five clips, for the first process and the second
Results = dict[str, Tensor]


class Blocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        parts = [nn.Sequential(nn.Conv3d(3, 3, 1), nn.BatchNorm3d(3), nn.Tanh()) for _ in range(2)]
        self.blocks = nn.Sequential(*parts)

    def forward(self, clips: Tensor) -> Tensor:
        features: Tensor = self.blocks(clips)
        return features


CLIPS = (5, 3, 2, 4, 4)
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "3d": (lambda: nn.BatchNorm3d(3), CLIPS),
    "2d": (lambda: nn.BatchNorm2d(3, momentum=0.3), (5, 3, 4, 4)),
    "1d": (lambda: nn.BatchNorm1d(3), (5, 3)),
    "cumulative": (lambda: nn.BatchNorm3d(3, momentum=None), CLIPS),
    "without weights": (lambda: nn.BatchNorm3d(3, affine=False), CLIPS),
    "without statistics": (lambda: nn.BatchNorm3d(3, track_running_stats=False), CLIPS),
    "with activation": (lambda: BatchNormAct2d(3), (5, 3, 4, 4)),
    "half evaluated": (lambda: nn.Sequential(nn.BatchNorm3d(3), nn.BatchNorm3d(3).eval()), CLIPS),
    "checkpointed": (Blocks, CLIPS),
}


def two_steps(model: nn.Module, shape: tuple[int, ...], start: int, end: int) -> Results:
    """Pass some clips of a batch through a layer twice, with a gradient that differs by clip."""
    generator, results = torch.Generator().manual_seed(3), Results()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    for step in range(2):
        clips, wanted = 5 * torch.randn(2, *shape, generator=generator) + torch.arange(5.0).view(
            5, *(1,) * (len(shape) - 1)
        )
        x = clips[start:end].clone().requires_grad_()
        output = model(x)
        (output * wanted[start:end]).sum().backward()
        assert x.grad is not None
        results |= {f"{step} output": output.detach(), f"{step} input gradient": x.grad}
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None
        results[f"{key} gradient"] = parameter.grad
    return results | dict(model.named_buffers())


def worker(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=len(SHARES)
    )
    found: dict[str, Results] = {}
    for name, (make, shape) in CASES.items():
        model = make()
        with ExitStack() as stack:
            stack.enter_context(synchronized(model))
            if name == "checkpointed":
                stack.enter_context(checkpointed(model))
            found[name] = two_steps(model, shape, *SHARES[rank])
    found["others"] = other_results(*SHARES[rank])
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


def other_results(start: int, end: int) -> Results:
    """What else needs a group of processes."""
    clips = torch.rand(CLIPS, generator=torch.Generator().manual_seed(5))
    norm = nn.BatchNorm3d(3)
    results = Results()
    with synchronized(norm):
        with local_batch_norm():
            # Processes make different numbers of passes here, so communication would hang.
            for _ in range(1 + start):
                results["local"] = norm(clips[start:end]).detach()
        twin = copy.deepcopy(norm)
        results["copy"] = twin(clips[start:end]).detach()
        results["half"] = norm(clips[start:end].bfloat16()).detach()
        with torch.autocast("cpu", torch.bfloat16):
            results["autocast"] = norm(clips[start:end].bfloat16()).detach()
        results["original passes"] = torch.as_tensor(norm.num_batches_tracked).clone()
    results["outside"] = norm(clips[start:end]).detach()
    return results


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Results]]:
    folder = tmp_path_factory.mktemp("processes")
    spawn(worker, (folder,), nprocs=len(SHARES))
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(len(SHARES))]


@pytest.mark.parametrize("name", CASES)
def test_two_processes_normalize_as_one(found: list[dict[str, Results]], name: str) -> None:
    make, shape = CASES[name]
    for key, whole in two_steps(make(), shape, 0, 5).items():
        parts = [results[name][key] for results in found]
        if "output" in key or "input" in key:
            torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-4, atol=1e-5, msg=key)
        elif "gradient" in key:
            torch.testing.assert_close(sum(parts), whole, rtol=1e-4, atol=1e-4, msg=key)
        else:
            for part in parts:
                torch.testing.assert_close(part, whole, msg=key)


def test_shares_alone_would_normalize_otherwise(found: list[dict[str, Results]]) -> None:
    first = two_steps(nn.BatchNorm3d(3), CLIPS, *SHARES[0])["0 output"]
    assert (found[0]["3d"]["0 output"] - first).abs().max() > 0.01


def test_local_passes_use_the_share_and_do_not_wait(found: list[dict[str, Results]]) -> None:
    clips = torch.rand(CLIPS, generator=torch.Generator().manual_seed(5))
    whole = nn.BatchNorm3d(3)(clips)
    for (start, end), results in zip(SHARES, found, strict=True):
        share = nn.BatchNorm3d(3)(clips[start:end])
        torch.testing.assert_close(results["others"]["local"], share)
        torch.testing.assert_close(results["others"]["outside"], share)
        torch.testing.assert_close(results["others"]["copy"], whole[start:end])
        # Two half-precision passes and the local ones, but not that of the copy.
        assert results["others"]["original passes"] == 1 + start + 2
        for name in ("half", "autocast"):
            half = results["others"][name]
            assert half.dtype == torch.bfloat16
            torch.testing.assert_close(half.float(), whole[start:end], rtol=0.02, atol=0.02)


def test_one_process_is_left_alone_and_restored() -> None:
    model = nn.Sequential(nn.Conv3d(3, 3, 1), nn.BatchNorm3d(3))
    plain, clips = copy.deepcopy(model), torch.rand(CLIPS)
    names, keys = [name for name, _ in model.named_modules()], list(model.state_dict())
    with suppress(KeyboardInterrupt), synchronized(model):
        assert "forward" in vars(model[1])
        assert torch.equal(model(clips), plain(clips))
        assert [name for name, _ in model.named_modules()] == names
        assert list(model.state_dict()) == keys
        raise KeyboardInterrupt
    assert "forward" not in vars(model[1])
