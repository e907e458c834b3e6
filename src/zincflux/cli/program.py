"""The program: how a command ends, whatever happens in it."""

from __future__ import annotations

import sys
import traceback
import warnings
from types import TracebackType
from typing import Any

import typer
from typer.core import TyperGroup

from zincflux import __version__
from zincflux.cli import interruption
from zincflux.errors import ZincfluxError, ZincfluxWarning

STOPPED = 130
"""Exit status after Ctrl-C, as shells expect it."""

_DEBUG = "zincflux.debug"


class Commands(TyperGroup):
    """Ends every command that fails with one message and its exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named, and tell how it failed if it did."""
        try:
            with interruption.noted():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _stopped() from None
        except Exception as error:
            if interruption.is_asked():  # wrapped into another exception on its way
                raise _stopped() from None
            if not isinstance(error, ZincfluxError):
                raise
            if _DEBUG in ctx.meta:
                traceback.print_exc()
            else:
                complain(str(error))
            raise typer.Exit(error.exit_status) from None


def _stopped() -> typer.Exit:
    complain("stopped; nothing was left half written.")
    return typer.Exit(STOPPED)


def report_unforeseen(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tell of an error that nobody foresaw, in one line; takes the place of `sys.excepthook`."""
    complain(
        f"unexpected {kind.__name__}: {error}. Run the command again with --debug, and report "
        "what it shows."
    )


def complain(message: str) -> None:
    """Print why a command ends."""
    print(f"zincflux: {message}", file=sys.stderr)


def show_traceback(context: typer.Context, wanted: bool) -> None:
    """Let errors show their traceback; what ``--debug`` does."""
    if wanted:
        context.meta[_DEBUG] = True
        sys.excepthook = sys.__excepthook__
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", ZincfluxWarning)  # still printed from the record


def show_version(wanted: bool) -> None:
    """Print the version and end the program; what ``--version`` does."""
    if wanted:
        print(f"zincflux {__version__}")
        raise typer.Exit
