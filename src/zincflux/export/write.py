"""An export from its name to what lies in its place: written aside, then renamed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Generator
from pathlib import Path

from zincflux.errors import ExperimentError
from zincflux.export.formats import EXPORTS
from zincflux.export.kinds import Export, Options
from zincflux.pipeline import Progress
from zincflux.results import read_results, staging, writing
from zincflux.steps import complete


def export_results(
    folder: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    options: Options | None = None,
) -> Path:
    """Write finished results in a format of other programs.

    Parameters
    ----------
    folder
        Folder that ``zincflux run`` wrote.
    to
        One of `EXPORTS`, which says what each is.
    out
        File or folder to write.
    overwrite
        Whether to replace what was exported there before.
    options
        What can be chosen for some formats.

    Returns
    -------
    pathlib.Path
        What was written.

    Raises
    ------
    ExperimentError
        If the format is unknown, the name or an option does not suit it, or something is in the
        place.
    ResultsError
        If there are no such results, they cannot be said in this format, or cannot be written.

    Warns
    -----
    MetadataWarning
        If outlines for ImageJ are those of a field that drifts, or the movie of a film is gone.
    """
    return complete(iter_export(folder, to, out, overwrite=overwrite, options=options))


def iter_export(
    folder: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    options: Options | None = None,
) -> Generator[Progress, None, Path]:
    """Do what `export_results` does, step by step, so that the caller can show progress or stop.

    Yields
    ------
    Progress
        After each piece of work.

    Returns
    -------
    pathlib.Path
        What was written, as the generator's return value.
    """
    target, chosen = Path(out), options or Options()
    form = _known(to)
    _check_options(to, form, chosen)
    check_export(target, to, overwrite=overwrite)
    yield Progress("reading the results", 0, 1)
    results = read_results(folder, labels=form.with_labels)
    with staging(target) as aside, writing(target):
        new = aside / target.name
        yield from form.write(results, new, chosen)
        _put(new, target, aside)
    return target


def _known(to: str) -> Export:
    if to in EXPORTS:
        return EXPORTS[to]
    near = difflib.get_close_matches(to, EXPORTS, n=1)
    raise ExperimentError(
        f"--to: expected {', '.join(EXPORTS)}, found {to!r}."
        + (f" Did you mean {near[0]!r}?" if near else " Choose one of these.")
    )


def _check_options(to: str, form: Export, chosen: Options) -> None:
    for name in chosen.given:
        if name not in form.options:
            users = [other for other, one in EXPORTS.items() if name in one.options]
            raise ExperimentError(
                f"--{name} has no effect with --to {to}, only with {', '.join(users)}. "
                "Leave it out."
            )


def check_export(target: Path, to: str, *, overwrite: bool) -> None:
    """Make sure that an export can be written to a place, before any work is done.

    Parameters
    ----------
    target
        File or folder to write.
    to
        One of `EXPORTS`.
    overwrite
        Whether an earlier export may be replaced.

    Raises
    ------
    ExperimentError
        If the format is unknown, the name does not suit it, or something is there that may not be
        replaced.
    ResultsError
        If a package is missing.
    """
    form = _known(to)
    if form.is_file and not target.name.lower().endswith(form.endings):
        raise ExperimentError(
            f"--out: expected a name that ends in {' or '.join(form.endings)} for {to}, found "
            f"{target}. Rename it."
        )
    form.need(target)
    if not target.exists():
        return
    if not overwrite:
        raise ExperimentError(
            f"{target}: this is already there. Add --overwrite or choose another --out."
        )
    wanted, found = (
        "file" if is_file else "folder" for is_file in (form.is_file, target.is_file())
    )
    if wanted != found:
        raise ExperimentError(
            f"{target}: expected a {wanted}, found a {found}. Choose another --out."
        )
    other = form.other(target)
    if other:
        raise ExperimentError(
            f"{target}: expected an earlier export to replace, found {other}. Choose another --out."
        )


def _put(new: Path, target: Path, aside: Path) -> None:
    """Move what was written into place; what was there is kept until that has worked."""
    earlier = aside / "earlier"
    if not target.is_dir():
        os.replace(new, target)
        return
    os.replace(target, earlier)
    try:
        os.replace(new, target)
    except OSError:
        os.replace(earlier, target)
        raise
