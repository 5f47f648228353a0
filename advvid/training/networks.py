"""The networks of a task in a run: set up by Fabric, each with its optimizer."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from advvid.errors import InputError
from advvid.training.mode import borrowed, set_training
from advvid.training.optimization import adopted, learning_rate_factor, set_learning_rate
from advvid.training.scale.activation_checkpointing import blocks, checkpointed
from advvid.training.scale.memory_format import channels_last
from advvid.training.scale.processes import average_batch_norm
from advvid.training.scale.sync_batch_norm import synchronized
from advvid.training.settings import TrainSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Networks:
    """What a run does with the networks of a task, whatever they are.

    Those without an optimizer stay in evaluation mode.

    Attributes:
        passes: the modules, compiled where that is wanted, on their device.
        trained: the same weights, wrapped to synchronize processes.
    """

    def __init__(
        self,
        fabric: "Fabric",
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        settings: TrainSettings,
    ) -> None:
        self.fabric, self.settings = fabric, settings
        self.bare, self.optimizers = dict(networks), dict(optimizers)
        self.passes: dict[str, nn.Module] = {
            name: torch.compile(network) if settings.compile else network  # type: ignore[misc]
            for name, network in networks.items()
        }
        self.trained: dict[str, nn.Module] = {}
        self._steppers: dict[str, torch.optim.Optimizer] = {}
        for name, network in self.passes.items():
            if name in optimizers:
                # What Fabric wraps shares parameters and state with what is bare.
                self.trained[name], self._steppers[name] = fabric.setup(network, optimizers[name])
            else:
                self.trained[name] = network.to(fabric.device)

    def start_epoch(self) -> None:
        """Put networks that are trained into training mode, and all others into evaluation mode."""
        for name, network in self.bare.items():
            if name in self.optimizers:
                set_training(network, self.settings.batch_norm, self.settings.bn_momentum)
            else:
                network.eval()

    def start_step(self, iteration: int, epoch_steps: int) -> None:
        """Set the learning rates of a step."""
        factor = learning_rate_factor(self.settings, iteration, epoch_steps)
        for optimizer in self.optimizers.values():
            set_learning_rate(optimizer, factor)

    @contextmanager
    def synchronizing(self, wanted: bool) -> Iterator[None]:
        """Leave gradients on their process unless it is wanted to sum them over processes."""
        with ExitStack() as stack:
            if not wanted and self.fabric.world_size > 1:
                for name in self._steppers:
                    stack.enter_context(self.fabric.no_backward_sync(self.trained[name]))  # type: ignore[arg-type]
            yield

    def update(self, name: str) -> None:
        """Let an optimizer make a step, and drop the gradients of all networks.

        Raises:
            InputError: when there is no such optimizer.
        """
        if name not in self._steppers:
            raise InputError(
                f"a loss is for the optimizer {name!r}; the task has {', '.join(self._steppers)}"
            )
        if self.settings.grad_clip is not None:
            # A gradient that is not finite shows in the next loss, which stops the run by name.
            self.fabric.clip_gradients(
                self.trained[name],
                self._steppers[name],
                max_norm=self.settings.grad_clip,
                error_if_nonfinite=False,
            )
        self._steppers[name].step()
        for stepper in self._steppers.values():
            stepper.zero_grad(set_to_none=True)

    def close_epoch(self) -> None:
        """Give all processes the same batch-norm statistics."""
        for network in self.bare.values():
            average_batch_norm(self.fabric, network)


@contextmanager
def arranged(
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    settings: TrainSettings,
    device: torch.device,
) -> Iterator[None]:
    """Arrange how networks compute, and restore on the way out all but what they have learned."""
    modules = list(networks.values())
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(borrowed(module, device))
        for optimizer in optimizers.values():
            stack.enter_context(adopted(optimizer))
        if settings.channels_last:
            for module in modules:
                stack.enter_context(channels_last(module))
        if settings.grad_checkpointing:
            # Where no network has blocks, the first says so.
            for module in [m for m in modules if blocks(m)] or modules[:1]:
                stack.enter_context(checkpointed(module))
        if settings.sync_batch_norm:
            for module in modules:
                stack.enter_context(synchronized(module))
        yield
