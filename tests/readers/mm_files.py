"""Small recordings of Micro-Manager, written by hand after its published layouts.

References
----------
Micro-Manager, "Image File Stacks", https://micro-manager.org/Micro-Manager_Image_File_Stacks
Micro-Manager, "Files and Metadata", https://micro-manager.org/Files_and_Metadata
Gohlke, tifffile, ``read_micromanager_metadata`` and ``read_ndtiff_index`` (layout of the headers)
Micro-Manager, ``StorageSinglePlaneTiffSeries`` (names of the files and of the keys in version 2)
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from recordings import PIXEL_UM, STAMPS, Recording, pixels

NAMES = ("CFP", "YFP")


def summary(data: np.ndarray, **change: Any) -> dict[str, Any]:
    """Return the summary of positions (P, T, C, Z, Y, X)."""
    n_positions, n_frames, n_channels, n_z = data.shape[:4]
    return {
        "MicroManagerVersion": "2.0.0",
        "Prefix": "dish_1",
        "Positions": n_positions,
        "Frames": n_frames,
        "Channels": n_channels,
        "Slices": n_z,
        "ChNames": list(NAMES[:n_channels]),
        "Interval_ms": 2500.0,
        "TimeFirst": False,
        "SlicesFirst": True,
        **change,
    }


def image_meta(t: int, c: int, p: int, **change: Any) -> dict[str, Any]:
    return {
        "PixelSizeUm": PIXEL_UM,
        "ElapsedTime-ms": 1000 * (STAMPS[t % 3] + 100 * (t // 3)) + 250.0 + 100 * c,
        "Exposure-ms": 100.0 + 100 * c,
        "BitDepth": 12,
        "PositionName": f"well {p}",
        "ReceivedTime": f"2024-05-06 07:08:{9 + t % 3:02d}.250 +0200",
        "Camera": {"PropVal": "Demo", "PropType": "STRING"},
        **change,
    }


class MMStack:
    """Writes one file of a stack: header, summary, index, then each page with its metadata."""

    def __init__(self, about: dict[str, Any], n_index: int, order: str = "<") -> None:
        text = json.dumps(about).encode()
        self.order, self.n_index = order, n_index
        self.index_at = 40 + len(text)
        head = struct.pack(
            f"{order}2sHI8I", b"II" if order == "<" else b"MM", 42,
            self.index_at + 8 + 20 * n_index, 54773648, self.index_at, 0, 0, 0, 0, 2355492,
            len(text),
        )  # fmt: skip
        table = struct.pack(f"{order}II", 3453623, n_index) + bytes(20 * n_index)
        self.body = bytearray(head + text + table)
        self.n_pages = 0

    def add(self, image: np.ndarray, where: tuple[int, int, int, int], meta: dict) -> None:
        """Add an image at (channel, z, time, position)."""
        text = json.dumps(meta).encode() + b"\0"
        start = len(self.body)
        at = start + 2 + 13 * 12 + 4
        raw = image.astype(f"{self.order}u2").tobytes()
        height, width = image.shape
        after = at + len(raw)
        tags = [
            (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1),
            (262, 3, 1, 1), (273, 4, 1, at), (277, 3, 1, 1), (278, 4, 1, height),
            (279, 4, 1, len(raw)), (282, 5, 1, after), (283, 5, 1, after), (296, 3, 1, 1),
            (51123, 2, len(text), after + 8),
        ]  # fmt: skip
        end = after + 8 + len(text)
        self.body += struct.pack(f"{self.order}H", len(tags))
        for code, kind, count, value in tags:
            short = self.order == ">" and kind == 3
            self.body += struct.pack(
                f"{self.order}HHII", code, kind, count, value << 16 if short else value
            )
        self.body += struct.pack(f"{self.order}I", end) + raw
        self.body += struct.pack(f"{self.order}II", 1, 1) + text
        struct.pack_into(
            f"{self.order}5I", self.body, self.index_at + 8 + 20 * self.n_pages, *where, start
        )
        self.last_link = at - 4
        self.n_pages += 1

    def write(self, path: Path, *, finished: bool = True) -> Path:
        """Write the file; the index of an unfinished one goes on with zeros."""
        struct.pack_into(f"{self.order}I", self.body, self.last_link, 0)
        if finished:
            struct.pack_into(f"{self.order}I", self.body, self.index_at + 4, self.n_pages)
        path.write_bytes(self.body)
        return path


def write_stacks(
    folder: Path,
    data: np.ndarray,
    *,
    cut: int | None = None,
    order: str = "<",
    about: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
) -> list[Path]:
    """Write one file per position of (P, T, C, Z, Y, X), each cut after ``cut`` frames."""
    paths = []
    cut = cut or data.shape[1]
    for p, position in enumerate(data):
        for part, start in enumerate(range(0, len(position), cut)):
            frames = position[start : start + cut]
            stack = MMStack(summary(data, **(about or {})), frames[:, :, :, 0, 0].size + 3, order)
            for (t, c, z), image in zip(
                np.ndindex(*frames.shape[:3]), frames.reshape(-1, *frames.shape[3:]), strict=True
            ):
                told = image_meta(start + t, c, p, **(meta or {}))
                stack.add(image, (c, z, start + t, p), told)
            suffix = f"_{part}" if part else ""
            paths.append(stack.write(folder / f"dish_1_MMStack_Pos{p}{suffix}.ome.tif"))
    return paths


def mm_stack(folder: Path) -> Recording:
    data = pixels(1, 3, 2, 1, 20, 24)
    return Recording(write_stacks(folder, data)[0], data[0, :, :, 0], time_s=STAMPS)


def mm_stack_parts(folder: Path) -> Recording:
    """Two positions, each cut into two files."""
    data = pixels(2, 3, 2, 1, 20, 24)
    path = write_stacks(folder, data, cut=2)[2]
    return Recording(path, data[1, :, :, 0], time_s=STAMPS)


def write_ndtiff(folder: Path, data: np.ndarray, *, listed: str = "dish_NDTiffStack.tif") -> Path:
    """Write an NDTiff of (T, C, Y, X), version 3: the index of its planes is a file beside it."""
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("tifffile reads NDTiff with NumPy 2")
    folder.mkdir(parents=True, exist_ok=True)
    about = json.dumps({"PixelSize_um": PIXEL_UM}).encode()
    body = bytearray(struct.pack("<2sHI", b"II", 42, 28 + len(about)))
    body += struct.pack("<5I", 483729, 3, 0, 2355492, len(about)) + about
    index = b""
    height, width = data.shape[2:]
    for t, c in np.ndindex(*data.shape[:2]):
        raw, text = data[t, c].astype("<u2").tobytes(), b"{}"
        at = len(body) + 2 + 10 * 12 + 4
        end = at + len(raw)
        is_last = (t + 1, c + 1) == data.shape[:2]
        tags = [
            (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1),
            (262, 3, 1, 1), (273, 4, 1, at), (277, 3, 1, 1), (278, 4, 1, height),
            (279, 4, 1, len(raw)), (51123, 2, 2, end),
        ]  # fmt: skip
        body += struct.pack("<H", 10) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        body += struct.pack("<I", 0 if is_last else end + 2) + raw + text
        axes = json.dumps({"time": t, "channel": c}).encode()
        name = listed.encode()
        index += struct.pack("<I", len(axes)) + axes + struct.pack("<I", len(name)) + name
        index += struct.pack("<IiiiiIii", at, width, height, 1, 0, end, 2, 0)
    (folder / "NDTiff.index").write_bytes(index)
    path = folder / "dish_NDTiffStack.tif"
    path.write_bytes(body)
    return path


def nd_tiff(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    path = write_ndtiff(folder / "dish", data)
    return Recording(path, data, keys={"frame_interval_s": 2.0, "pixel_size_um": PIXEL_UM})


def write_images(
    folder: Path,
    data: np.ndarray,
    *,
    about: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
) -> Path:
    """Write the folder of one position (T, C, Z, Y, X) as Micro-Manager 2 does."""
    folder.mkdir(parents=True)
    told: dict[str, Any] = {"Summary": summary(data[np.newaxis], **(about or {}))}
    for t, c, z in np.ndindex(*data.shape[:3]):
        name = f"img_channel{c:03}_position000_time{t:09}_z{z:03}.tif"
        tifffile.imwrite(folder / name, data[t, c, z], metadata=None)
        told[f"Coords-{folder.name}/{name}"] = {"channel": c, "position": 0, "time": t, "z": z}
        told[f"Metadata-{folder.name}/{name}"] = image_meta(t, c, 0, **(meta or {}))
    (folder / "metadata.txt").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return folder


def write_old_images(folder: Path, data: np.ndarray) -> Path:
    """Write the folder of one position (T, C, Z, Y, X) as Micro-Manager 1.4 does."""
    folder.mkdir(parents=True)
    about = summary(data[np.newaxis], PixelSize_um=PIXEL_UM, ChNames=["YFP", "CFP"])
    told: dict[str, Any] = {"Summary": about}
    for t, c, z in np.ndindex(*data.shape[:3]):
        name = f"img_{t:09}_{about['ChNames'][c]}_{z:03}.tif"
        tifffile.imwrite(folder / name, data[t, c, z], metadata=None)
        kept = ("ElapsedTime-ms", "Exposure-ms", "BitDepth")
        found = image_meta(t, c, 0, Time="2024-05-06 Mon 07:08:09 +0200")
        told[f"FrameKey-{t}-{c}-{z}"] = {key: found[key] for key in (*kept, "Time")}
    (folder / "metadata.txt").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return folder


def mm_images(folder: Path) -> Recording:
    data = pixels(3, 2, 1, 20, 24)
    path = write_images(folder / "dish_1" / "Default", data).parent
    return Recording(path, data[:, :, 0], time_s=STAMPS)


def mm_old_images(folder: Path) -> Recording:
    data = pixels(2, 3, 2, 1, 20, 24)
    for p in range(2):
        write_old_images(folder / "dish_1" / f"Pos{p}", data[p])
    return Recording(folder / "dish_1", data[1, :, :, 0], time_s=STAMPS, keys={"scene": 1})


STACKS = (mm_stack, mm_stack_parts, nd_tiff)
FOLDERS = (mm_images, mm_old_images)
