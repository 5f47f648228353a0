"""Attack classes whose settings are declared once, as annotated attributes."""

import inspect
from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Any, ClassVar, dataclass_transform

from advvid.methods.listing import default_words
from advvid.methods.setting import settings_of
from advvid.methods.suggestion import did_you_mean


@dataclass_transform(eq_default=False)
class DeclaredSettings:
    """Turns annotated attributes into arguments, ART's `attack_params` and help.

    A class with an `__init__` of its own keeps its arguments, unless that passes `*args` on.

    Attributes:
        common: names of the settings that every attack has; they are given by keyword.
        keywords: names of further settings that are given by keyword.
    """

    attack_params: ClassVar[list[str]] = []
    common: ClassVar[tuple[str, ...]] = ()
    keywords: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[Signature | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        settings = settings_of(cls)
        if "attack_params" not in vars(cls):
            cls.attack_params = list(settings)
        kinds = [p.kind for p in inspect.signature(cls.__init__).parameters.values()]
        passes_on = Parameter.VAR_POSITIONAL in kinds
        cls.__signature__ = declared_signature(cls) if passes_on else None
        if passes_on and "__doc__" in vars(cls) and cls.__doc__:
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\n{_arguments(cls)}"

    @classmethod
    def evaluated_with(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give settings that an evaluation uses where nothing else is asked for.

        An evaluation wants the worst case, where defaults may be those of a paper, or cheap enough
        to train on.

        Args:
            given: settings that were asked for.
        """
        del given
        return {}


def declared_signature(kind: type[DeclaredSettings]) -> Signature:
    """Give the arguments of a class: the estimator, its settings, some by keyword."""
    settings = settings_of(kind)
    keywords = [*kind.keywords, *kind.common]
    own = [settings[name].parameter() for name in settings if name not in keywords]
    common = [settings[name].parameter(Parameter.KEYWORD_ONLY) for name in keywords]
    estimator = Parameter("estimator", Parameter.POSITIONAL_OR_KEYWORD)
    return Signature([estimator, *own, *common])


def bound_settings(
    kind: type[DeclaredSettings], args: tuple[Any, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Give every setting of a class its value: what was handed in, otherwise the default.

    Raises:
        TypeError: for a setting that the class does not have, or one given twice, as Python does.
    """
    settings = settings_of(kind)
    for name in given:
        if name not in settings:
            hint = did_you_mean(name, settings) or f"choose from {', '.join(settings)}"
            raise TypeError(f"{kind.__name__} has no setting {name!r}; {hint}")
    try:
        bound = declared_signature(kind).bind(None, *args, **given)
    except TypeError as error:
        raise TypeError(f"{kind.__name__}: {error}") from None
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "estimator"}


def _arguments(kind: type[DeclaredSettings]) -> str:
    """Spell the settings as the last section of a docstring."""
    settings = settings_of(kind)
    lines = ["Args:", "    estimator: an `advvid.VideoClassifier`."]
    for name in list(declared_signature(kind).parameters)[1:]:
        about, default = settings[name].about, default_words(settings[name])
        words = (about.help, about.range, f"default {default}" if default else "")
        lines.append(f"    {name}: {'; '.join(filter(None, words))}.")
    return "\n".join(lines)
