"""Time whole runs of a static movie, their memory, and the start of the command line.

``python tests/benchmarks/run.py [--frames 300] [--formats plain zlib zarr]`` prints ratios against
named alternatives measured in the same run: for an uncompressed movie, reading every page with
tifffile and taking its maximum, in one thread; for a compressed one, decoding every frame once
with all cores; for the start, an empty Python process. A whole run is a process of its own, with
everything it imports and writes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tifffile

SIZE = 1024
CHANNELS = ("F340", "F380")
PITCH_PX, CELL_PX = 64, 24
PIXEL_UM = 0.65
SETTINGS = (
    "movie.pixel_size_um=0.65",
    "movie.frame_interval_s=5",
    "channels.signal=F340",
    "channels.extra=['F380']",
    f"segment.diameter_um={CELL_PX * PIXEL_UM}",
)


def frames(n_frames: int) -> Iterator[np.ndarray]:
    """Draw frames (C, Y, X) of round cells that stay, with the noise of a camera."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE] % PITCH_PX - PITCH_PX / 2
    cells = 800.0 * np.clip(1.3 - np.hypot(y, x) / (CELL_PX / 2), 0, 1)
    light = [[gain * cells + 100 for gain in (1.3, 1.0)] for _ in range(8)]
    noisy = [rng.poisson(image).astype(np.uint16) for image in light]
    for t in range(n_frames):
        yield noisy[t % 8] + np.uint16(t % 3)


def write_tiff(path: Path, n_frames: int, **options: str) -> None:
    """Write an OME-TIFF."""
    axes = {"axes": "TCYX", "Channel": {"Name": list(CHANNELS)}}
    pages = (channel for frame in frames(n_frames) for channel in frame)
    shape = (n_frames, len(CHANNELS), SIZE, SIZE)
    tifffile.imwrite(
        path, pages, shape=shape, dtype=np.uint16, ome=True, bigtiff=True, metadata=axes, **options
    )


def write_zarr(path: Path, n_frames: int) -> None:
    """Write an OME-Zarr 0.5 with one chunk per plane, compressed by Blosc with Zstandard."""
    import zarr

    group = zarr.open_group(path, mode="w")
    codec = zarr.codecs.BloscCodec(cname="zstd", clevel=5, shuffle="shuffle")
    shape = (n_frames, len(CHANNELS), SIZE, SIZE)
    array = group.create_array(
        "0", shape=shape, dtype="uint16", chunks=(1, 1, SIZE, SIZE), compressors=codec
    )
    for t, frame in enumerate(frames(n_frames)):
        array[t] = frame
    kinds = {"t": "time", "c": "channel", "y": "space", "x": "space"}
    scale = {"type": "scale", "scale": [5.0, 1.0, PIXEL_UM, PIXEL_UM]}
    multiscale = {
        "axes": [{"name": name, "type": kind} for name, kind in kinds.items()],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    channels = [{"label": name} for name in CHANNELS]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [multiscale],
        "omero": {"channels": channels},
    }


def timed(work: Callable[[Path], None], path: Path) -> float:
    """Give the seconds of the second time, when the file is in the cache."""
    work(path)
    start = time.perf_counter()
    work(path)
    return time.perf_counter() - start


def read_maximum(path: Path) -> None:
    """Read every page and take its maximum."""
    with tifffile.TiffFile(path) as file:
        for page in file.pages:
            page.asarray().max()


def decode_tiff(path: Path) -> None:
    """Decode every page once, with all cores."""
    with tifffile.TiffFile(path) as file, ThreadPoolExecutor(os.cpu_count()) as pool:
        file.filehandle.set_lock(True)
        pages = list(file.pages)
        for _ in pool.map(lambda page: page.asarray(maxworkers=1).shape, pages):
            pass


def decode_zarr(path: Path) -> None:
    """Decode every frame once, with all cores."""
    import zarr

    array = zarr.open_group(path, mode="r")["0"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda t: array[t].shape, range(array.shape[0])):
            pass


FORMATS = {
    "plain": (".ome.tif", write_tiff, read_maximum),
    "zlib": (
        ".ome.tif",
        lambda path, n: write_tiff(path, n, compression="zlib"),
        decode_tiff,
    ),
    "zarr": (".ome.zarr", write_zarr, decode_zarr),
}
"""Ending, writer and the reading that a run is compared with."""


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
    shutil.rmtree(out)
    return seconds, record["peak_memory_mb"]


def compare(kind: str, folder: Path, n_frames: int) -> None:
    """Time runs of movies of three lengths, and print what a frame costs."""
    ending, write, read = FORMATS[kind]
    lengths = (n_frames, 2 * n_frames, 3 * n_frames)
    results = []
    for n in lengths:
        path = folder / f"movie{ending}"
        write(path, n)
        reading = timed(read, path)
        run(path, folder / "warm_up")
        seconds, peak = run(path, folder / "out")
        results.append((seconds, reading, peak))
        print(
            f"{kind}, {n} frames: run {seconds:.2f} s, {read.__name__} {reading:.2f} s, ratio "
            f"{seconds / reading:.1f}; peak {peak:.0f} MB",
            flush=True,
        )
        (shutil.rmtree if path.is_dir() else os.unlink)(path)
    (short, read_short, peak_short), _, (long, read_long, peak_long) = results
    per_frame = [
        1e3 * (b - a) / (2 * n_frames) for a, b in ((short, long), (read_short, read_long))
    ]
    print(
        f"{kind}, a frame more: {per_frame[0]:.2f} ms against {per_frame[1]:.2f} ms, ratio "
        f"{per_frame[0] / per_frame[1]:.1f}; peak memory × {peak_long / peak_short:.2f}\n",
        flush=True,
    )


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    options = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{SIZE}² × {len(CHANNELS)} channels uint16\n")
    for kind in options.formats:
        with tempfile.TemporaryDirectory() as name:
            compare(kind, Path(name), options.frames)
    empty = start_up(["-c", "pass"])
    for words in (["-m", "zincflux", "--help"], ["-c", "import zincflux"]):
        seconds = start_up(words)
        print(
            f"python {' '.join(words)}: {seconds:.3f} s, {seconds - empty:.3f} s over an empty one"
        )


if __name__ == "__main__":
    main()
