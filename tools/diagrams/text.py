"""How much room a line of text takes, whatever font the reader has."""

from __future__ import annotations

# Widths of characters as hundredths of the font's size, those of the widest font that browsers fall
# back to (DejaVu Sans); text set in a narrower one leaves room.
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
# Bold letters are wider.
BOLD = 112


def width_of(text: str, size: int, *, bold: bool = False) -> int:
    """The width of a line in pixels, rounded up; unknown characters count as the widest."""
    hundredths = sum(_WIDTH.get(character, 100) for character in text)
    return -(-hundredths * size * (BOLD if bold else 100) // 10000)


def wrapped(words: list[str], size: int, width: int, *, separator: str = "  ·  ") -> list[str]:
    """Phrases joined into lines of at most `width` pixels; no phrase is broken."""
    lines: list[str] = []
    for word in words:
        if lines and width_of(lines[-1] + separator + word, size) <= width:
            lines[-1] += separator + word
        else:
            lines.append(word)
    return lines
