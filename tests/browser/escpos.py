"""What a receipt printer makes of ESC/POS: every command it was sent, drawn dot by dot. A byte that means nothing is an error."""

from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

# Dots of a letter and of a row of letters at 203 dots an inch.
LETTER, HEIGHT = (12, 24), 30
DOTS = {58: 384, 80: 576}


@dataclass
class Piece:
    """One piece of paper, up to its cut."""

    rows: list = field(default_factory=list)
    pictures: list = field(default_factory=list)
    image: Image.Image = None

    @property
    def text(self):
        return "\n".join(self.rows)


class Printer:
    """A printer with paper so many millimetres wide."""

    def __init__(self, paper):
        self.dots = DOTS[paper]
        self.kicks = 0
        self.pieces = []
        self.font = {scale: ImageFont.load_default(size=20 * scale) for scale in (1, 2)}
        self.begin()

    def begin(self):
        self.scale, self.encoding = (1, 1), "cp437"
        self.piece, self.parts, self.row = Piece(), [], ""

    def take(self, data):
        """Does what the bytes say."""
        at = 0
        while at < len(data):
            at += self.command(data[at:])
        assert not self.row and not self.parts, "the last paper was not cut off"

    def command(self, data):
        """Does the first command and says how many bytes it had."""
        first = data[0]
        if data.startswith(b"\x1b@"):
            self.scale, self.encoding = (1, 1), "cp437"
            return 2
        if data.startswith(b"\x1bt"):
            self.encoding = {0: "cp437", 16: "cp1252"}[data[2]]
            return 3
        if data.startswith(b"\x1bp"):
            assert data[2] in (0, 1) and data[3] > 0
            self.kicks += 1
            return 5
        if data.startswith(b"\x1d!"):
            self.scale = (data[2] >> 4 & 7) + 1, (data[2] & 7) + 1
            return 3
        if data.startswith(b"\x1dV"):
            assert data[2] in (65, 66)
            self.cut()
            return 4
        if data.startswith(b"\x1dv0"):
            return self.picture(data)
        if first == 0x0A:
            self.feed()
            return 1
        assert first >= 0x20, f"a byte of no command: {data[:8].hex(' ')}"
        self.row += bytes([first]).decode(self.encoding)
        return 1

    def feed(self):
        wide, high = self.scale
        assert len(self.row) * LETTER[0] * wide <= self.dots, f"the row does not fit: {self.row!r}"
        part = Image.new("L", (self.dots, HEIGHT * high), 255)
        draw = ImageDraw.Draw(part)
        for n, letter in enumerate(self.row):
            draw.text((n * LETTER[0] * wide, 0), letter, fill=0, font=self.font[wide])
        self.parts.append(part)
        self.piece.rows.append(self.row)
        self.row = ""

    def picture(self, data):
        assert data[3] == 0 and not self.row, "only dots of one size, at the beginning of a row"
        wide, high = (int.from_bytes(data[n : n + 2], "little") for n in (4, 6))
        dots = data[8 : 8 + wide * high]
        assert len(dots) == wide * high and wide * 8 <= self.dots
        part = Image.new("L", (self.dots, high), 255)
        # A bit that is set is a dark dot.
        part.paste(Image.frombytes("1", (wide * 8, high), bytes(byte ^ 0xFF for byte in dots)), (0, 0))
        self.parts.append(part)
        self.piece.pictures.append(part)
        return 8 + wide * high

    def cut(self):
        image = Image.new("L", (self.dots, sum(part.height for part in self.parts) + 2 * HEIGHT), 255)
        y = HEIGHT
        for part in self.parts:
            image.paste(part, (0, y))
            y += part.height
        self.piece.image = image
        self.pieces.append(self.piece)
        self.piece, self.parts = Piece(), []


def printed(data, paper=80):
    """The printer after it was sent that."""
    printer = Printer(paper)
    printer.take(data)
    return printer
