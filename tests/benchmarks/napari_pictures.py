"""Pictures of the dock for the tutorial, from a real window on the sample.

    xvfb-run -a -s "-screen 0 2600x1700x24" python tests/benchmarks/napari_pictures.py FOLDER

With QT_SCALE_FACTOR=2 they show what a screen with fine pixels does. Times of what a user waits
for are printed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIZE = (1280, 800)


class Scene:
    """A window with the dock, and a camera."""

    def __init__(self, out: Path, theme: str, panel_width: int) -> None:
        import napari
        from napari.settings import get_settings
        from qtpy.QtWidgets import QApplication

        get_settings().appearance.theme = theme
        self.out, self.theme = out, theme
        self.viewer = napari.Viewer(show=False)
        self.viewer.theme = theme
        _, self.panel = self.viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
        self.panel.setMinimumWidth(panel_width)
        self.window = self.viewer.window._qt_window
        self.window.resize(*SIZE)
        self.window.show()
        self.app = QApplication.instance()
        self.rest()

    def rest(self, seconds: float = 0.5) -> None:
        """Let the window do what it has to."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.01)

    def wait(self, what: str, begin: Callable[[], object]) -> None:
        """Begin work, wait for its end and print how long it took."""
        start = time.perf_counter()
        begin()
        while self.panel.work.is_busy:
            self.app.processEvents()
            time.sleep(0.002)
        print(f"{what}: {time.perf_counter() - start:.2f} s {self.panel.message.text()}")
        self.rest()

    def show_step(self, step: str) -> None:
        """Scroll the dock to a step."""
        box = self.panel.steps[step]
        self.panel.scroll.verticalScrollBar().setValue(box.y())
        self.rest()

    def shoot(self, name: str) -> None:
        """Store a picture of the window."""
        import numpy as np
        from PIL import Image

        self.window.resize(*SIZE)
        self.rest()
        shot = self.viewer.screenshot(canvas_only=False, flash=False)
        # Rare colours, as of a legend, are kept; then those of large areas are made right.
        picture = Image.fromarray(np.asarray(shot)[..., :3])
        picture = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3)
        file = self.out / f"napari-{name}.png"
        picture.save(file, optimize=True)
        size = f"{picture.width} × {picture.height}"
        print(f"{file.name}: {size}, {file.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--panel-width", type=int, default=320)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("ZINCFLUX_CACHE", cache)
        play(Scene(given.out, given.theme, given.panel_width), Path(cache))


def play(scene: Scene, folder: Path) -> None:
    """Go the way of the tutorial."""
    panel, viewer = scene.panel, scene.viewer
    scene.shoot("empty")
    scene.wait("open sample", lambda: viewer.open_sample("zincflux", "uptake"))
    viewer.dims.set_current_step(0, 30)
    scene.shoot("opened")
    scene.wait("preview (first, compiles)", panel.find_button.click)
    scene.wait("preview", panel.find_button.click)
    scene.show_step("cells")
    scene.shoot("found")
    scene.wait("run", panel.run_button.click)
    scene.show_step("results")
    panel.plots.views.select([12, 20, 31])
    scene.shoot("traces")
    panel.colour.choose("zinc_nM")
    panel.plots.tabs.setCurrentIndex(1)
    scene.shoot("zinc")
    panel.colour.choose("")
    scene.wait("zinc image", panel.zinc.switch.click)
    scene.shoot("zinc-image")
    panel.zinc.switch.click()
    correct(scene)
    scene.wait("export", lambda: panel.export(folder / "dish_results"))
    scene.show_step("results")
    scene.shoot("exported")
    viewer.close()


def correct(scene: Scene) -> None:
    """Delete a cell, and take it back."""
    panel = scene.panel
    panel.plots.tabs.setCurrentIndex(0)
    panel.correct_fold.button.setChecked(True)
    scene.rest()
    scene.panel.scroll.verticalScrollBar().setValue(10_000)
    cell = int(panel.session.table("cells")["cell_id"].iloc[3])
    panel.plots.views.select([cell])
    scene.shoot("correct")
    scene.wait("correct", lambda: panel.correcting.tools.press("delete"))
    scene.wait("undo", lambda: panel.correcting.tools.press("undo"))


if __name__ == "__main__":
    main()
