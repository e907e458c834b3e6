"""Pages made from the code when the site is built, so that they cannot fall behind it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

# The command line has its own page; a step's package shows its modules on one page.
UNLISTED = {"cli"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the parts of the navigation that depend on what there is."""
    modules = [{name: f"reference/api/{name}.md"} for name in _modules()]
    pages = Path(config.docs_dir, "validation").glob("*.md")
    index_first = sorted(pages, key=lambda page: (page.stem != "index", page.stem))
    filled: dict[str, list[Any]] = {
        "Reference": [
            *({title: _path(title)} for title in _makers()),
            {"Library, module by module": modules},
        ],
        "Validation": [f"validation/{page.name}" for page in index_first],
    }
    config.nav = [{name: filled.get(name, to)} for item in config.nav for name, to in item.items()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {_path(title): f"# {title}\n\n{make()}" for title, make in _makers().items()}
    for name in _modules():
        pages[f"reference/api/{name}.md"] = _module(name)
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def _makers() -> dict[str, Callable[[], str]]:
    return {
        "Command line": _command_line,
        "Experiment file": _experiment_file,
        "Result tables": _result_tables,
        "Log of corrections": _log_of_corrections,
        "Indicators": _indicators,
        "Library": _library,
    }


def _path(title: str) -> str:
    return f"reference/{title.lower().replace(' ', '-')}.md"


def _modules() -> list[str]:
    import zincflux

    found = (module.name for module in pkgutil.iter_modules(zincflux.__path__))
    return sorted(name for name in found if not name.startswith("_") and name not in UNLISTED)


def _module(name: str) -> str:
    """Let mkdocstrings describe a module: what it offers, or else what its modules offer."""
    module = importlib.import_module(f"zincflux.{name}")
    deep = hasattr(module, "__path__") and not hasattr(module, "__all__")
    return f"::: zincflux.{name}\n    options:\n      show_submodules: {str(deep).lower()}\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(head)]
    lines.append(["---"] * len(lines[0]))
    lines += [[_cell(value) for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _code(value: object) -> str:
    """Set a value in code type; the bar is the one sign that would break a table."""
    text = " ".join(str(value).split())
    return f"`{text}`" if text else ""


def _result_tables() -> str:
    from zincflux.columns import FLAGS, STUDY_TABLES, TABLES

    parts = [
        "The columns of every table that a run writes. `<channel>` stands for the name of each "
        "channel. A number that could not be determined is empty, never 0.\n"
    ]
    for name, columns in TABLES.items():
        rows = ((_code(c.name), c.unit, c.dtype, c.meaning) for c in columns)
        parts.append(f"## {name}\n\n{_table(('column', 'unit', 'type', 'meaning'), rows)}")
    flags = ((_code(name), meaning) for name, meaning in FLAGS.items())
    parts.append(
        "## Flags\n\nThe column `flag` says why a number is missing or doubtful.\n\n"
        + _table(("flag", "meaning"), flags)
    )
    parts.append(
        "## Tables of a study\n\nWhat `zincflux batch` writes beside the folders of the movies. "
        "Where the unit is itself the name of a column, the numbers have the unit that stands "
        "there in the same row.\n"
    )
    for name, columns in STUDY_TABLES.items():
        rows = ((_code(c.name), c.unit, c.dtype, c.meaning) for c in columns)
        parts.append(f"### {name}\n\n{_table(('column', 'unit', 'type', 'meaning'), rows)}")
    return "\n".join(parts)


def _experiment_file() -> str:
    from zincflux.experiment import Experiment
    from zincflux.settings import keys

    groups: dict[str, list[tuple[str, str, str, str]]] = {}
    for key in keys(Experiment):
        group = key.name.partition(".")[0] if "." in key.name else ""
        field = _field(Experiment, key.name)
        value = f"{_type(field.annotation)}{_bounds(field)}"
        name = _code(key.name.removeprefix(f"{group}."))
        row = (name, value, _default(key.default), key.help)
        groups.setdefault(group, []).append(row)
    parts = [
        "Every key of an experiment file (TOML), made from the models that read it. Every key has "
        "a default except `movie.path`. Paths are relative to the file. Any key can be replaced "
        "for one run: `zincflux run experiment.toml --set segment.diameter_um=12`.\n"
    ]
    for group, rows in groups.items():
        name = group.removesuffix("[]")
        title = f"[[{name}]]" if group.endswith("[]") else f"[{name}]"
        heading = f"`{title}`" if group else "Top of the file"
        parts.append(f"## {heading}\n\n{_table(('key', 'value', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def _log_of_corrections() -> str:
    from zincflux.edits import Place
    from zincflux.edits.kinds import KINDS

    parts = [
        "Every kind of correction that a log can hold; see [how to correct cells by hand]"
        "(../how-to/correct-cells.md). Pixels are counted from 0, in the label image.\n"
    ]
    for kind, model in {**KINDS, "": Place}.items():
        rows = (
            (_code(name), _type(field.annotation), _default(field.default), field.description)
            for name, field in model.model_fields.items()
            if name != "kind"
        )
        title = f'`kind = "{kind}"`' if kind else "Place"
        about = (model.__doc__ or "").strip().partition("\n")[0]
        head = ("key", "value", "default", "meaning")
        parts.append(f"## {title}\n\n{about}\n\n{_table(head, rows)}")
    return "\n".join(parts)


def _field(model: Any, dotted: str) -> Any:
    """Find a field of nested models by its dotted name."""
    *parents, last = dotted.replace("[]", "").split(".")
    for parent in parents:
        annotation = model.model_fields[parent].annotation
        candidates = (annotation, *get_args(annotation))
        model = next(c for c in candidates if hasattr(c, "model_fields"))
    return model.model_fields[last]


NAMES = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def _type(annotation: Any) -> str:
    """Say in words what one writes in the file."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(args[0])
    if origin is Literal:
        return " or ".join(_code(f'"{a}"' if isinstance(a, str) else a) for a in args)
    if origin in (tuple, list):
        length = "" if len(args) < 2 or args[1] is ... else f" of {len(args)}"
        return f"list{length}: {_type(args[0])}"
    if origin is dict:
        return f"table: {_type(args[1])} by name"
    if args:
        return " or ".join(dict.fromkeys(_type(a) for a in args if a is not type(None)))
    return NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(field: Any) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = (
        f"{sign} {getattr(limit, name):g}"
        for limit in field.metadata
        for name, sign in signs.items()
        if hasattr(limit, name)
    )
    text = ", ".join(found)
    return f", {text}" if text else ""


def _default(value: object) -> str:
    from pydantic_core import PydanticUndefined

    if value is PydanticUndefined:
        return "required"
    if value is None or value == "" or value == ():
        return ""
    if isinstance(value, bool):
        return _code(str(value).lower())
    if isinstance(value, tuple):
        return _code(str(list(value)).replace("'", '"'))
    return _code(f'"{value}"' if isinstance(value, str) else value)


def _indicators() -> str:
    from zincflux.indicators import indicator_names, load_indicator

    parts = [
        "The indicators that ship with zincflux. One indicator can have several published records "
        "that disagree; the default is in bold, and whichever is used is printed with the "
        "results. *Confidence* says whether the number was read in the source itself, in a work "
        "that quotes it (secondary), or in neither (unverified). Look an unverified value up in "
        "its source before you publish with it.\n"
    ]
    for name in indicator_names():
        indicator = load_indicator(name)
        rows = (_record(record, record.name == indicator.default) for record in indicator.records)
        head = ("record", "K (nM)", "Hill n", "K contains β", "conditions", "source", "confidence")
        note = f"{indicator.note}\n\n" if indicator.note else ""
        parts.append(
            f"## {indicator.name}\n\nKind: {indicator.kind}. {note}\n\n{_table(head, rows)}"
        )
    return "\n".join(parts)


def _record(record: Any, is_default: bool) -> tuple[object, ...]:
    named = (
        ("pH {:g}", record.ph),
        ("{:g} °C", record.temperature_C),
        ("I = {:g} M", record.ionic_strength_M),
    )
    conditions = ", ".join(form.format(value) for form, value in named if value is not None)
    doi = f" [doi:{record.doi}](https://doi.org/{record.doi})" if record.doi else ""
    return (
        f"**{record.name}**" if is_default else record.name,
        f"{record.k_nM:g}",
        f"{record.hill:g}",
        "yes" if record.k_includes_beta else "no",
        conditions or "not stated",
        record.source + doi,
        record.confidence,
    )


def _command_line() -> str:
    from typer.main import get_command
    from typer.testing import CliRunner

    from zincflux.cli import app

    parts = [
        "Results and paths go to standard output, progress and messages to standard error. "
        "The exit status is 0 when done, 1 when the analysis failed, 2 when the command line or "
        "the experiment file is wrong, and 3 when an input cannot be read.\n"
    ]
    for name in get_command(app).commands:  # type: ignore[attr-defined] # a group
        shown = CliRunner().invoke(app, [name, "--help"], prog_name="zincflux")
        parts.append(f"## zincflux {name}\n\n```text\n{shown.output.strip()}\n```\n")
    return "\n".join(parts)


def _library() -> str:
    import zincflux

    rows = []
    for name in sorted(zincflux.__all__, key=str.lower):
        thing = getattr(zincflux, name)
        home = ".".join(thing.__module__.split(".")[:2])
        link = f"[`{name}`][{home}.{name}]"
        rows.append((link, (thing.__doc__ or "").strip().partition("\n")[0]))
    return (
        "The public names: `import zincflux` loads none of what they need until they are used.\n\n"
        + _table(("name", "what it is"), rows)
    )
