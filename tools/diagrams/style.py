"""The style sheet, for light and dark pages."""

from __future__ import annotations

from tools.diagrams.kinds import FAMILIES

# Selector, property, value on a light page, value on a dark page.
THEME = (
    (".page", "fill", "#ffffff", "#0d1117"),
    (".text", "fill", "#1f2328", "#e6edf3"),
    (".soft", "fill", "#59636e", "#9da7b1"),
    (".region", "fill", "#f6f8fa", "#151b23"),
    (".region, .panel, .tile-edge", "stroke", "#b4bdc7", "#444c56"),
    (".panel", "fill", "#ffffff", "#0d1117"),
    (".vpc", "fill", "#faf8ff", "#17131f"),
    (".vpc", "stroke", "#7c4dcc", "#a385e0"),
    (".zone", "stroke", "#8c95a0", "#6e7681"),
    (".public", "fill", "#e6f4e1", "#14281a"),
    (".public", "stroke", "#7fb069", "#3f7d20"),
    (".private", "fill", "#e6effb", "#121f33"),
    (".private", "stroke", "#8fb0df", "#35598f"),
    (".isolated", "fill", "#fbefdd", "#2b2010"),
    (".isolated", "stroke", "#d9ae6c", "#8a6524"),
    (".tile", "fill", "#ffffff", "#1c2128"),
    (".actor", "fill", "#1f2328", "#e6edf3"),
    (".actor-text", "fill", "#ffffff", "#0d1117"),
    (".data", "stroke", "#24292f", "#d0d7de"),
    (".data-head", "fill", "#24292f", "#d0d7de"),
    (".watch", "stroke", "#6e7781", "#8b949e"),
    (".watch-head", "fill", "#6e7781", "#8b949e"),
    (".label", "fill", "#ffffff", "#0d1117"),
)
SHAPES = """
text { font-family: -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
.bold { font-weight: 600; }
.zone { fill: none; stroke-dasharray: 6 4; }
.data, .watch { fill: none; stroke-width: 1.6; }
.watch { stroke-dasharray: 5 4; }
.label { opacity: 0.92; }
.glyph { fill: none; stroke: #ffffff; stroke-width: 1.5; stroke-linejoin: round; }
.lock { fill: none; stroke-width: 1.6; }
"""
LOCK = "M1 6h9v7h-9zM3 6v-2.5a2.5 2.5 0 0 1 5 0v2.5"


def sheet() -> str:
    """Return the style sheet of every diagram."""
    rows = [*THEME]
    for id_, family in FAMILIES.items():
        rows.append((f".{id_}", "fill", family.colour, family.colour))
        rows.append((f".{id_}-edge", "stroke", family.colour, _lighter(family.colour)))
    light = "".join(f"{name} {{ {what}: {value}; }}\n" for name, what, value, _ in rows)
    dark = "".join(
        f"{name} {{ {what}: {value}; }}\n" for name, what, other, value in rows if value != other
    )
    return f"{SHAPES}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _lighter(colour: str) -> str:
    """Return the mean of a colour and a light grey, for lines on a dark page."""
    channels = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{(channel + 0xD0) // 2:02x}" for channel in channels)
