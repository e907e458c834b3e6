"""How long measuring takes, as ratios against other ways and against the limit of memory.

Run: ``python tests/benchmarks/measure.py``
"""

import os
import platform
import time
from collections.abc import Callable

import numba
import numpy as np
import scipy
import scipy.ndimage
import skimage
from skimage.measure import regionprops_table

from zincflux.measure import LabelRuns, measure_labels

SIZE, CELLS_A_SIDE, N_FRAMES = 2048, 20, 24


def cells() -> np.ndarray:
    """Draw 400 round cells that cover half of the frame."""
    pitch = SIZE / CELLS_A_SIDE
    y, x = np.mgrid[:SIZE, :SIZE]
    row, column = (y // pitch).astype(int), (x // pitch).astype(int)
    squared = (y - (row + 0.5) * pitch) ** 2 + (x - (column + 0.5) * pitch) ** 2
    label = 1 + row * CELLS_A_SIDE + column
    return np.where(squared < pitch**2 / (2 * np.pi), label, 0).astype(np.int32)


def seconds(work, frames) -> float:
    """Time per frame, in rounds over all frames so that none waits in the cache.

    Of each frame the best of five rounds counts, and of the frames the median: other work on the
    machine then hardly shows.
    """
    work(frames[0])
    rounds = np.empty((5, len(frames)))
    for times in rounds:
        for number, frame in enumerate(frames):
            start = time.perf_counter()
            work(frame)
            times[number] = time.perf_counter() - start
    return float(np.median(rounds.min(axis=0)))


def peers(labels: np.ndarray) -> dict[str, Callable[[np.ndarray], object]]:
    """Give what other packages do, if they are installed; each measures more than we do."""
    found: dict[str, Callable[[np.ndarray], object]] = {}
    try:
        from cp_measure.bulk import get_core_measurements

        intensity = get_core_measurements()["intensity"]
        found["cp-measure, intensity"] = lambda frame: intensity(labels, frame)
    except ImportError:
        print("cp-measure is not installed")
    try:
        from napari_chunked_regionprops import measure_labels as chunked

        stats = ("mean_intensity", "std_intensity")
        found["napari-chunked-regionprops, mean + sd"] = lambda f: chunked(f, labels, stats=stats)
    except ImportError:
        print("napari-chunked-regionprops is not installed")
    return found


def main() -> None:
    """Print the machine, the times and the ratios."""
    rng = np.random.default_rng(0)
    labels = cells()
    runs = LabelRuns.of(labels)
    first = rng.integers(100, 60_000, (SIZE, SIZE), dtype=np.uint16)
    frames = [np.roll(first, 7 * t, axis=0) for t in range(N_FRAMES)]
    ids = np.arange(1, CELLS_A_SIDE**2 + 1)

    def ours(frame):
        return measure_labels(frame[None], runs, saturation_level=65535)

    def regionprops(frame):
        return regionprops_table(labels, frame, properties=("mean_intensity",))

    def ndimage(frame):
        return scipy.ndimage.mean(frame, labels, ids)

    expected = regionprops(frames[0])["mean_intensity"]
    assert np.allclose(ours(frames[0]).mean[0], expected, rtol=1e-12)

    measured = seconds(ours, frames)
    fresh = seconds(lambda f: measure_labels(f[None], labels, saturation_level=65535), frames)
    memory = seconds(np.max, frames)
    cached = seconds(np.max, frames[:1] * N_FRAMES), seconds(ours, frames[:1] * N_FRAMES)
    others = {"regionprops_table, mean only": regionprops, "scipy.ndimage.mean": ndimage}
    others |= peers(labels)

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one thread used")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}, "
        f"scipy {scipy.__version__}, scikit-image {skimage.__version__}"
    )
    covered = (labels > 0).mean()
    print(f"{N_FRAMES} frames {SIZE} × {SIZE} uint16, {ids.size} cells, {covered:.0%} covered\n")
    print(f"zincflux, mean + sd + clipped + centroid …  {measured * 1e3:8.2f} ms")
    print(f"  and the label image new in each frame     {fresh * 1e3:8.2f} ms")
    for name, work in others.items():
        other = seconds(work, frames[:2])
        print(f"{name:43s} {other * 1e3:8.2f} ms = {other / measured:6.1f} × zincflux")
    print(f"np.max, the limit of memory                 {memory * 1e3:8.2f} ms")
    print(f"zincflux / np.max                           {measured / memory:8.2f}")
    print(f"  of one frame that stays in the cache      {cached[1] / cached[0]:8.2f}")


if __name__ == "__main__":
    main()
