"""Mean and standard deviation of each channel, checked."""

import math
import numbers
from typing import Any

from advvid.errors import InputError, shown

PerChannel = tuple[float, float, float]


def read_per_channel(name: str, given: Any) -> PerChannel:
    """Read a mean or std: one number, three, or text such as "0.45,0.45,0.45".

    Args:
        name: "mean" or "std", for messages; a std must be above 0.
        given: a number, a sequence, an array or a tensor of one or three, or text.

    Returns:
        one number a channel (R, G, B).

    Raises:
        InputError: for anything else, and for what is not finite.
    """
    wanted = f"{name} must be one number, or three (R, G, B)"
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, str):
        given = [_number(part) for part in given[:_LONGEST].split(",")]
    values = [given] if isinstance(given, numbers.Real) else given
    if not isinstance(values, list | tuple) or len(values) not in (1, 3):
        raise InputError(f"{wanted}; got {shown(given)}")
    if any(isinstance(v, bool) or not isinstance(v, numbers.Real) for v in values):
        raise InputError(f"{wanted}; got {shown(given)}")
    try:
        red, green, blue = (float(v) for v in (values if len(values) == 3 else values * 3))
    except OverflowError as error:
        raise InputError(f"{name} must be finite; got {shown(given)}") from error
    if not all(map(math.isfinite, (red, green, blue))):
        raise InputError(f"{name} must be finite; got {shown(given)}")
    if name == "std" and min(red, green, blue) <= 0:
        raise InputError(f"std must be above 0; got {shown(given)}")
    return red, green, blue


def read_pixel_mean(given: Any) -> PerChannel:
    """Read the mean of pixels in [0, 1], see `read_per_channel`.

    Raises:
        InputError: for that of pixels in 0 to 255 too.
    """
    mean = read_per_channel("mean", given)
    if max(mean) > 1:
        raise InputError(
            f"mean must be that of pixels in [0, 1]; got {shown(given)}: divide mean and std by 255"
        )
    return mean


_LONGEST = 200


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
