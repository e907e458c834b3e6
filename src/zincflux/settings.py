"""Settings: frozen, unknown keys refused, read from TOML and written back with comments."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    SerializationInfo,
    ValidationError,
    ValidationInfo,
)
from pydantic.fields import FieldInfo

from zincflux.errors import ExperimentError


class Settings(BaseModel):
    """A group of settings; a step of the analysis is its settings plus a call."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, where: str, folder: Path | None = None) -> Self:
        """Make the settings from plain data.

        Parameters
        ----------
        data
            Nested mappings as TOML gives them.
        where
            What the data came from; stands at the head of an error message.
        folder
            Folder that relative paths start from; the working folder by default.

        Raises
        ------
        ExperimentError
            If a key is unknown, missing or holds a value out of bounds.
        """
        try:
            return cls.model_validate(data, context={"folder": folder or Path.cwd()})
        except ValidationError as error:
            raise ExperimentError(_explain(cls, error, where)) from None


def _resolve(path: str, info: ValidationInfo) -> str:
    """Make a path absolute, starting from the folder of the file that it stands in."""
    folder = (info.context or {}).get("folder")
    if folder is None or "://" in path:
        return path
    return os.path.normpath(Path(folder) / path)


def _relative(path: str, info: SerializationInfo) -> str:
    """Write a path relative to the folder of the file that it will stand in."""
    folder = (info.context or {}).get("folder") if isinstance(info.context, dict) else None
    if folder is None or "://" in path:
        return path
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive (Windows)
        return path


InputPath = Annotated[str, AfterValidator(_resolve), PlainSerializer(_relative)]
"""A path or address in a settings file: relative there, absolute in memory."""


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file into plain data.

    Raises
    ------
    ExperimentError
        If the file is missing or is not TOML.
    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ExperimentError(f"{path}: no such file. Check the path.") from None
    except (OSError, ValueError, RecursionError) as error:  # no TOML, no text, or bottomless
        raise ExperimentError(
            f"{path}: expected a TOML file, found: {error}. Correct the file."
        ) from None


def override(data: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """Set dotted keys of plain data, as ``--set segment.diameter_um=15`` does.

    A value is read as TOML where it is TOML, and as a plain word otherwise.

    Raises
    ------
    ExperimentError
        If an assignment is not of the form ``KEY=VALUE``, or its key runs through a plain value.
    """
    result = _copy(data)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ExperimentError(
                f"--set expects KEY=VALUE, found {assignment!r}. "
                "Write for example: --set segment.diameter_um=15"
            )
        _assign(result, key.strip(), _value(text.strip()))
    return result


def _copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in data.items()}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _assign(data: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        child = data.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ExperimentError(
                f"--set {dotted}: {parent!r} holds a plain value, not a group of keys. "
                "Check the key."
            )
        data = child
    data[last] = value


class Key(NamedTuple):
    """One settable key, as the reference page, ``init`` and the forms show it."""

    name: str
    type: str
    default: object
    help: str


def keys(model: type[Settings], prefix: str = "") -> Iterator[Key]:
    """List every key of a settings model by its dotted name, in the order of the file."""
    for name, field in model.model_fields.items():
        dotted = f"{prefix}{name}"
        inner = _inner_model(field)
        if inner is None:
            default = field.get_default(call_default_factory=True)
            yield Key(dotted, _type_name(field), default, field.description or "")
        else:
            yield from keys(inner, f"{dotted}{'[]' if _is_many(field) else ''}.")


def dumps(
    settings: Settings,
    *,
    folder: Path | None = None,
    comments: bool = True,
    without: Iterable[str] = (),
) -> str:
    """Write settings as TOML text, each key with its help as a comment.

    Parameters
    ----------
    settings
        What to write. Keys without a value (``None``) are left out.
    folder
        Folder that the text will be stored in: paths are written relative to it.
    comments
        Whether the help of each key stands above it.
    without
        Dotted keys that are left out.
    """
    import tomlkit

    document = tomlkit.document()
    data = settings.model_dump(mode="json", exclude_none=True, context={"folder": folder})
    for key in without:
        _leave_out(data, key)
    _fill(document, type(settings), data, comments)
    return tomlkit.dumps(document)


def _leave_out(data: dict[str, Any], key: str) -> None:
    """Take a dotted key out of plain settings, in place, and a section that it leaves empty."""
    name, _, rest = key.partition(".")
    if rest and isinstance(data.get(name), dict):
        _leave_out(data[name], rest)
    if not rest or data.get(name) == {}:
        data.pop(name, None)


def _fill(table: Any, model: type[Settings], data: dict[str, Any], comments: bool) -> None:
    """Fill a TOML table: plain keys first, since a sub-table would swallow what follows it."""
    import tomlkit

    for name, field in sorted(
        model.model_fields.items(), key=lambda item: _inner_model(item[1]) is not None
    ):
        if name not in data:
            continue
        inner = _inner_model(field)
        if inner is None:
            if comments and field.description:
                table.add(tomlkit.comment(field.description))
            table.add(name, data[name])
        elif _is_many(field):
            array = tomlkit.aot()
            for item in data[name]:
                child = tomlkit.table()
                _fill(child, inner, item, comments=False)
                array.append(child)
            if data[name]:
                table.add(name, array)
        else:
            child = tomlkit.table()
            _fill(child, inner, data[name], comments)
            table.add(name, child)


def _inner_model(field: FieldInfo) -> type[Settings] | None:
    for candidate in (field.annotation, *_flat_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None


def _flat_args(annotation: Any) -> Iterator[Any]:
    for argument in get_args(annotation):
        yield argument
        yield from _flat_args(argument)


def _is_many(field: FieldInfo) -> bool:
    return getattr(field.annotation, "__origin__", None) in (tuple, list)


def _type_name(field: FieldInfo) -> str:
    text = getattr(field.annotation, "__name__", None)
    return text if text and not get_args(field.annotation) else str(field.annotation)


def _explain(model: type[Settings], error: ValidationError, where: str) -> str:
    """Turn pydantic's report into one line per key: expected, found, what to do."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key.{_suggest(model, item['loc'])}")
        elif item["type"] == "missing":
            lines.append(f"{key}: this key is required but is not given. Add it.")
        else:
            found = "" if item["type"] == "value_error" else f"; found {item['input']!r}"
            message = item["msg"].removeprefix("Value error, ")
            lines.append(f"{key}: {message}{found}" if key else f"{message}{found}")
    return f"{where}: " + "\n".join(lines)


def _suggest(model: type[Settings], location: tuple[int | str, ...]) -> str:
    *parents, wrong = location
    for parent in parents:
        if isinstance(parent, str) and parent in model.model_fields:
            inner = _inner_model(model.model_fields[parent])
            model = inner or model
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(wrong), known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known keys here: {', '.join(known)}."
