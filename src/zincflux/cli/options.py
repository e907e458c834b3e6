"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from zincflux.cli.program import show_traceback, show_version

Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing but errors, and what --json asks for.")
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=show_traceback, is_eager=True, help="Show where an error arose."
    ),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=show_version, is_eager=True, help="Print the version and stop."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a key of the settings; repeatable."),
]
