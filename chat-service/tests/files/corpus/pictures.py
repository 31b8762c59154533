"""Pictures that flood, lie, break off, or say more than is to be seen."""

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, PngImagePlugin

from .made import CANARY, SCRIPT, ZEROS, Hostile, zipped


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _png(
    width: int, height: int, *between: bytes, pixels: bytes | None = None, colour: int = 0
) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    rows = zlib.compress(bytes(height * (width + 1)) if pixels is None else pixels, 1)
    return b"".join(
        (_SIGNATURE, _chunk(b"IHDR", head), *between, _chunk(b"IDAT", rows), _chunk(b"IEND", b""))
    )


def _saved(form: str, picture: Image.Image, **options: object) -> bytes:
    made = io.BytesIO()
    picture.save(made, form, **options)
    return made.getvalue()


def pngs() -> Iterator[Hostile]:
    small = _png(16, 16)
    yield Hostile("flood.png", _png(50_000, 50_000, pixels=b""))
    yield Hostile("just-too-many.png", _png(8_001, 8_000, pixels=b""))
    yield Hostile("longest.png", _png(2**31 - 1, 1, pixels=b""))
    yield Hostile("more-than-it-says.png", _png(10, 10, pixels=ZEROS), ("png",))
    yield Hostile("less-than-it-says.png", _png(4_000, 4_000, pixels=bytes(4_001)), ("png",))
    yield Hostile("no-pixels.png", _png(0, 0, pixels=b""))
    yield Hostile("signature.png", _SIGNATURE)
    yield Hostile("cut-off.png", small[:40])
    yield Hostile("wrong-sum.png", small[:-16] + b"\0\0\0\0" + small[-12:], ("png",))
    yield Hostile(
        "text-bomb.png", _png(16, 16, _chunk(b"zTXt", b"x\0\0" + zlib.compress(ZEROS, 1)))
    )
    yield Hostile(
        "profile-bomb.png",
        _png(16, 16, _chunk(b"iCCP", b"x\0\0" + zlib.compress(ZEROS, 1))),
    )
    yield Hostile(
        "huge-text.png", _png(16, 16, _chunk(b"tEXt", b"x\0" + CANARY * 1_000_000)), ("png",)
    )
    yield Hostile(
        "many-texts.png", _png(16, 16, *[_chunk(b"tEXt", b"x\0" + CANARY)] * 50_000), ("png",)
    )
    yield Hostile("php.png", _png(16, 16, _chunk(b"tEXt", b"x\0<?php " + CANARY)), ("png",))
    yield Hostile("html-behind.png", small + b"<html>" + SCRIPT, ("png",))
    yield Hostile("zip-behind.png", small + zipped("x", CANARY), ("png",))
    no_palette = _png(16, 16, colour=3)
    yield Hostile("no-palette.png", no_palette, ("png",))
    frames = [Image.new("L", (16, 16), shade) for shade in range(200)]
    yield Hostile(
        "moving.png", _saved("PNG", frames[0], save_all=True, append_images=frames[1:]), ("png",)
    )
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", CANARY.decode())
    yield Hostile("xmp.png", _saved("PNG", frames[0], pnginfo=info), ("png",))


def other_pictures() -> Iterator[Hostile]:
    grey = Image.linear_gradient("L").resize((64, 64))
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode() * 4_000
    exif[0x0112] = 9_999
    jpeg = _saved("JPEG", grey)
    yield Hostile("told.jpg", _saved("JPEG", grey, exif=exif, comment=SCRIPT), ("jpeg",))
    yield Hostile("cut-off.jpg", jpeg[: len(jpeg) // 2])
    yield Hostile("marker.jpg", b"\xff\xd8\xff")
    yield Hostile("html.jpg", b"\xff\xd8\xff\xe0" + b"<html>" + SCRIPT)
    yield Hostile("svg-behind.jpg", jpeg + b"<svg onload=alert(1)>" + CANARY, ("jpeg",))
    size = jpeg.index(b"\xff\xc0") + 5
    yield Hostile("flood.jpg", jpeg[:size] + struct.pack(">HH", 65_500, 65_500) + jpeg[size + 4 :])
    yield Hostile("scans.jpg", _scans(), ("jpeg",))
    gif = _saved("GIF", grey)
    yield Hostile("flood.gif", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + gif[10:])
    yield Hostile("no-pixels.gif", b"GIF89a" + struct.pack("<HH", 0, 0) + b"\0\0\0;")
    yield Hostile("script.gif", b"GIF89a=1;alert('" + CANARY + b"')//")
    yield Hostile("cut-off.gif", gif[:-200])
    yield Hostile("jar-behind.gif", gif + zipped("X.class", CANARY), ("gif",))
    yield Hostile("told.gif", _saved("GIF", grey, comment=SCRIPT), ("gif",))
    frame = gif[gif.index(b"\x2c\0\0\0\0") : -1]
    yield Hostile("ten-thousand-frames.gif", gif[:-1] + frame * 10_000 + b";", ("gif",))
    webp = _saved("WEBP", grey)
    frames = [Image.new("L", (16, 16), shade) for shade in range(200)]
    yield Hostile("cut-off.webp", webp[:-40])
    yield Hostile("nothing.webp", b"RIFF\xff\xff\xff\xffWEBP" + SCRIPT)
    canvas = b"\0\0\0\0" + struct.pack("<I", 16_382)[:3] * 2
    extended = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + webp[12:]
    yield Hostile("flood.webp", b"RIFF" + struct.pack("<I", len(extended)) + extended)
    moving = _saved("WEBP", frames[0], save_all=True, append_images=frames[1:])
    yield Hostile("moving.webp", moving, ("webp",))


def _scans() -> bytes:
    """A picture that is drawn over and over: each scan costs as much as the whole."""
    jpeg = _saved("JPEG", Image.new("L", (2000, 2000)), progressive=True)
    scan = jpeg.rindex(b"\xff\xda")
    return jpeg[:scan] + jpeg[scan:-2] * 500 + jpeg[-2:]
