"""Commands in the pages are run when the site is built, and their real output is shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError

BLOCK = re.compile(r"^```(console|python) run\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, files: object) -> str:
    """Run the blocks marked ``run`` of a page, in order, in one temporary folder."""
    if not BLOCK.search(markdown):
        return markdown
    root = Path(config.config_file_path).parent
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(root / "sample_images", Path(folder, "sample_images"))
        return BLOCK.sub(lambda block: _executed(block[1], block[2], folder), markdown)


def _executed(language: str, code: str, folder: str) -> str:
    if language == "python":
        output = _run([sys.executable, "-c", code], folder)
        return f"```python\n{code}```\n\n```text\n{output}```"
    lines = []
    for line in code.splitlines():
        lines.append(f"$ {line}\n{_run(shlex.split(line), folder)}")
    return f"```console\n{''.join(lines)}```"


def _run(command: list[str], folder: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603 # the commands stand in our own pages
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "96"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise PluginError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    # The reader has no such folder.
    text = done.stdout.replace(f"{os.path.realpath(folder)}{os.sep}", "")
    return text if text.endswith("\n") or not text else text + "\n"
