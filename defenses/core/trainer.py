"""Defenses as trainers of ART: its interface on one side, our training loop on the other."""

import copy
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, ClassVar

import torch
from art.defences.trainer import Trainer
from torch import Tensor

from advvid.checks import check_clips, check_labels
from advvid.data.clip_dataset import ClipDataset
from advvid.data.memory_dataset import MemoryDataset
from advvid.defenses.core.defense import Defense, Prepared
from advvid.defenses.core.pgd_check import pgd_check
from advvid.errors import InputError
from advvid.estimator.clip_interface import Array, ArrayOrTensor
from advvid.estimator.video_classifier import VideoClassifier
from advvid.methods.arguments import checked
from advvid.methods.kinds import came
from advvid.training import Batches, History, LoaderBatches, RobustCheck, TrainSettings, train

_ART_WORDS = {
    "eps_step": "step_rule",
    "max_iter": "attack_steps",
    "batch_norm": "attack_batch_norm",
}
Pairs = tuple[Array | Tensor, Array | Tensor]


@checked
class DefenseTrainer(Trainer):
    """A defense that trains a classifier, with ART's interface.

    Training happens on a copy: the classifier gets the new weights when it has ended well, and
    keeps its own when anything goes wrong on the way. The optimizer of the classifier is used where
    it has one, otherwise that of `settings`.

    With validation clips the weights of the epoch that is best under PGD are taken, otherwise the
    last.

    Args:
        classifier: an `advvid.VideoClassifier`.
        defense: with its settings.
        settings: of the training; None is `TrainSettings()`.
        robust: what weights are chosen by; None is PGD at the largest budget of the defense.
        out: folder for checkpoints, history and figures; None writes none.
        resume: resume the run in `out`.
        verbose: show progress.

    Attributes:
        history: of the last `fit`, or None.
    """

    def __init__(
        self,
        classifier: VideoClassifier,
        defense: Defense,
        *,
        settings: TrainSettings | None = None,
        robust: RobustCheck | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        verbose: bool = True,
    ) -> None:
        super().__init__(classifier)
        self.defense = defense
        self.settings = settings or TrainSettings()
        self.robust = robust
        self.out = None if out is None else Path(out)
        self.resume = resume
        self.verbose = verbose
        self.history: History | None = None

    def fit(
        self,
        x: Array | Tensor,
        y: Array | Tensor,
        validation_data: Pairs | None = None,
        batch_size: int | None = None,
        nb_epochs: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Train on clips held in memory.

        Args:
            x: clips in the layout of the classifier, float in [0, 1].
            y: labels, int (N,) or one-hot (N, K).
            validation_data: clips and labels like them, to choose the weights by.
            batch_size: clips in a step; None is that of the settings.
            nb_epochs: passes over the clips; None is that of the settings.
            kwargs: ART's further settings (`verbose`); none is used.

        Raises:
            InputError: when clips, labels or settings cannot be used.
        """
        kwargs.pop("verbose", None)
        if kwargs:
            raise InputError(f"fit takes no {', '.join(kwargs)}: give them as settings")
        prepared = self.defense.prepare(self._in_memory(x, y), seed=self.settings.seed)
        assert prepared.data is not None
        self._train(
            prepared, prepared.data, validation_data, batch_size=batch_size, epochs=nb_epochs
        )

    def fit_loader(
        self,
        loader: Iterable[Any],
        validation_data: Pairs | ClipDataset | None = None,
        nb_epochs: int | None = None,
    ) -> None:
        """Train on the batches of a loader.

        Args:
            loader: yields (clips (B, 3, T, H, W), uint8 or float in [0, 1], labels int64 (B,)) and
                has a length, as a DataLoader does.
            validation_data: clips to choose the weights by.
            nb_epochs: passes over the loader; None is that of the settings.

        Raises:
            InputError: when the loader yields something else, or the defense needs single clips.
        """
        prepared = self.defense.prepare(None, seed=self.settings.seed)
        batches = LoaderBatches(loader, self._classes())
        self._train(prepared, batches, validation_data, epochs=nb_epochs)

    def fit_generator(self, generator: Any, nb_epochs: int | None = None, **kwargs: Any) -> None:
        """Train on ART's generator of arrays, one pass of `generator.size` clips an epoch."""
        del kwargs
        self.fit_loader(_GeneratorLoader(generator, self.get_classifier()), nb_epochs=nb_epochs)

    def predict(self, x: ArrayOrTensor, **kwargs: Any) -> ArrayOrTensor:
        """Classify clips with the trained classifier; see `VideoClassifier.predict`."""
        return self.get_classifier().predict(x, **kwargs)

    def get_classifier(self) -> VideoClassifier:
        """Return the classifier."""
        classifier: VideoClassifier = self._classifier
        return classifier

    def _train(
        self,
        prepared: Prepared,
        data: ClipDataset | Batches,
        validation: Pairs | ClipDataset | None,
        **changes: int | None,
    ) -> None:
        """Train a copy, then copy its weights back."""
        classifier = self.get_classifier()
        given: dict[str, Any] = {name: n for name, n in changes.items() if n is not None}
        settings = replace(self.settings, **given)
        val_data: ClipDataset | None = None
        robust: RobustCheck | None = None
        if validation is not None:
            if not isinstance(validation, ClipDataset):
                if not isinstance(validation, tuple | list) or len(validation) != 2:
                    raise InputError("validation_data must be (clips, labels), or a data set")
                validation = self._in_memory(*validation)
            val_data = validation
            robust = self.robust or pgd_check(prepared.eps)
        elif self.robust is not None:
            raise InputError("robust chooses weights by validation clips: give validation_data")
        model = classifier.differentiable()
        inner = next(name for name, module in model.named_modules() if module is classifier.inner)
        # One copy, so that the optimizer holds the parameters of the copied model.
        model, optimizer = copy.deepcopy((model, classifier.optimizer))
        self.history = train(
            model,
            data,
            val_data,
            settings=settings,
            task=prepared.task,
            robust=robust,
            optimizer=optimizer,
            device=classifier.device,
            out=self.out,
            resume=self.resume,
            progress=self.verbose,
        )
        classifier.inner.load_state_dict(model.get_submodule(inner).state_dict())
        if optimizer is not None:
            classifier.optimizer.load_state_dict(optimizer.state_dict())

    def _in_memory(self, x: Array | Tensor, y: Array | Tensor) -> MemoryDataset:
        """Check clips and labels, and make a data set of them."""
        classifier = self.get_classifier()
        clips = classifier.to_clips(x).detach()
        check_clips(clips, input_shape=classifier.clip_shape)
        labels = classifier.to_labels(y)
        check_labels(labels, len(clips), classifier.nb_classes)
        return MemoryDataset(clips, labels, self._classes())

    def _classes(self) -> tuple[str, ...]:
        classifier = self.get_classifier()
        names = getattr(classifier.inner, "classes", None)
        return tuple(names or (str(k) for k in range(classifier.nb_classes)))


class NamedTrainer(DefenseTrainer):
    """A trainer that makes its defense from ART's words.

    Args:
        classifier: an `advvid.VideoClassifier`.
        given: settings of the defense in the order of `words`.
        options: settings of the defense, where `eps_step`, `max_iter` and `batch_norm` are ART's
            words for `step_rule`, `attack_steps` and `attack_batch_norm`; all others are those of
            `DefenseTrainer`.
    """

    kind: ClassVar[type[Defense]]
    words: ClassVar[tuple[str, ...]] = ()

    def __init__(self, classifier: VideoClassifier, *given: Any, **options: Any) -> None:
        places = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in self.words]
        signature = Signature([*places, Parameter("options", Parameter.VAR_KEYWORD)])
        bound = signature.bind_partial(*given, **options).arguments
        typed = bound.pop("options", {}) | bound
        words = {_ART_WORDS.get(word, word): value for word, value in typed.items()}
        own = {one.name for one in fields(self.kind)}  # type: ignore[arg-type]
        try:
            made = self.kind(**{name: words.pop(name) for name in own & words.keys()})
        except InputError as error:
            # Settings go by the words that were typed.
            message = str(error)
            for word in typed.keys() & _ART_WORDS.keys():
                message = re.sub(rf"\b{_ART_WORDS[word]}\b", word, message)
            raise InputError(message, settings=error.settings) from error
        super().__init__(classifier, made, **words)


class _GeneratorLoader:
    """ART's endless generator as a loader with a length."""

    def __init__(self, generator: Any, classifier: VideoClassifier) -> None:
        if not all(hasattr(generator, name) for name in ("size", "batch_size", "get_batch")):
            raise InputError(
                f"the generator must be one of ART, with get_batch; got {came(generator)}: fit and "
                "fit_loader take other clips"
            )
        self.generator, self.classifier = generator, classifier

    def __len__(self) -> int:
        return max(1, int(self.generator.size) // int(self.generator.batch_size))

    def __iter__(self) -> Any:
        for _ in range(len(self)):
            x, y = self.generator.get_batch()
            labels = self.classifier.to_labels(y)
            yield self.classifier.to_clips(x), labels.to(torch.int64)
