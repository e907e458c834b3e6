"""How long napari's user waits: preview, click → trace, step in time, correction → traces.

Run: ``python tests/benchmarks/napari_latency.py`` (on Linux without a screen under ``xvfb-run -a``)
"""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable
from typing import Any

import napari
import numpy as np
import pandas as pd
from qtpy.QtWidgets import QApplication

import zincflux
from napari_zincflux.colouring import Colouring
from napari_zincflux.corrections import Corrections
from napari_zincflux.heat_map import HeatMapWidget
from napari_zincflux.layers import Axes, labels_layer
from napari_zincflux.linked import LinkedViews
from napari_zincflux.trace_data import TraceData
from napari_zincflux.traces import TracesWidget
from zincflux.movie import Movie
from zincflux.pipeline import iter_view
from zincflux.steps import complete

SIZE = 1024
REPEATS = 15
EDITED_FRAMES = 100
PREVIEWED_FRAMES, SIMULATED_FRAMES = 600, 40


def grid_of_cells(n_side: int, size: int = SIZE) -> np.ndarray:
    """Label image of ``n_side``² discs."""
    pitch = size // n_side
    y, x = np.mgrid[:size, :size]
    number = (y // pitch) * n_side + x // pitch + 1
    inside = (y % pitch - pitch / 2) ** 2 + (x % pitch - pitch / 2) ** 2 < (0.4 * pitch) ** 2
    inside &= (y // pitch < n_side) & (x // pitch < n_side)
    return np.where(inside, number, 0).astype(np.int32)


def tables_of(n: int, n_frames: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Tables of n cells with noisy zinc."""
    rng = np.random.default_rng(0)
    zinc = np.exp(np.cumsum(rng.normal(0, 0.05, (n, n_frames)), axis=1)).ravel()
    cell, frame = np.repeat(np.arange(1, n + 1), n_frames), np.tile(np.arange(n_frames), n)
    traces = pd.DataFrame({"cell_id": cell, "frame": frame, "zinc_nM": zinc, "f_f0": zinc})
    traces = traces.assign(
        zinc_low_nM=0.8 * zinc, zinc_high_nM=1.3 * zinc, y_um=1.0, x_um=1.0, flag=""
    )
    cells = pd.DataFrame({"cell_id": np.arange(1, n + 1), "excluded": False})
    frames = pd.DataFrame({"frame": np.arange(n_frames), "time_s": 5.0 * np.arange(n_frames)})
    return traces, cells, frames


def measure(what: str, work: Callable[[int], object], settle: Callable[[], None]) -> None:
    """Print the wall time of a call with all that is drawn after it, and the GUI thread's own."""
    walls, owns = [], []
    for number in range(REPEATS):
        wall, own = time.perf_counter(), time.thread_time()
        work(number)
        settle()
        walls.append(1e3 * (time.perf_counter() - wall))
        owns.append(1e3 * (time.thread_time() - own))
    print(
        f"{what:<62} {np.median(walls):7.0f} ms ({min(walls):.0f} to {max(walls):.0f}); "
        f"GUI thread {np.median(owns):.0f} ms (from {min(owns):.0f})"
    )


def open_window() -> tuple[Any, LinkedViews, Callable[[], None]]:
    """Open a viewer with both plots; give it, what ties them, and what lets Qt draw."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1280, 800)
    traces, heat_map = TracesWidget(), HeatMapWidget()
    for widget in (traces, heat_map):
        viewer.window.add_dock_widget(widget, area="bottom")
    return viewer, LinkedViews(viewer, traces, heat_map), QApplication.instance().processEvents


def thousand_cells(viewer: Any, views: LinkedViews, settle: Callable[[], None]) -> None:
    """Measure plots and picture of 1000 cells × 1000 frames."""
    tables = tables_of(1000, 1000)
    noise = np.random.default_rng(1).integers(0, 4000, (10, SIZE, SIZE), dtype=np.uint16)
    viewer.add_image(np.concatenate([noise] * 10), contrast_limits=(0, 4000))
    views._labels = viewer.add_labels(grid_of_cells(32))
    views.data = data = TraceData.of(*tables)
    views.colouring = Colouring(data, tables[1], pd.DataFrame({"cell_id": []}))
    step = viewer.dims.set_current_step
    measure("step in time, picture alone", lambda k: step(0, k), settle)
    for widget in (views.traces, views.heat_map):
        what = f"{type(widget).__name__}: new tables, 1000 cells × 1000 frames"
        measure(what, lambda k, w=widget: w.set_data(data), settle)
    measure("click → trace, outline", lambda k: views.select([7 + 11 * k], centre=False), settle)
    measure("step in time, one cell selected", lambda k: step(0, 90 - k), settle)
    views.colour_by("zinc_nM")
    measure("step in time, coloured by zinc", lambda k: step(0, 60 - k), settle)
    views.colour_by(None)
    views.select([])
    viewer.layers.clear()
    settle()


def movie_of(labels: np.ndarray) -> Movie:
    """Movie in memory of cells that brighten."""
    light, rng = np.where(labels > 0, 400 + labels % 97, 0), np.random.default_rng(2)
    frames = [
        rng.poisson(100 + light * (1 + 0.5 * t / EDITED_FRAMES)).astype(np.uint16)
        for t in range(EDITED_FRAMES)
    ]
    times = 5.0 * np.arange(EDITED_FRAMES)
    return Movie(np.stack(frames)[:, None], ("dye",), pixel_size_um=0.5, time_s=times)


def corrections(viewer: Any, views: LinkedViews, settle: Callable[[], None]) -> None:
    """Measure a merge among 300 static cells, from the command to the new traces."""
    labels = grid_of_cells(18)
    labels[labels > 300] = 0
    movie = movie_of(labels)
    settings = {"movie": {"path": "none.tif"}, "segment": {"diameter_um": 20.0}}
    experiment = zincflux.Experiment.parse(settings, where="benchmark")
    analysis = zincflux.analyze(experiment, movie=movie, keep=True)
    axes = Axes.of(0.5, movie.time_s)
    viewer.add_image(movie.data[:, 0], **axes.kwargs())
    shown, options, _ = labels_layer(np.stack(list(analysis.label_images)), analysis.cells, axes)
    layer = viewer.add_labels(shown, **options)
    views.show(analysis, layer)
    made, n = Corrections(analysis), len(analysis.cells)
    spent = {"command": 0.0, "measure": 0.0}

    def correct(k: int) -> None:
        start = time.perf_counter()
        made.merge([20 * k % n + 1, 20 * k % n + 2])
        views.replace_labels(made)
        spent["command"] += time.perf_counter() - start
        made.accept(zincflux.reanalyze(made.analysis, made.log))
        spent["measure"] += time.perf_counter() - start
        views.show(made.analysis, layer)

    measure(f"merge two of {n} cells, {EDITED_FRAMES} frames → traces", correct, settle)
    print(
        f"  of it until the outline is seen {1e3 * spent['command'] / REPEATS:.0f} ms, until "
        f"measured {1e3 * spent['measure'] / REPEATS:.0f} ms (means)"
    )


class Repeated:
    """A long movie whose frames stand for several each; only one is held at a time."""

    def __init__(self, frames: list[np.ndarray], n_frames: int) -> None:
        self.shape, self.dtype, self.ndim = (n_frames, *frames[0].shape), frames[0].dtype, 4
        self._frames = frames

    def __getitem__(self, t: int) -> np.ndarray:
        return self._frames[t * len(self._frames) // self.shape[0]]


def preview() -> None:
    """Measure the preview of 600 frames of 2 channels with 300 static cells, and its processor."""
    settings = zincflux.Simulation(
        kind="fret", n_cells=300, n_frames=SIMULATED_FRAMES, shape_px=(SIZE, SIZE), seed=5
    )
    made = zincflux.simulate(settings)
    frames = [np.asarray(made.movie.frame(t)) for t in range(SIMULATED_FRAMES)]
    step = settings.frame_interval_s * SIMULATED_FRAMES / PREVIEWED_FRAMES
    movie = Movie(
        Repeated(frames, PREVIEWED_FRAMES),
        made.movie.channels,
        pixel_size_um=made.movie.pixel_size_um,
        time_s=step * np.arange(PREVIEWED_FRAMES),
    )
    for drift in ("none", "phase-correlation"):
        changes = {"movie": {"path": "none.tif"}, "drift": {"method": drift}}
        experiment = zincflux.Experiment.parse({**made.experiment, **changes}, where="benchmark")
        complete(iter_view(experiment, movie))  # compiles
        walls, owns = [], []
        for _ in range(5):
            wall, own = time.perf_counter(), time.process_time()
            complete(iter_view(experiment, movie))
            walls.append(time.perf_counter() - wall)
            owns.append(time.process_time() - own)
        print(
            f"{f'preview of {PREVIEWED_FRAMES} frames, drift {drift}':<62} "
            f"{np.median(walls):7.2f} s ({min(walls):.2f} to {max(walls):.2f}); "
            f"processor {np.median(owns):.2f} s (from {min(owns):.2f})"
        )


def main() -> None:
    """Print the machine and the latencies, medians with their range."""
    warnings.simplefilter("ignore")
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}, napari {napari.__version__}"
    )
    viewer, views, settle = open_window()
    thousand_cells(viewer, views, settle)
    corrections(viewer, views, settle)
    views.disconnect()
    viewer.close()
    preview()


if __name__ == "__main__":
    main()
