"""Outlines on pictures of every kind, to be looked at.

``python tests/benchmarks/segmentation_figure.py --out docs/validation/segmentation.png`` draws
what the segmenter finds with an estimated diameter (red) and, where there is one, the truth
(green). None of the pictures is of the part that is held back. ``--method learned`` draws what our
network finds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import segmentation_data as data
import tifffile
from matplotlib.figure import Figure
from skimage.segmentation import find_boundaries

from zincflux.segment import Segment

SIDE = 320

MORE_OF_LEARNED = (
    ("membrane-timelapse", "membrane_2d_timelapse.tif"),
    ("metamorph-tiff", "MetamorphImage.tif"),
)
"""Pictures on which only the network is shown."""


def pictures(more: tuple[tuple[str, str], ...] = ()) -> Iterator[data.Picture]:
    """Take one picture of each kind."""
    yield next(iter(data.excerpt()))
    yield next(iter(data.laptrack()))
    yield next(iter(data.u2os()))
    for kind in ("confluent", "dim beside bright"):
        yield data.simulated(kind, 9000)
    of_size = {}
    for name in data.dsb_names(held_back=False):
        one = data.dsb(name)
        of_size.setdefault(one.image.shape, one)
    yield from (of_size[shape] for shape in sorted(of_size)[:4])
    for folder, file in (
        ("human-ht29-cc0", "AS_09125_050116030001_D03f00d0.tif"),
        ("human-ht29-cc0", "AS_09125_050116030001_D03f00d2.tif"),
        ("neubias-stills", "xy_16bit__nuclei_high_dynamic_range_with_offset.tif"),
        ("neubias-stills", "xy_16bit__scanR_datatype_issue.tif"),
        *more,
    ):
        image = tifffile.imread(data.real_folder(folder) / file)
        image = image.reshape(-1, *image.shape[-2:])[0]
        yield data.Picture(file[:24], image, np.zeros(image.shape, np.int64))


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--method", choices=("watershed", "learned"), default="watershed")
    given = parser.parse_args()
    unknown = Segment(method=given.method, diameter_um="auto")
    shown = list(pictures(MORE_OF_LEARNED if given.method == "learned" else ()))
    columns = 4
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.2 * columns, 3.35 * rows), layout="constrained")
    for axes in (panels := figure.subplots(rows, columns)).flat:
        axes.axis("off")
    for axes, picture in zip(panels.flat, shown, strict=False):
        known = unknown.with_diameter(picture.image, 1.0)
        labels = known.segmenter()(picture.image, 1.0)
        low, high = np.percentile(picture.image, [1, 99.8])
        grey = np.arcsinh(np.clip((picture.image - low) / (high - low), 0, 1) * 8) / np.arcsinh(8)
        colours = np.stack([grey] * 3, axis=-1)
        colours[find_boundaries(picture.truth, mode="inner")] = (0.2, 0.9, 0.3)
        colours[find_boundaries(labels, mode="inner")] = (1, 0.25, 0.2)
        axes.imshow(colours[:SIDE, :SIDE], interpolation="nearest")
        axes.set_title(
            f"{picture.name}: {labels.max()} cells of {known.number_um():.0f} px", fontsize=7
        )
    figure.savefig(given.out, dpi=90)


if __name__ == "__main__":
    main()
