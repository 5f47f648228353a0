"""Where a model of transformers lies: in a folder, in the cache of the hub, or on the hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from advvid.errors import InputError, shown_name
from advvid.methods.paths import is_there, near_folders
from advvid.methods.suggestion import ask

_SECONDS = 5.0
_HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")


@dataclass(frozen=True)
class Source:
    """What transformers loads a model from.

    Args:
        name: a folder, or a name on the hub.
        local: whether the network is left alone.
    """

    name: str
    local: bool


def find_source(name: str) -> Source:
    """Find a model; the hub is asked once and briefly, where transformers would try for long.

    Args:
        name: a folder, or a name on the hub such as "MCG-NJU/videomae-base-finetuned-kinetics".

    Raises:
        InputError: when it is neither a folder, nor in the cache, nor on the hub.
    """
    folder = Path(name).expanduser()
    wrong = f"cannot load hf/{shown_name(name)}"
    near = ask(near_folders(name))
    wanted = near or "give a hub name, or a folder with config.json and weights"
    if is_there(folder) and folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"{wrong}: the folder has no config.json; {wanted}")
        return Source(str(folder), local=True)
    if not _HUB_NAME.fullmatch(name):
        raise InputError(
            f"{wrong}: there is no such folder, and it is no name on the hub; {wanted}"
        )
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    cached = isinstance(try_to_load_from_cache(name, "config.json"), str)
    try:
        HfApi().model_info(name, timeout=_SECONDS)
    except (RepositoryNotFoundError, GatedRepoError) as error:
        if cached:
            return Source(name, local=True)
        raise InputError(
            f"{wrong}: it is no folder, and the hub has no such model, or not for you; {wanted}"
        ) from error
    except Exception as error:
        # The clients of the hub fail in their own ways without a network, and when told to be
        # offline.
        if cached:
            return Source(name, local=True)
        raise InputError(
            f"{wrong}: it is no folder, it is not in the cache, and the hub cannot be reached "
            f"({type(error).__name__}); {wanted}"
        ) from error
    return Source(name, local=False)
