"""Pictures: decoded whole, and written anew with nothing of the file but what is to be seen."""

from io import BytesIO
from typing import Any, BinaryIO, Final

from PIL import (
    Image,
    ImageCms,
    ImageColor,
    ImageFile,
    ImageOps,
    ImagePalette,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from chat_service.files.decoding.report import Failed, Report, Unreadable
from chat_service.files.domain.kinds import GIF, JPEG, PNG, WEBP, Kind

#: Of one that has more, nothing is decoded.
MOST_PIXELS: Final = 64_000_000
#: Of what is kept: pixels of the longer side, and bytes. No model looks closer, and some take no larger file.
MOST_SIDE: Final = 2048
MOST_BYTES: Final = 3_500_000

_SMALLER: Final = 0.75
_FORMATS: Final = {
    PNG: "PNG",
    JPEG: "JPEG",
    WEBP: "WEBP",
    GIF: "GIF",
}
_OPTIONS: Final[dict[Kind, dict[str, Any]]] = {
    JPEG: {"quality": 90},
    WEBP: {"quality": 90},
}
_PALETTE: Final = frozenset({"P", "PA", "1"})


# What Pillow would load at first use, when nothing can be loaded any more: WebP, what EXIF is read with, and
# photographs that hold a second one.
_LOADED: Final = (
    ImageColor,
    ImageFile,
    ImagePalette,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)


def prepare() -> None:
    """Load what is loaded at first use, while that can still be."""
    Image.preinit()
    ImageCms.createProfile("sRGB")


def decode_image(kind: Kind, source: BinaryIO, result: BinaryIO) -> Report:
    """Writes the picture anew: upright, in sRGB, no larger than is kept; of an animation the first picture.

    Raises Unreadable.
    """
    # It is bounded here, and closer.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(source, formats=(_FORMATS[kind],)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Unreadable(Failed.TOO_COMPLEX)
            picture = _seen(image)
        while len(written := _written(kind, picture)) > MOST_BYTES:
            smaller = (round(picture.width * _SMALLER), round(picture.height * _SMALLER))
            picture = _in_full_colour(picture)
            picture.thumbnail(smaller)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(Failed.DAMAGED) from error
    result.write(written)
    return Report(replaced=True, facts={"width": picture.width, "height": picture.height})


def _seen(image: Image.Image) -> Image.Image:
    """What is to be seen of it, and nothing that is said beside."""
    profile = image.info.get("icc_profile")
    picture = image
    if max(image.size) > MOST_SIDE:
        picture = _in_full_colour(image)
        # JPEG is decoded at a fraction of its size.
        picture.thumbnail((MOST_SIDE, MOST_SIDE))
    picture = _in_srgb(_upright(picture), profile)
    transparency = picture.info.get("transparency")
    picture.info = {} if transparency is None else {"transparency": transparency}
    return picture


def _in_full_colour(image: Image.Image) -> Image.Image:
    """Of a picture with a palette: what can be made smaller smoothly."""
    if image.mode not in _PALETTE:
        return image
    return image.convert("RGBA" if "transparency" in image.info else "RGB")


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - of what is said beside a picture nothing has to be right
        return image.copy()


def _in_srgb(image: Image.Image, profile: Any) -> Image.Image:
    """In the colours that a reader without the picture's profile takes it to have."""
    if isinstance(profile, bytes) and image.mode in ("RGB", "RGBA", "CMYK"):
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode=mode,
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB") if image.mode in ("CMYK", "YCbCr", "LAB", "HSV") else image


def _written(kind: Kind, picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, _FORMATS[kind], **_OPTIONS.get(kind, {}))
    return written.getvalue()
