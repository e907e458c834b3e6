"""Small recordings of vendors' formats, written by hand after their published layouts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from recordings import PIXEL_UM, STAMPS, Recording, pixels, write_oif

# --- Leica -----------------------------------------------------------------------------------

_EPOCH_1601 = 116444736000000000  # 100 ns steps from 1601 to 1970
STARTED_S = 1_600_000_000


def lif_image(
    data: np.ndarray,
    *,
    axes: str = "TCYX",
    name: str = "dish",
    block: str = "MemBlock_1",
    stamps_s: Sequence[float] | None = None,
    dyes: Sequence[str] = ("FluoZin-3", ""),
    bits: int = 16,
    memory: str = "",
    change: Mapping[str, str] | None = None,
) -> str:
    """Describe an image as LAS X does; the axes are those of the data, outermost first."""
    numbers = {"X": 1, "Y": 2, "Z": 3, "T": 4, "L": 5, "P": 10}
    dimensions, channels = [], [0]
    for axis, length, step in zip(axes, data.shape, data.strides, strict=True):
        if axis == "C":
            channels = [step * n for n in range(length)]
            continue
        extent = (length - 1) * {"T": 2.0, "Z": 1e-6}.get(axis, PIXEL_UM * 1e-6)
        dimensions.append(
            f'<DimensionDescription DimID="{numbers[axis]}" NumberOfElements="{length}" '
            f'Origin="0" Length="{extent!r}" Unit="{"s" if axis == "T" else "m"}" '
            f'BitInc="0" BytesInc="{step}"/>'
        )
    described = "".join(
        f'<ChannelDescription DataType="{int(data.dtype.kind == "f")}" ChannelTag="0" '
        f'Resolution="{bits}" NameOfMeasuredQuantity="" Min="0" Max="1" Unit="" '
        f'LUTName="Green" IsLUTInverted="0" BytesInc="{start}" BitInc="0">'
        f"<ChannelProperty><Key>DyeName</Key><Value>{dyes[n % len(dyes)]}</Value>"
        "</ChannelProperty></ChannelDescription>"
        for n, start in enumerate(channels)
    )
    times = ""
    if stamps_s is not None:
        ticks = [int((STARTED_S + s) * 1e7) + _EPOCH_1601 for s in stamps_s]
        text = " ".join(f"{tick:x}" for tick in ticks)
        times = f'<TimeStampList NumberOfTimeStamps="{len(ticks)}">{text}</TimeStampList>'
    text = (
        f'<Element Name="{name}" UniqueID="1"><Data><Image><ImageDescription>'
        f"<Channels>{described}</Channels><Dimensions>{''.join(dimensions[::-1])}</Dimensions>"
        f"</ImageDescription>{times}</Image></Data>"
        f'{memory or f"""<Memory Size="{data.nbytes}" MemoryBlockID="{block}"/>"""}'
        "</Element>"
    )
    for old, new in (change or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _leica_text(text: str) -> bytes:
    body = text.encode("utf-16-le")
    return struct.pack("<IIBI", 0x70, 5 + len(body), 0x2A, len(body) // 2) + body


def write_lif(path: Path, images: Sequence[str], blocks: Sequence[np.ndarray]) -> Path:
    """Write a LIF: the XML of all images, then a block of memory for each."""
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="project"><Children>'
        f"{''.join(images)}</Children></Element></LMSDataContainerHeader>"
    )
    content = _leica_text(xml)
    for number, data in enumerate(blocks):
        name = f"MemBlock_{number + 1}".encode("utf-16-le")
        rest = 14 + len(name)
        content += struct.pack("<IIBQBI", 0x70, rest, 0x2A, data.nbytes, 0x2A, len(name) // 2)
        content += name + data.tobytes()
    path.write_bytes(content)
    return path


def write_lof(path: Path, image: str, data: np.ndarray) -> Path:
    """Write a LOF: one block of memory, then the XML of its image."""
    xml = f'<LMSDataContainerHeader Version="2">{image}</LMSDataContainerHeader>'
    path.write_bytes(
        _leica_text("LMS_Object_File")
        + struct.pack("<BIBI", 0x2A, 2, 0x2A, 0)
        + struct.pack("<BQ", 0x2A, data.nbytes)
        + data.tobytes()
        + _leica_text(xml)
    )
    return path


def write_xlif(path: Path, data: np.ndarray, files: Sequence[tuple[str, int, int]]) -> Path:
    """Write an XLIF: the XML of one image, whose pixels are in other files (name, start, size)."""
    frames = "".join(
        f'<Frame File="{name}" Offset="{start}" Size="{size}" UUID="{n}"/>'
        for n, (name, start, size) in enumerate(files)
    )
    memory = f'<Memory Size="{data.nbytes}" MemoryBlockID="">{frames}</Memory>'
    image = lif_image(data, memory=memory, stamps_s=np.repeat(STAMPS, 2))
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?><LMSDataContainerHeader Version="2">{image}'
        "</LMSDataContainerHeader>",
        encoding="utf-8",
    )
    return path


def lif(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    image = lif_image(data, stamps_s=np.repeat(STAMPS, 2), bits=12)
    return Recording(write_lif(folder / "dish.lif", [image], [data]), data, time_s=STAMPS)


def lof(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    return Recording(write_lof(folder / "dish.lof", lif_image(data), data), data)


def xlif_tiffs(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    files = []
    for n, plane in enumerate(data.reshape(6, 20, 24)):
        tifffile.imwrite(folder / f"dish--{n}.tif", plane, metadata=None)
        files.append((f"dish--{n}.tif", n * plane.nbytes, plane.nbytes))
    return Recording(write_xlif(folder / "dish.xlif", data, files), data, time_s=STAMPS)


def xlif_lof(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    write_lof(folder / "dish.lof", lif_image(data), data)
    files = [("dish.lof", 0, data.nbytes)]
    return Recording(write_xlif(folder / "dish.xlif", data, files), data, time_s=STAMPS)


# --- Zeiss -----------------------------------------------------------------------------------


def _segment(name: bytes, body: bytes) -> bytes:
    room = -(-len(body) // 32) * 32
    return struct.pack("<16sqq", name, room, len(body)) + body.ljust(room, b"\0")


def _entry(tile: Mapping[str, Any], at: int) -> bytes:
    height, width = tile["image"].shape[:2]
    shrink = tile.get("shrink", 1)
    sizes = [("X", tile.get("x", 0), width * shrink, width)]
    sizes += [("Y", tile.get("y", 0), height * shrink, height)]
    sizes += [(letter, start, 1, 1) for letter, start in tile["place"].items()]
    pixel_type = tile.get("type", {"uint8": 0, "uint16": 1, "float32": 2}[str(tile["image"].dtype)])
    head = struct.pack(
        "<2siqiiBB4si", b"DV", pixel_type, at, tile.get("part", 0), tile.get("compression", 0),
        0, 0, b"", len(sizes),
    )  # fmt: skip
    return head + b"".join(
        struct.pack("<4siifi", letter.encode(), start, size, 0.0, stored)
        for letter, start, size, stored in sizes
    )


def _packed(image: np.ndarray, compression: int) -> bytes:
    if compression == 4:
        return bytes(imagecodecs.jpegxr_encode(image, level=1.0))
    if compression == 5:
        return imagecodecs.zstd_encode(image.tobytes())
    if compression == 6:
        halves = np.ascontiguousarray(image).view("u1").reshape(-1, 2).T
        return b"\x03\x01\x01" + imagecodecs.zstd_encode(halves.tobytes())
    return image.tobytes()


def write_czi(
    path: Path,
    tiles: Sequence[Mapping[str, Any]],
    *,
    xml: str = "",
    stamps_s: Sequence[float] | None = None,
) -> Path:
    """Write a CZI of tiles: ``image``, ``place`` (by axis), and what is not as usual."""
    content = bytearray(_segment(b"ZISRAWFILE", bytes(512)))
    entries = []
    for tile in tiles:
        entries.append(_entry(tile, len(content)))
        data = tile.get("data", _packed(tile["image"], tile.get("compression", 0)))
        about = tile.get("xml", "").encode()
        head = struct.pack("<iiq", len(about), 0, len(data)) + entries[-1]
        content += _segment(b"ZISRAWSUBBLOCK", head.ljust(256, b"\0") + about + data)
    directory = len(content)
    table = struct.pack("<i", len(entries)).ljust(128, b"\0") + b"".join(entries)
    content += _segment(b"ZISRAWDIRECTORY", table)
    metadata = len(content) if xml else 0
    if xml:
        head = struct.pack("<ii", len(xml.encode()), 0).ljust(256, b"\0")
        content += _segment(b"ZISRAWMETADATA", head + xml.encode())
    attachments = 0
    if stamps_s is not None:
        content, attachments = _with_stamps(content, stamps_s)
    struct.pack_into(
        "<iiii16s16siqqiq", content, 32,
        1, 0, 0, 0, b"", b"", 0, directory, metadata, 0, attachments,
    )  # fmt: skip
    path.write_bytes(content)
    return path


def _with_stamps(content: bytearray, stamps_s: Sequence[float]) -> tuple[bytearray, int]:
    at = len(content)
    body = struct.pack(f"<ii{len(stamps_s)}d", 8 + 8 * len(stamps_s), len(stamps_s), *stamps_s)
    entries = [
        struct.pack("<2s10sqi16s8s80s", b"A1", b"", where, 0, b"", kind, name)
        for where, kind, name in ((0, b"JPG", b"Thumbnail"), (at, b"CZTIMS", b"TimeStamps"))
    ]
    content += _segment(b"ZISRAWATTACH", bytes(256) + body)
    directory = len(content)
    table = struct.pack("<i", 2).ljust(256, b"\0") + b"".join(entries)
    return content + _segment(b"ZISRAWATTDIR", table), directory


def czi_xml(
    *,
    channels: Sequence[str] = ("FluoZin-3", "H2B"),
    bits: int = 12,
    scenes: Sequence[str] = (),
    extra: str = "",
) -> str:
    """Write the metadata of a CZI as ZEN does."""
    named = "".join(
        f'<Channel Id="Channel:{n}" Name="{name}"><ExposureTime>{(n + 1) * 100_000_000}'
        "</ExposureTime></Channel>"
        for n, name in enumerate(channels)
    )
    listed = "".join(f'<Scene Index="{n}" Name="{name}"/>' for n, name in enumerate(scenes))
    sizes = "".join(
        f'<Distance Id="{axis}"><Value>{PIXEL_UM * 1e-6!r}</Value></Distance>' for axis in "XY"
    )
    return (
        "<ImageDocument><Metadata><Information><Image>"
        "<AcquisitionDateAndTime>2020-09-13T12:26:40.1234567Z</AcquisitionDateAndTime>"
        f"<ComponentBitCount>{bits}</ComponentBitCount><Dimensions><Channels>{named}</Channels>"
        f"<S><Scenes>{listed}</Scenes></S>{extra}</Dimensions></Image></Information>"
        f"<Scaling><Items>{sizes}</Items></Scaling></Metadata></ImageDocument>\n"
    )


def czi_tiles(data: np.ndarray, axes: str = "TC", **options: Any) -> list[dict[str, Any]]:
    """Make a tile of every image (Y, X) of an array."""
    return [
        {"image": data[index], "place": dict(zip(axes, index, strict=True)), **options}
        for index in np.ndindex(*data.shape[:-2])
    ]


def czi(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    tiles = czi_tiles(data, x=100, y=-7)
    path = write_czi(folder / "dish.czi", tiles, xml=czi_xml(), stamps_s=STAMPS + 70)
    return Recording(path, data, time_s=STAMPS)


def czi_zstd(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    tiles = [
        {**tile, "compression": 5 + n % 2, "xml": _acquired(tile["place"])}
        for n, tile in enumerate(czi_tiles(data))
    ]
    path = write_czi(folder / "zstd.czi", tiles, xml=czi_xml())
    return Recording(path, data, time_s=STAMPS)


def _acquired(index: Mapping[str, int]) -> str:
    second = STAMPS[index["T"]] + 0.1 * index["C"]
    return (
        "<METADATA><Tags><AcquisitionTime>2020-09-13T12:26:"
        f"{40 + second:09.6f}7Z</AcquisitionTime></Tags></METADATA>"
    )


# --- Olympus ---------------------------------------------------------------------------------


def write_ole(path: Path, streams: Mapping[str, bytes]) -> Path:
    """Write a compound file (version 3): the small streams within one of the root."""
    sector, end, free = 512, 0xFFFFFFFE, 0xFFFFFFFF
    body, fat = bytearray(), []

    def put(data: bytes) -> int:
        first, n = len(fat), -(-len(data) // sector)
        fat.extend([*range(first + 1, first + n), end] if n else [])
        body.extend(data.ljust(n * sector, b"\0"))
        return first if n else end

    mini, mini_fat = bytearray(), []
    places = {}
    for name, data in streams.items():
        if len(data) >= 4096:
            places[name] = put(data), len(data)
            continue
        first, n = len(mini_fat), -(-len(data) // 64)
        mini_fat += [*range(first + 1, first + n), end] if n else []
        mini += data.ljust(n * 64, b"\0")
        places[name] = first, len(data)
    root = put(bytes(mini)), len(mini)
    entries = _ole_entry("Root Entry", 5, *root, child=1)
    for number, name in enumerate(streams, start=1):
        right = number + 1 if number < len(streams) else free
        entries += _ole_entry(name, 2, *places[name], right=right)
    directory = put(entries)
    table = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    n_mini = -(-len(table) // sector)
    mini_at = put(table.ljust(n_mini * sector, b"\xff"))
    header, tables = _ole_tables(fat, directory, mini_at, n_mini)
    path.write_bytes(header + body + tables)
    return path


def _ole_tables(fat: list[int], directory: int, mini_at: int, n_mini: int) -> tuple[bytes, bytes]:
    """Write the header, and the tables of sectors that follow the last stream."""
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    n_more = 0 if len(fat) < 108 * 128 else -(-(len(fat) // 127 - 108) // 127)
    n_fat = next(n for n in range(1, 9999) if 128 * n >= len(fat) + n + n_more)
    fat_at = [len(fat) + n for n in range(n_fat)]
    more_at = len(fat) + n_fat if n_more else end
    fat = [*fat, *[0xFFFFFFFD] * n_fat, *[0xFFFFFFFC] * n_more]
    fat += [free] * (128 * n_fat - len(fat))
    more = (fat_at[109:] + [free] * 127 * n_more)[: 127 * n_more]
    nexts = [more_at + n for n in range(1, n_more)] + [end]
    tables = b"".join(
        struct.pack("<128I", *more[127 * n : 127 * n + 127], nexts[n]) for n in range(n_more)
    )
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, n_fat, directory, 0, 4096, mini_at, n_mini, more_at, n_more, 0,
    )[:76]  # fmt: skip
    difat = struct.pack("<109I", *(fat_at + [free] * 109)[:109])
    return header + difat, struct.pack(f"<{len(fat)}I", *fat) + tables


def _ole_entry(
    name: str, kind: int, start: int, size: int, *, child: int = 0xFFFFFFFF,
    right: int = 0xFFFFFFFF,
) -> bytes:  # fmt: skip
    raw = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ", raw, len(raw) + 2, kind, 1, 0xFFFFFFFF, right, child, b"", 0, 0, 0,
        start, size,
    )  # fmt: skip


def write_oib(path: Path, oif_path: Path) -> Path:
    """Put the files of an OIF recording into one OIB."""
    images = sorted(oif_path.with_name(f"{oif_path.name}.files").iterdir())
    names = [oif_path.name, *(f"Storage00001/{image.name}" for image in images)]
    lines = ["[OibSaveInfo]", 'Name="OIB"', "Version=1", "Compression=0"]
    lines += ["MainFileName=Stream00001", f"Storage00001={oif_path.name}.files"]
    lines += [f"Stream{n + 1:05}={name}" for n, name in enumerate(names)]
    streams = {"OibInfo.txt": b"\xff\xfe" + "\r\n".join(lines).encode("utf-16-le")}
    for n, file in enumerate((oif_path, *images)):
        streams[f"Stream{n + 1:05}"] = file.read_bytes()
    return write_ole(path, streams)


def oib(folder: Path) -> Recording:
    """Images of more and of fewer bytes than have sectors of their own."""
    data = pixels(3, 2, 20, 24)
    source = folder / "source"
    source.mkdir()
    path = write_oib(folder / "cell.oib", write_oif(source, data))
    return Recording(path, data)


# --- Nikon -----------------------------------------------------------------------------------

JULIAN_DAY_OF_2020_09_13_12_26_40 = 2440587.5 + STARTED_S / 86400


def _clx(name: str, value: Any) -> bytes:
    """Write a value as NIS-Elements does: type, name, content; lists have items without names."""
    kinds = {bool: 1, int: 3, float: 6, str: 8, bytes: 9, dict: 11, list: 11}
    raw = (name + "\0").encode("utf-16-le")
    head = struct.pack("<BB", kinds[type(value)], len(raw) // 2) + raw
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else [("", item) for item in value]
        inside = b"".join(_clx(*item) for item in items)
        return head + struct.pack("<IQ", len(items), len(head) + 12 + len(inside)) + inside + bytes(
            8 * len(items)
        )  # fmt: skip
    if isinstance(value, bytes):
        return head + struct.pack("<Q", len(value)) + value
    if isinstance(value, str):
        return head + (value + "\0").encode("utf-16-le")
    return head + struct.pack({bool: "<?", int: "<I", float: "<d"}[type(value)], value)


def nd2_loops(loops: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Describe loops over time (T), position (P) and depth (Z), the outermost first."""
    (letter, count), *inner = loops
    pace = {"dStart": 0.0, "dPeriod": 2000.0, "dDuration": 0.0, "dAvgPeriodDiff": 2000.0}
    points = [{"dPosName": f"well {n}", "dPosX": float(n)} for n in range(min(count, 9))]
    kind, described = {
        "T": (1, {"uiCount": count, **pace}),
        "P": (2, {"uiCount": count, "Points": points}),
        "Z": (4, {"uiCount": count, "dZStep": 1.0}),
        "N": (8, {"pPeriod": [{"uiCount": count, **pace}], "pPeriodValid": b"\1"}),
        "X": (7, {"uiCount": count}),
    }[letter]
    level: dict[str, Any] = {"eType": kind, "uLoopPars": described}
    return {**level, "ppNextLevelEx": [nd2_loops(inner)]} if inner else level


def _chunk(name: bytes, data: bytes, room: int = 0) -> bytes:
    room = room or len(name)
    return (
        struct.pack("<4sIQ", b"\xda\xce\xbe\x0a", room, len(data)) + name.ljust(room, b"\0") + data
    )


def write_nd2(
    path: Path,
    data: np.ndarray,
    loops: Sequence[tuple[str, int]] | Mapping[str, Any] = (),
    *,
    times_s: Sequence[float] | None = None,
    attributes: Mapping[str, Any] | None = None,
    picture: Mapping[str, Any] | None = None,
    compressed: bool = False,
    row_bytes: int = 0,
    leave_out: Sequence[int] = (),
) -> Path:
    """Write an ND2 of version 3 from frames (N, Y, X, C), in the order of the loops."""
    n, height, width, n_channels = data.shape
    used = width * n_channels * data.itemsize
    row_bytes = row_bytes or used
    about = {
        "uiWidth": width, "uiHeight": height, "uiWidthBytes": row_bytes, "uiComp": n_channels,
        "uiBpcInMemory": 8 * data.itemsize, "uiBpcSignificant": 12, "uiSequenceCount": n,
        "eCompression": 0 if compressed else 2, **(attributes or {}),
    }  # fmt: skip
    planes = [
        {"uiCompCount": 1, "uiSampleIndex": c, "sDescription": f"dye {c}"}
        for c in range(n_channels)
    ]
    about_picture = {
        "dTimeAbsolute": JULIAN_DAY_OF_2020_09_13_12_26_40, "dCalibration": PIXEL_UM,
        "bCalibrated": True,
        "sPicturePlanes": {
            "uiCount": n_channels,
            "sPlaneNew": planes,
            "sSampleSetting": [{"dExposureTime": 100.0 * (c + 1)} for c in range(n_channels)],
        },
        **(picture or {}),
    }  # fmt: skip
    chunks = {
        b"ImageAttributesLV!": _clx("SLxImageAttributes", about),
        b"ImageMetadataSeqLV|0!": _clx("SLxPictureMetadata", about_picture),
    }
    if loops:
        described = loops if isinstance(loops, Mapping) else nd2_loops(loops)
        chunks[b"ImageMetadataLV!"] = _clx("SLxExperiment", described)
    if times_s is not None:
        chunks[b"CustomData|AcqTimesCache!"] = (1000 * np.asarray(times_s, "<f8")).tobytes()
    content = struct.pack("<4sIQ32s64s", b"\xda\xce\xbe\x0a", 32, 64,
                          b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0")  # fmt: skip
    places = []
    for number, frame in enumerate(data):
        if number in leave_out:
            continue
        rows = np.zeros((height, row_bytes), "u1")
        rows[:, :used] = np.ascontiguousarray(frame).view("u1").reshape(height, used)
        pixel_bytes = zlib.compress(rows.tobytes()) if compressed else rows.tobytes()
        name = b"ImageDataSeq|%d!" % number
        places.append((name, len(content), len(pixel_bytes)))
        content += _chunk(name, bytes(8) + pixel_bytes, 4072)
    for name, about_chunk in chunks.items():
        places.append((name, len(content), len(about_chunk)))
        content += _chunk(name, about_chunk)
    listed = b"".join(name + struct.pack("<QQ", *place) for name, *place in places)
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!"
    where = len(content)
    content += _chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", listed + end)
    path.write_bytes(content + end + struct.pack("<Q", where))
    return path


def nd2(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    frames = np.moveaxis(data, 1, -1)
    path = write_nd2(folder / "dish.nd2", frames, [("T", 3)], times_s=STAMPS + 7)
    return Recording(path, data, time_s=STAMPS)


VENDOR = {
    lif: "liffile", lof: "liffile", xlif_tiffs: "liffile", xlif_lof: "liffile",
    czi: "imagecodecs", czi_zstd: "imagecodecs", oib: "oiffile", nd2: "nd2",
}  # fmt: skip
"""The recordings, and the package that each needs."""
