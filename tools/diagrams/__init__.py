"""Architecture diagrams, drawn from the synthesized JSON: `python -m tools.diagrams`.

`model` reads the JSON, `kinds` says what is drawn where, `picture` gathers resources into tiles,
`flows` finds the arrows, `layout` nests the boxes, `routing` leads the arrows, `svg` writes.
"""
