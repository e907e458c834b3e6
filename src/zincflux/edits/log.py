"""The log of edits: a TOML file, in and out."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field

from zincflux.edits.kinds import KINDS, Edit
from zincflux.errors import ExperimentError
from zincflux.settings import InputPath, Settings, read_toml

_HEADING = (
    "Corrections by hand: replayed, in this order, on what is found automatically.",
    "Points are [y, x] in pixels of the label image, from 0.",
)


class Numbered(NamedTuple):
    """An edit and its number in the log, from 1."""

    number: int
    edit: Edit

    def __str__(self) -> str:
        ids = self.edit.cell_ids
        then = f", then cell{'' if len(ids) == 1 else 's'} {_list(ids)}" if ids else ""
        frame = getattr(self.edit, "frame", None)
        when = "" if frame is None else f" in frame {frame}"
        return f"edit {self.number} ({self.edit.kind} at {self.edit.where}{when}{then})"


def _list(ids: Sequence[int]) -> str:
    shown = [str(number) for number in ids[:3]] + (["…"] if len(ids) > 3 else [])
    return ", ".join(shown)


class Skipped(NamedTuple):
    """An edit that does not apply, and why."""

    item: Numbered
    reason: str

    def __str__(self) -> str:
        return f"{self.item}: {self.reason}"

    def summary(self) -> dict[str, Any]:
        """Give plain data, as stored in ``run.json``."""
        return {
            "edit": self.item.number,
            "kind": self.item.edit.kind,
            "cell_ids": list(self.item.edit.cell_ids),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class EditSummary:
    """What became of the corrections by hand.

    Attributes
    ----------
    applied
        Number of edits that were applied.
    not_applied
        Those that were not, and why, in the order of the log.
    """

    applied: int = 0
    not_applied: tuple[Skipped, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Give plain data, as stored in ``run.json``."""
        return {
            "applied": self.applied,
            "not_applied": [item.summary() for item in self.not_applied],
        }


class EditLog(Settings):
    """Corrections by hand, in the order in which they were made.

    Examples
    --------
    >>> log = EditLog().with_edit(KINDS["delete"](point=(20, 30), cell_ids=(4,)))
    >>> print(log.dumps(), end="")
    # Corrections by hand: replayed, in this order, on what is found automatically.
    # Points are [y, x] in pixels of the label image, from 0.
    schema_version = 1
    <BLANKLINE>
    [[edits]]
    kind = "delete"
    point = [20, 30]
    cell_ids = [4]
    >>> EditLog.loads(log.dumps()) == log
    True
    """

    schema_version: Literal[1] = Field(default=1, description="Version of this file's layout")
    edits: tuple[Edit, ...] = Field(default=(), description="The edits")

    def __len__(self) -> int:
        return len(self.edits)

    def with_edit(self, edit: Edit) -> EditLog:
        """Give the log with one more edit."""
        return EditLog.model_construct(schema_version=1, edits=(*self.edits, edit))

    def without_last(self) -> EditLog:
        """Give the log without its last edit; an empty log stays empty."""
        return EditLog.model_construct(schema_version=1, edits=self.edits[:-1])

    def numbered(self) -> tuple[Numbered, ...]:
        """Give the edits with their numbers, from 1."""
        return tuple(Numbered(number, edit) for number, edit in enumerate(self.edits, start=1))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a log.

        Raises
        ------
        ExperimentError
            If the file is missing or holds no log of edits; all that is wrong is named at once.
        """
        return cls._of(read_toml(path), str(path))

    @classmethod
    def loads(cls, text: str, *, where: str = "the log of edits") -> Self:
        """Read a log from TOML text.

        Parameters
        ----------
        text
            What `dumps` wrote.
        where
            What the text came from; stands at the head of an error message.

        Raises
        ------
        ExperimentError
            If it holds no log of edits.
        """
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # no TOML, or bottomless
            raise ExperimentError(
                f"{where}: expected TOML, found: {error}. Correct the text."
            ) from None
        return cls._of(data, where)

    @classmethod
    def _of(cls, data: Mapping[str, Any], where: str) -> Self:
        items = data.get("edits", [])
        # The frame first: its errors would hide behind those of a thousand edits.
        empty = cls.parse({**data, "edits": []}, where=where)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ExperimentError(
                f"{where}: edits: expected tables, found {_shown(items)}. "
                "Write each edit under a line [[edits]]."
            )
        edits, errors = [], []
        for number, item in enumerate(items, start=1):
            try:
                edits.append(_edit(item, f"{where}: edit {number}"))
            except ExperimentError as error:
                errors.append(str(error))
        if errors:
            raise ExperimentError("\n".join(errors[:_MOST_ERRORS]))
        return empty.model_copy(update={"edits": tuple(edits)})

    def dumps(self) -> str:
        """Write the log as TOML text; the same log gives the same text."""
        lines = [f"# {line}" for line in _HEADING]
        lines.append(f"schema_version = {self.schema_version}")
        for edit in self.edits:
            data = edit.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            keys = [name for name in data if name not in ("kind", *_LAST)]
            keys += [name for name in _LAST if name in data]
            lines += ["", "[[edits]]", f"kind = {_text(edit.kind)}"]
            lines += [f"{name} = {_text(data[name])}" for name in keys]
        return "\n".join(lines) + "\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the log to a file: complete or, where that fails, as it was before.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        file = Path(path)
        aside = file.with_name(f".{file.name}.partial")
        try:
            aside.write_text(self.dumps(), encoding="utf-8", newline="\n")
            os.replace(aside, file)
        finally:
            aside.unlink(missing_ok=True)


_LAST = ("cell_ids", "note")
_MOST_ERRORS = 20


def _text(value: Any) -> str:
    """Write a TOML value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, str):
        # Texts hold no control characters, and what else JSON escapes TOML escapes likewise.
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _edit(item: Mapping[str, Any], where: str) -> Edit:
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        near = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Write one of {', '.join(KINDS)}."
        found = "none" if kind is None else _shown(kind)
        raise ExperimentError(f"{where}: kind: expected a kind of edit, found {found}. {hint}")
    return KINDS[kind].parse(item, where=f"{where} ({kind})")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


class Edits(Settings):
    """Corrections by hand that are replayed on the automatic result."""

    path: InputPath | None = Field(
        default=None, description="Log of edits (TOML) to replay; none if not given"
    )

    def load(self) -> EditLog:
        """Read the log; it is empty where none is named.

        Raises
        ------
        ExperimentError
            If the file is missing or is no log of edits.
        """
        return EditLog() if self.path is None else EditLog.read(self.path)
