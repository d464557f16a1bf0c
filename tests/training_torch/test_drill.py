"""What a drill asks a model about can be read by models of images."""

from __future__ import annotations

import io
from base64 import b64decode

from PIL import Image

from training import drill


def test_the_image_is_one() -> None:
    (image,) = list(drill.questions())[2][1]["input"]
    with Image.open(io.BytesIO(b64decode(image))) as opened:
        opened.load()
        assert opened.size == (64, 64)
