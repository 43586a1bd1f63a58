"""Two readers of QR codes that are not ours; each gives the texts it finds in a picture."""

import zxingcpp
from pyzbar import pyzbar

DECODERS = {
    "zxing": lambda photo: [found.text for found in zxingcpp.read_barcodes(photo)],
    "zbar": lambda photo: [found.data.decode() for found in pyzbar.decode(photo, symbols=[pyzbar.ZBarSymbol.QRCODE])],
}
