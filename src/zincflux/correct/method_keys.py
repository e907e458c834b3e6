"""Keys that belong to a method: refused with any other, never silently ignored."""

from __future__ import annotations

from collections.abc import Mapping

from zincflux.settings import Settings


def refuse_unused(
    settings: Settings, section: str, method: str, used_by: Mapping[str, tuple[str, ...]]
) -> None:
    """Refuse keys that the chosen method does not use.

    Parameters
    ----------
    settings
        The settings; a key counts as given unless it is None or empty.
    section
        Name of the settings in the experiment file.
    method
        The chosen method.
    used_by
        For each key the methods that use it.

    Raises
    ------
    ValueError
        If a key is given that the method would ignore; pydantic turns it into its own report.
    """
    for key, methods in used_by.items():
        if getattr(settings, key) in (None, ()) or method in methods:
            continue
        users = " or ".join(f'"{name}"' for name in methods)
        raise ValueError(
            f"{section}.{key} is used only with method = {users}, but method is {method!r}. "
            "Remove the key or change the method."
        )


def require(settings: Settings, section: str, key: str, method: str) -> None:
    """Refuse a method whose own key is missing.

    Raises
    ------
    ValueError
        If the key is None.
    """
    if getattr(settings, key) is None:
        raise ValueError(f"method = {method!r} needs {section}.{key}, which is not given. Add it.")
