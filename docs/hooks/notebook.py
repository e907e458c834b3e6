"""A page that links to a notebook of its own name gets one, made of its text and its code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from executed import BLOCK
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks."""
    for page in list(files.documentation_pages()):
        name = PurePosixPath(page.src_uri).with_suffix(".ipynb")
        text = page.content_string
        if f"]({name.name})" in text:
            files.append(File.generated(config, str(name), content=_notebook(text)))
    return files


def _notebook(markdown: str) -> str:
    cells = [
        {"id": f"cell-{n}", "metadata": {}, "source": source.splitlines(keepends=True), **kind}
        for n, (source, kind) in enumerate(_cells(markdown))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cells(markdown: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give source and kind of each cell; links lead nowhere outside the pages and become text."""
    words = {"cell_type": "markdown"}
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    end = 0
    for block in BLOCK.finditer(markdown):
        yield LINK.sub(r"\1", markdown[end : block.start()]).strip(), words
        shell = "" if block[1] == "python" else "!"
        yield "\n".join(shell + line for line in block[2].splitlines()), code
        end = block.end()
    yield LINK.sub(r"\1", markdown[end:]).strip(), words
