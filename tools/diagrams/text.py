"""The width of text, independent of the reader's font."""

from __future__ import annotations

# Widths of characters in hundredths of the font size, in the widest fallback font of browsers
# (DejaVu Sans).
WIDTHS = {
    30: "IJijl",
    35: " ,./:;|·",
    40: "()-[]ft",
    45: "!r",
    50: '"*_`–',
    55: "?csz",
    60: "FLkvxy",
    65: "$0123456789EPSTYabdeghnopqu{}",
    70: "ABCKRVXZ",
    75: "NU",
    80: "&DGHOQ",
    85: "#+<=>^~×→w",
    90: "M",
    100: "%@Wm…",
}
_WIDTH = {character: width for width, characters in WIDTHS.items() for character in characters}
# The width of bold text in per cent.
BOLD = 112


def width_of(text: str, size: int, *, bold: bool = False) -> int:
    """Return the width of a line in pixels, rounded up; other characters count as the widest."""
    hundredths = sum(_WIDTH.get(character, 100) for character in text)
    return -(-hundredths * size * (BOLD if bold else 100) // 10000)


def wrapped(words: list[str], size: int, width: int, *, separator: str = "  ·  ") -> list[str]:
    """Join phrases into lines of at most ``width`` pixels, without breaking a phrase."""
    lines: list[str] = []
    for word in words:
        if lines and width_of(lines[-1] + separator + word, size) <= width:
            lines[-1] += separator + word
        else:
            lines.append(word)
    return lines
