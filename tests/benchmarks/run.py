"""Time a whole run, its memory and the start of the command line.

``python tests/benchmarks/run.py`` prints ratios against named alternatives measured in the same
run: reading every page with tifffile and taking its maximum, and an empty Python process.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

SIZE = 1024
FRAMES = 300
CELL_PX = 24
SETTINGS = (
    "movie.pixel_size_um=0.65",
    "movie.frame_interval_s=5",
    "movie.axes=TYX",
    f"segment.diameter_um={CELL_PX * 0.65}",
)


def write_movie(path: Path, n_frames: int) -> None:
    """Write an uncompressed static movie of round cells with camera noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    centre = 48
    radius = np.hypot(y % 48 - centre / 2, x % 48 - centre / 2)
    cells = 800.0 * np.clip(1.3 - radius / (CELL_PX / 2), 0, 1)
    noise = [rng.poisson(cells + 100) for _ in range(8)]
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for t in range(n_frames):
            file.write((noise[t % 8] + t % 3).astype(np.uint16), contiguous=True)


def read_maximum(path: Path) -> float:
    """Read every page and take its maximum; return seconds."""
    start = time.perf_counter()
    with tifffile.TiffFile(path) as file:
        for page in file.pages:
            page.asarray().max()
    return time.perf_counter() - start


def run(path: Path, out: Path) -> tuple[float, float]:
    """Run the command line; return wall seconds and the peak memory in MB."""
    command = [sys.executable, "-m", "zincflux", "run", str(path), "--out", str(out), "--quiet"]
    for assignment in SETTINGS:
        command += ["--set", assignment]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - start
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    print(f"  stages: {record['timings_s']}, cells: {record['counts']['n_cells']}")
    return seconds, record["peak_memory_mb"]


def start_up(arguments: list[str]) -> float:
    """Give the fastest of five starts in seconds."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = {}
        for n_frames in (FRAMES, 3 * FRAMES):
            path = folder / f"movie{n_frames}.tif"
            write_movie(path, n_frames)
            read_maximum(path)
            reading = read_maximum(path)
            run(path, folder / "warm_up")
            seconds, peak = run(path, folder / f"out{n_frames}")
            results[n_frames] = (seconds, reading, peak)
            print(
                f"{n_frames} frames of {SIZE}²: run {seconds:.2f} s, read and maximum "
                f"{reading:.2f} s, ratio {seconds / reading:.1f}; peak {peak:.0f} MB"
            )
            path.unlink()
            for item in (folder / "warm_up").iterdir():
                item.unlink()
            (folder / "warm_up").rmdir()
    (short, read_short, peak_short), (long, read_long, peak_long) = results.values()
    print(f"marginal cost per frame: {(long - short) / (read_long - read_short):.1f} × reading")
    print(f"peak memory for 3 × the frames: × {peak_long / peak_short:.2f}")
    help_s, empty_s = start_up(["-m", "zincflux", "--help"]), start_up(["-c", "pass"])
    print(f"--help {help_s:.2f} s, python -c pass {empty_s:.2f} s, ratio {help_s / empty_s:.1f}")


if __name__ == "__main__":
    main()
