"""Small recordings of every format, written with tifffile or by hand, and what they hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from zarrs import multiscale, omero, write_array, write_group, write_image

PIXEL_UM = 0.65
STAMPS = np.array([0.0, 2.0, 5.0])


@dataclass
class Recording:
    """A written recording: how to open it, and what must come out."""

    path: Any
    data: np.ndarray  # (T, C, Y, X)
    pixel_size_um: float | None = PIXEL_UM
    time_s: np.ndarray | None = field(default_factory=lambda: np.arange(3) * 2.0)
    keys: dict[str, Any] = field(default_factory=dict)


def pixels(*shape: int, dtype: Any = np.uint16) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 250, shape).astype(dtype)


def ome_xml(
    sizes: dict[str, int],
    *,
    pixels_attributes: str = "",
    planes: str = "",
    tiff_data: str = "<TiffData/>",
    channels: tuple[str, ...] = (),
    root: str = "",
    before_pixels: str = "",
) -> str:
    size = " ".join(f'Size{axis}="{n}"' for axis, n in sizes.items())
    names = "".join(f'<Channel ID="Channel:0:{n}" {text}/>' for n, text in enumerate(channels))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" {root}>'
        f'<Image ID="Image:0" Name="dish">{before_pixels}<Pixels ID="Pixels:0" '
        f'DimensionOrder="XYCZT" Type="uint16" {size} {pixels_attributes}>'
        f"{names}{tiff_data}{planes}</Pixels></Image></OME>"
    )


def write_ome(path: Path, data: np.ndarray, xml: str, **options: Any) -> Path:
    """Write pages (…, Y, X) with OME-XML of our own."""
    pages = data.reshape(-1, *data.shape[-2:])
    with tifffile.TiffWriter(path, **options) as writer:
        for n, page in enumerate(pages):
            writer.write(
                page,
                description=xml.encode() if n == 0 else None,
                metadata=None,
                contiguous=False,
            )
    return path


def ome(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    path = folder / "dish.ome.tif"
    tifffile.imwrite(
        path,
        data,
        ome=True,
        metadata={
            "axes": "TCYX",
            "PhysicalSizeX": 650.0,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": PIXEL_UM,
            "TimeIncrement": 2000.0,
            "TimeIncrementUnit": "ms",
            "Channel": {"Name": ["FluoZin-3", "H2B"]},
        },
    )
    return Recording(path, data)


def ome_stamped(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    planes = "".join(
        f'<Plane TheT="{t}" TheC="{c}" TheZ="0" DeltaT="{1000 * (STAMPS[t] + 7 + 0.1 * c)}" '
        f'DeltaTUnit="ms" ExposureTime="{100 + 100 * c}" ExposureTimeUnit="ms"/>'
        for t in range(3)
        for c in range(2)
    )
    xml = ome_xml(
        {"X": 24, "Y": 20, "C": 2, "Z": 1, "T": 3},
        pixels_attributes=f'PhysicalSizeX="{PIXEL_UM}" PhysicalSizeY="{PIXEL_UM}" '
        'SignificantBits="12" TimeIncrement="9"',
        planes=planes,
        channels=('Name="405"', 'Fluor="YFP"'),
    )
    return Recording(write_ome(folder / "stamped.ome.tif", data, xml), data, time_s=STAMPS)


def ome_files(folder: Path) -> Recording:
    """Two files, one per channel, joined by UUID."""
    data = pixels(3, 2, 20, 24)
    uuids = ["urn:uuid:00000000-0000-4000-8000-00000000000" + str(c) for c in range(2)]
    tiff_data = "".join(
        f'<TiffData IFD="{t}" FirstT="{t}" FirstC="{c}" PlaneCount="1">'
        f'<UUID FileName="two_c{c}.ome.tif">{uuids[c]}</UUID></TiffData>'
        for t in range(3)
        for c in range(2)
    )
    for c in range(2):
        xml = ome_xml(
            {"X": 24, "Y": 20, "C": 2, "Z": 1, "T": 3},
            pixels_attributes=f'PhysicalSizeX="{PIXEL_UM}" PhysicalSizeY="{PIXEL_UM}" '
            'TimeIncrement="2"',
            tiff_data=tiff_data,
            channels=("", ""),
            root=f'UUID="{uuids[c]}"',
        )
        write_ome(folder / f"two_c{c}.ome.tif", data[:, c], xml)
    return Recording(folder / "two_c0.ome.tif", data)


COMPANION_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
    'UUID="urn:uuid:00000000-0000-4000-8000-0000000000ff">{images}</OME>'
)


def _companion_image(number: int, names: list[str], uuids: list[str]) -> str:
    """Describe a position whose time points are files, each with its channels."""
    blocks = "".join(
        f'<TiffData IFD="{c}" FirstT="{t}" FirstC="{c}" PlaneCount="1">'
        f'<UUID FileName="{names[t]}">{uuids[t]}</UUID></TiffData>'
        for t in range(3)
        for c in range(2)
    )
    planes = "".join(
        f'<Plane TheT="{t}" TheC="{c}" TheZ="0" DeltaT="{STAMPS[t] + 7 + 0.1 * c}" '
        f'ExposureTime="{100 + 100 * c}" ExposureTimeUnit="ms"/>'
        for t in range(3)
        for c in range(2)
    )
    size = f'PhysicalSizeX="{PIXEL_UM}" PhysicalSizeY="{PIXEL_UM}" PhysicalSizeXUnit="µm"'
    return (
        f'<Image ID="Image:{number}" Name="dish {number}"><AcquisitionDate>2024-05-06T07:08:09'
        f'</AcquisitionDate><Pixels ID="Pixels:{number}" DimensionOrder="XYCZT" Type="uint16" '
        f'SizeX="24" SizeY="20" SizeC="2" SizeZ="1" SizeT="3" {size} SignificantBits="12">'
        '<Channel ID="Channel:0" Name="CFP"/><Channel ID="Channel:1" Name="YFP"/>'
        f"{blocks}{planes}</Pixels></Image>"
    )


def write_companion(folder: Path, data: np.ndarray, *, own_xml: bool = True) -> Path:
    """Write positions (P, T, C, Y, X) as TIFFs beside a companion file (OME-TIFF specification)."""
    path = folder / "dish.companion.ome"
    images = ""
    for p, position in enumerate(data):
        names = [f"dish_p{p}_t{t}.ome.tif" for t in range(len(position))]
        uuids = [f"urn:uuid:00000000-0000-4000-8000-0000000000{p}{t}" for t in range(len(names))]
        images += _companion_image(p, names, uuids)
        for name, uuid, frame in zip(names, uuids, position, strict=True):
            pointer = (
                '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
                f'UUID="{uuid}"><BinaryOnly MetadataFile="{path.name}" '
                'UUID="urn:uuid:00000000-0000-4000-8000-0000000000ff"/></OME>'
            )
            if own_xml:
                write_ome(folder / name, frame, pointer)
            else:
                tifffile.imwrite(folder / name, frame, metadata=None, photometric="minisblack")
    path.write_text(COMPANION_XML.format(images=images), encoding="utf-8")
    return path


def ome_companion(folder: Path) -> Recording:
    data = pixels(2, 3, 2, 20, 24)
    path = write_companion(folder, data)
    return Recording(path, data[1], time_s=STAMPS, keys={"scene": 1})


def image_j(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    path = folder / "hyperstack.tif"
    tifffile.imwrite(
        path,
        data,
        imagej=True,
        resolution=(1 / PIXEL_UM, 1 / PIXEL_UM),
        metadata={
            "axes": "TCYX",
            "unit": "um",
            "finterval": 2.0,
            "Labels": ["FluoZin-3", "H2B"] * 3,
        },
    )
    return Recording(path, data)


def _plain(
    folder: Path, name: str, options: dict[str, Any] | None = None, **page: Any
) -> Recording:
    data = pixels(3, 1, 64, 48)
    path = folder / name
    with tifffile.TiffWriter(path, **(options or {})) as writer:
        for image in data[:, 0]:
            writer.write(image, metadata=None, contiguous=False, **page)
    return Recording(
        path,
        data,
        keys={"axes": "TYX", "frame_interval_s": 2.0, "pixel_size_um": PIXEL_UM},
    )


def plain(folder: Path) -> Recording:
    return _plain(folder, "plain.tif")


def big_endian(folder: Path) -> Recording:
    return _plain(folder, "endian.tif", {"byteorder": ">"})


def big_tiff(folder: Path) -> Recording:
    return _plain(folder, "big.tif", {"bigtiff": True})


def compressed(folder: Path) -> Recording:
    return _plain(folder, "deflate.tif", compression="zlib", predictor=True, rowsperstrip=10)


def tiled(folder: Path) -> Recording:
    return _plain(folder, "tiled.tif", compression="lzw", tile=(32, 32))


def tiled_uncompressed(folder: Path) -> Recording:
    return _plain(folder, "tiled_plain.tif", tile=(32, 32))


def strips(folder: Path) -> Recording:
    return _plain(folder, "strips.tif", rowsperstrip=7)


def one_page_many_planes(folder: Path) -> Recording:
    """A single page whose description says that more images follow it (truncated in tifffile)."""
    data = pixels(3, 1, 20, 24)
    path = folder / "truncated_series.tif"
    tifffile.imwrite(
        path, data[:, 0], truncate=True, photometric="minisblack", metadata={"axes": "TYX"}
    )
    return Recording(path, data, keys={"frame_interval_s": 2.0, "pixel_size_um": PIXEL_UM})


def stk(folder: Path) -> Recording:
    """A MetaMorph stack: one page, its planes one after the other, uneven time stamps."""
    data = pixels(3, 1, 20, 24)
    path = folder / "stack.stk"
    path.write_bytes(_stk_bytes(data[:, 0], (STAMPS * 1000).astype(int)))
    return Recording(path, data, time_s=STAMPS)


def _stk_bytes(planes: np.ndarray, times_ms: np.ndarray) -> bytes:
    n, height, width = planes.shape
    body = bytearray(b"II*\0" + bytes(4))

    def put(data: bytes) -> int:
        body.extend(bytes(len(body) % 2))
        at = len(body)
        body.extend(data)
        return at

    pixels_at = put(planes.astype("<u2").tobytes())
    calibration = put(struct.pack("<2I", 65, 100))
    unit = put(struct.pack("<I", 3) + b"um\0")
    name = put(struct.pack("<I", 4) + b"Cy5\0")
    uic1 = [(3, 1), (4, calibration), (5, calibration), (6, unit), (7, name)]
    uic1_at = put(b"".join(struct.pack("<2I", *item) for item in uic1))
    uic2_at = put(
        b"".join(struct.pack("<6I", 0, 1, 2455261, 1000 + int(t), 2455261, 0) for t in times_ms)
    )
    text = b"\0".join([b"Exposure: 300 ms\r\nBinning: 2 x 2"] * n) + b"\0"
    text_at = put(text)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, len(text), text_at),
        (273, 4, 1, pixels_at),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, height * width * 2),
        (33628, 4, len(uic1), uic1_at),
        (33629, 5, n, uic2_at),
    ]
    ifd = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    at = put(ifd + bytes(4))
    body[4:8] = struct.pack("<I", at)
    return bytes(body)


def pattern(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    for t in range(3):
        for c, name in enumerate(["CFP", "YFP"]):
            # Numbers without leading zeros: 8, 9, 10 must not be sorted as text.
            tifffile.imwrite(folder / f"dish_{name}_t{8 + t}.tif", data[t, c])
    return Recording(
        str(folder / "dish_{c}_t{t}.tif"),
        data,
        keys={"frame_interval_s": 2.0, "pixel_size_um": PIXEL_UM},
    )


def joined(folder: Path) -> Recording:
    data = pixels(6, 1, 20, 24)
    paths = []
    for n, part in enumerate((data[:2], data[2:])):
        paths.append(folder / f"part{n}.tif")
        tifffile.imwrite(
            paths[-1],
            part,
            imagej=True,
            resolution=(1 / PIXEL_UM, 1 / PIXEL_UM),
            metadata={"axes": "TCYX", "unit": "\\u00B5m", "finterval": 2.0},
        )
    return Recording(paths, data, time_s=np.arange(6) * 2.0)


def write_oif(
    folder: Path,
    data: np.ndarray,
    *,
    name: str = "cell.oif",
    end_ms: float | None = None,
    started: str = "2021-01-21 18:20:54",
    dyes: tuple[str, ...] = ("Fluo-4", "None"),
    change: dict[str, str] | None = None,
) -> Path:
    """Write an Olympus OIF recording: UTF-16 text and a folder of TIFFs."""
    n_frames, n_channels, height, width = data.shape
    axes = {"X": width, "Y": height, "C": n_channels, "T": n_frames}
    lines = [
        "[ProfileSaveInfo]",
        'Name="OIF"',
        'Version="1"',
        "[Acquisition Parameters Common]",
        f"ImageCaputreDate='{started}'",
        "ImageCaputreDate+MilliSec=500",
        "[Axis Parameter Common]",
        'AxisOrder="XYCT"',
        "[Reference Image Parameter]",
        f"WidthConvertValue={PIXEL_UM}",
        'WidthUnit="um"',
        f"HeightConvertValue={PIXEL_UM}",
        'HeightUnit="um"',
        "ValidBitCounts=12",
    ]
    for n in range(8):
        code = "XYCZT"[n] if n < 5 else f"-{n}"
        lines += [f"[Axis {n} Parameters Common]", f'AxisCode="{code}"']
        lines += [f"MaxSize={axes.get(code, 0)}"]
        if code == "T":
            end = 2000 * (n_frames - 1) if end_ms is None else end_ms
            lines += ["Interval=2000", "StartPosition=0", f"EndPosition={end}", 'PixUnit="ms"']
    for c in range(n_channels):
        lines += [f"[Channel {c + 1} Parameters]", f'DyeName="{dyes[c]}"', f'CH Name="CHS{c + 1}"']
    text = "\r\n".join(lines)
    for old, new in (change or {}).items():
        assert old in text
        text = text.replace(old, new)
    path = folder / name
    path.write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    images = folder / f"{name}.files"
    images.mkdir()
    for t in range(n_frames):
        for c in range(n_channels):
            tifffile.imwrite(images / f"s_C{c + 1:03}T{t + 1:03}.tif", data[t, c], metadata=None)
    # A reference image, which is no part of the recording.
    tifffile.imwrite(images / "s_C001T001-R001.tif", data[0, 0], metadata=None)
    return path


def oif(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    return Recording(write_oif(folder, data), data)


def ome_zarr_04(folder: Path) -> Recording:
    """As OME-Zarr 0.4, with the time step in the scale of the whole image, in ms and nm."""
    data = pixels(3, 2, 20, 24)
    units = {"t": "millisecond", "y": "nanometer", "x": "nanometer"}
    path = write_image(
        folder / "dish.ome.zarr",
        data,
        scale=[1, 1, 650, 650],
        version="0.4",
        units=units,
        omero=omero("FluoZin-3", "H2B"),
    )
    described = multiscale("tcyx", [1, 1, 650, 650], units)
    whole = {"type": "scale", "scale": [2000.0, 1, 1, 1]}
    described |= {"version": "0.4", "coordinateTransformations": [whole]}
    write_group(path, {"multiscales": [described]}, "0.4")
    return Recording(path, data)


def ome_zarr_05(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    path = write_image(
        folder / "dish.ome.zarr",
        data,
        scale=[2, 1, PIXEL_UM, PIXEL_UM],
        omero=omero("FluoZin-3", "H2B"),
    )
    return Recording(path, data)


def ome_zarr_swapped(folder: Path) -> Recording:
    """Axes in another order, chunks across frames and channels, big-endian, chosen by path."""
    data = pixels(3, 2, 20, 24)
    stored = data.transpose(3, 2, 1, 0).astype(">u2")
    write_image(
        folder / "plate.zarr/A/1/0",
        stored,
        "xyct",
        [PIXEL_UM, PIXEL_UM, 1, 2],
        version="0.4",
        chunks=(7, 20, 2, 2),
    )
    return Recording(folder / "plate.zarr/A/1/0", data)


def zarr_array(folder: Path) -> Recording:
    """An array without OME metadata, in shards."""
    data = pixels(3, 2, 20, 24)
    names = ["t", "c", "y", "x"]
    path = write_array(
        folder / "a.zarr", data, chunks=(1, 1, 10, 12), shards=(2, 2, 20, 24), dimension_names=names
    )
    return Recording(path, data, keys={"frame_interval_s": 2.0, "pixel_size_um": PIXEL_UM})


def metaseries_xml(name: str, when: str, **values: str) -> str:
    """What MetaXpress writes into the description of a TIFF."""
    told = {
        "spatial-calibration-state": ("bool", "on"),
        "spatial-calibration-x": ("float", str(PIXEL_UM)),
        "spatial-calibration-y": ("float", str(PIXEL_UM)),
        "spatial-calibration-units": ("string", "um"),
        "_IllumSetting_": ("string", name),
        "acquisition-time-local": ("time", when),
    }
    custom = {"Camera Bit Depth": ("float", "12"), "Exposure Time": ("string", "80 ms")}

    def tags(kind: str, items: dict[str, tuple[str, str]]) -> str:
        return "".join(
            f'<{kind} id="{key}" type="{form}" value="{values.get(key, value)}"/>'
            for key, (form, value) in items.items()
        )

    inner = tags("prop", told) + tags("custom-prop", custom)
    return f"<MetaData><PlaneInfo>{inner}</PlaneInfo></MetaData>"


def write_metaseries(
    folder: Path, data: np.ndarray, *, site: int | None = 1, well: str = "C07", guid: str = ""
) -> Path:
    """Write an acquisition of MetaXpress, pixels (T, C, Y, X)."""
    for t, frame in enumerate(data):
        place = folder / "2024-04-22" / "1697" / f"TimePoint_{t + 1}"
        place.mkdir(parents=True, exist_ok=True)
        for c, image in enumerate(frame):
            xml = metaseries_xml(f"w{c}", f"20240422 09:57:{10 + STAMPS[t] + 0.2 * c:06.3f}")
            where = "" if site is None else f"_s{site}"
            tifffile.imwrite(
                place / f"plate_{well}{where}_w{c + 1}{guid}.tif",
                image,
                description=xml,
                software="MetaSeries",
                metadata=None,
            )
        (place / "plate_C07_thumb.png").write_bytes(b"no part of it")
    return folder


def metaseries(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    return Recording(write_metaseries(folder / "plate", data), data, time_s=STAMPS)


EVERY: tuple[Callable[[Path], Recording], ...] = (
    ome,
    ome_stamped,
    ome_files,
    ome_companion,
    image_j,
    plain,
    big_endian,
    big_tiff,
    compressed,
    tiled,
    tiled_uncompressed,
    strips,
    one_page_many_planes,
    stk,
    pattern,
    joined,
    oif,
    ome_zarr_04,
    ome_zarr_05,
    ome_zarr_swapped,
    zarr_array,
    metaseries,
)
