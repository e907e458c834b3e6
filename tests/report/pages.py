"""A page in Chromium, watched: what it logs, throws and asks the network for."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TEMPORARY = 30_000
"""Longest wait, ms: a loaded machine starts the browser slowly."""


@dataclass
class Watched:
    """A page and everything it should not have done."""

    page: Any
    faults: list[str] = field(default_factory=list)

    def chart(self, title: str) -> Any:
        """Give the figure whose chart has this title."""
        plot = self.page.locator(f'.plot[aria-label^="{title}"]')
        return self.page.locator("figure[data-chart]").filter(has=plot)


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Start the Chromium that the system has; skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@contextlib.contextmanager
def opened(
    chromium: Any, file: Path, *, width: int = 1280, scheme: str = "light", scripts: bool = True
) -> Iterator[Watched]:
    """Open a page; it must neither log an error, nor throw, nor ask for anything."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=scripts,
        offline=True,
    )
    page = context.new_page()
    page.set_default_timeout(TEMPORARY)
    watched = Watched(page)
    page.on("console", lambda message: watched.faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: watched.faults.append(f"error: {error}"))
    page.on("dialog", lambda dialog: watched.faults.append(f"dialog: {dialog.message}"))
    own = file.as_uri()
    page.on(
        "request",
        lambda request: (
            None
            if request.url == own or request.url.startswith("data:")
            else watched.faults.append(f"request: {request.url}")
        ),
    )
    page.goto(own)
    yield watched
    context.close()
    assert watched.faults == []
