"""Everything that is wrong with a sheet, told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zincflux.errors import ExperimentError

_LONGEST = 600


@dataclass
class Problems:
    """Collects what is wrong, row by row.

    Attributes
    ----------
    where
        The sheet, as the message names it.
    """

    where: str
    _found: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, line: int | None, place: str, text: str) -> None:
        """Note one problem.

        Parameters
        ----------
        line
            Row as the spreadsheet shows it; None where it concerns no single row.
        place
            Column or file, as the message says it.
        text
            What was expected and found, and what to do.
        """
        lines = self._found.setdefault((place, text), [])
        if line is not None and line not in lines:
            lines.append(line)

    def settle(self) -> None:
        """Go on if nothing is wrong.

        Raises
        ------
        ExperimentError
            With every problem, the same one of several rows once.
        """
        if not self._found:
            return
        ordered = sorted(self._found.items(), key=lambda item: item[1][:1])
        listed = [_line(place, text, lines) for (place, text), lines in ordered]
        count = "1 problem" if len(listed) == 1 else f"{len(listed)} problems"
        raise ExperimentError(
            f"{self.where}: {count}; nothing was run. Correct the sheet or the settings, and start "
            "again:\n" + "\n".join(listed)
        )


def column(name: str) -> str:
    """Say a column as messages do."""
    return f"column {shown(name)}"


def shown(text: str, longest: int = 80) -> str:
    """Quote what a cell holds, not longer than a line."""
    return repr(text if len(text) <= longest else f"{text[: longest - 1]}…")


def _line(place: str, text: str, lines: Sequence[int]) -> str:
    where = ", ".join(part for part in (_rows(lines), place) if part)
    text = " ".join(text.split("\n"))
    return f"  {where}: {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


def _rows(lines: Sequence[int]) -> str:
    """Say rows, those that follow one another as from–to.

    Examples
    --------
    >>> _rows([2]), _rows([2, 3, 4, 7])
    ('row 2', 'rows 2–4, 7')
    """
    runs: list[list[int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], line]
        else:
            runs.append([line])
    texts = [f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return f"{'row' if len(lines) == 1 else 'rows'} {', '.join(texts)}" if texts else ""
