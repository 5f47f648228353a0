"""An attack with settings, as `NAME[:key=value,...]` spells it."""

from dataclasses import dataclass
from typing import Any

from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.video_attack import VideoAttack
from advvid.attacks.registry import find_attack
from advvid.checks import check_budget
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier


@dataclass(frozen=True)
class AttackSpec:
    """An attack with settings.

    Args:
        text: as it was written; names the row of a table.
        name: of the registry.
        entry: the attack.
        settings: keyword arguments of its class.
    """

    text: str
    name: str
    entry: AttackEntry
    settings: dict[str, Any]

    @property
    def eps(self) -> float | None:
        """The budget that the text fixes, or None when it is the evaluation's."""
        return self.settings.get("eps")

    def build(self, classifier: VideoClassifier, *, eps: float, **common: Any) -> VideoAttack:
        """Make the attack for a classifier and a budget; settings win over `common`."""
        return self.entry.build(classifier, **{"eps": eps, **common, **self.settings})


def parse_attack(text: str) -> AttackSpec:
    """Read `NAME[:key=value,...]`, such as "masked-pgd:ratio=0.15,eps_step=2/255".

    The keys are the arguments of the attack's class. `eps_step` also takes the file of a law; `eps`
    fixes the budget, which is otherwise the evaluation's.

    Raises:
        InputError: for an unknown attack or key, or a value of the wrong kind.
    """
    name, _, rest = text.partition(":")
    entry = find_attack(name)
    readers = entry.readers()
    settings: dict[str, Any] = {}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if key not in readers:
            raise InputError(f"{name} has no setting {key!r}; choose from {', '.join(readers)}")
        if not equals:
            raise InputError(f"{name}: {key} needs a value, as in {key}=...")
        try:
            settings[key] = readers[key](value)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{name}: {key} cannot be {value!r}") from error
    if "eps" in settings and entry.norm == "Linf":
        check_budget(settings["eps"])
    return AttackSpec(text, name, entry, settings)


def attack_caption(spec: AttackSpec, eps: float) -> str:
    """Name an attack and its budget for the reader of a picture.

    Args:
        spec: the attack.
        eps: the budget, in the norm of the attack.
    """
    if spec.entry.norm == "none":
        return spec.text
    budget = f"{eps:.3g} (L2)" if spec.entry.norm == "L2" else f"{255 * eps:.3g}/255"
    return f"{spec.text}, eps {budget}"
