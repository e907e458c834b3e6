"""Time drift, flat field and background of a frame against reading it.

Run: ``python tests/benchmarks/corrections.py``
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

from zincflux.correct.cell_free import percentile_background, sample_pixels
from zincflux.correct.drift import DriftTracker
from zincflux.correct.flat_field import Flattening

SIZE = 2048
REPEATS = 30


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time of the best of many repeats, ms."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def main() -> None:
    """Print the machine, the times and their ratios."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE] % 64 - 32
    distance = np.hypot(y, x)
    frame = rng.poisson(800 * np.clip(1.3 - distance / 12, 0, 1) + 100).astype(np.uint16)
    light = 1 + 0.2 * np.cos(np.mgrid[:SIZE, :SIZE] / SIZE).sum(axis=0)
    tracker, flattened = (
        DriftTracker(),
        Flattening(light / light.mean(), np.full(frame.shape, 90.0)),
    )
    tracker.update(frame)
    free = sample_pixels(distance > 18)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "frame.tif"
        tifffile.imwrite(path, frame)
        reading = milliseconds(lambda: tifffile.imread(path))
    print(f"read {SIZE}² uint16 with tifffile: {reading:.2f} ms")
    total = 0.0
    for what, work in {
        "drift": lambda: tracker.update(frame),
        "flat field and dark": lambda: flattened(frame[None]),
        "background": lambda: percentile_background(frame[None], free),
    }.items():
        took = milliseconds(work)
        total += took
        print(f"{what}: {took:.2f} ms = {took / reading:.1f} × reading")
    print(f"together: {total:.2f} ms = {total / reading:.1f} × reading")


if __name__ == "__main__":
    main()
