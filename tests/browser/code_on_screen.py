"""Reads QR codes off the screen, as a phone or a door scanner would."""

import io

import zxingcpp
from PIL import Image


def read_codes(locator):
    """The texts of all QR codes in an element's picture."""
    picture = Image.open(io.BytesIO(locator.screenshot()))
    return [code.text for code in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)]
