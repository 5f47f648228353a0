"""Formats of figures, to be read before what draws them is imported."""

from collections.abc import Iterable

from advvid.errors import InputError, shown

FORMATS = ("png", "svg", "pdf")


def read_formats(formats: str | Iterable[str]) -> tuple[str, ...]:
    """Read formats of figures, such as "png,svg".

    Raises:
        InputError: naming one that is not known.
    """
    given = formats.split(",") if isinstance(formats, str) else formats
    names = tuple(dict.fromkeys(name.strip().lower().removeprefix(".") for name in given))
    for name in names:
        if name not in FORMATS:
            known = ", ".join(FORMATS)
            raise InputError(f"figures are written as {known}; got {shown(name)}")
    return names
