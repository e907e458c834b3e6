"""The indicators that come with the package, and files of the user's own."""

from __future__ import annotations

import difflib
import os
import re
from functools import cache
from importlib import resources
from pathlib import Path

from zincflux.errors import ExperimentError
from zincflux.indicators.indicator import Indicator
from zincflux.settings import read_toml


def load_indicator(name: str | os.PathLike[str]) -> Indicator:
    """Find an indicator in the library, or read one from a file.

    Parameters
    ----------
    name
        Name in the library (case, spaces and hyphens do not matter), or path of a TOML file.

    Raises
    ------
    ExperimentError
        If there is no such indicator, or the file does not describe one.

    Examples
    --------
    >>> load_indicator("fluozin3").record().k_nM
    15.0
    """
    path = Path(name)
    if path.suffix.lower() == ".toml":
        return _read(path)
    library = _library()
    found = {_plain(known): indicator for known, indicator in library.items()}.get(
        _plain(os.fspath(name))
    )
    if found is not None:
        return found
    near = difflib.get_close_matches(os.fspath(name).casefold(), map(str.casefold, library), n=1)
    hint = "".join(f" Did you mean {known!r}?" for known in library if known.casefold() in near)
    raise ExperimentError(
        f"indicator: expected one of the {len(library)} names that zincflux indicators lists, or "
        f"the path of a .toml file, found {os.fspath(name)!r}.{hint}"
    )


def indicator_names() -> tuple[str, ...]:
    """Names of the indicators in the library, in alphabetical order."""
    return tuple(_library())


@cache
def _library() -> dict[str, Indicator]:
    indicators = []
    for entry in resources.files(__package__).iterdir():
        if entry.name.endswith(".toml"):
            with resources.as_file(entry) as path:
                indicators.append(_read(path))
    indicators.sort(key=lambda indicator: indicator.name.casefold())
    return {indicator.name: indicator for indicator in indicators}


def _read(path: Path) -> Indicator:
    return Indicator.parse(read_toml(path), where=str(path), folder=path.parent)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()
