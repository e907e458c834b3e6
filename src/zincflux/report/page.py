"""One page from a template: its style and script inside, allowed by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_SCRIPTS = ("shapes", "drawing", "reading", "charts")


def render_page(template: str, content: Mapping[str, Any]) -> str:
    """Render a template on the base that all pages share.

    The page holds its style, script and pictures and may load nothing: its security policy names
    the two by their hashes, so that nothing else can act as style or script.

    Parameters
    ----------
    template
        Name of the template's file.
    content
        What the template needs; texts are escaped.

    Returns
    -------
    str
        HTML, to be stored as UTF-8.
    """
    style, script = _asset("style.css"), _script()
    return (
        _environment()
        .get_template(template)
        .render(
            **content,
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
        )
    )


def clip(text: object, length: int) -> str:
    """Cut a text to a length, and say so with an ellipsis; line ends become spaces.

    Examples
    --------
    >>> clip("uptake, dish 3", 8)
    'uptake,…'
    """
    whole = " ".join(str(text).split())
    return whole if len(whole) <= length else whole[: length - 1].rstrip() + "…"


def data_uri(picture: bytes, kind: str = "png") -> str:
    """Write a picture as an address that holds it."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode("ascii")


def _asset(name: str) -> str:
    return (files("zincflux.report") / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    """Join the script's files in the order in which they build on one another."""
    return "\n".join(
        ['"use strict";', "{", *(_asset(f"script/{name}.js") for name in _SCRIPTS), "}"]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("zincflux", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clip"] = clip
    return environment
