"""Architecture diagrams of stacks as SVG, drawn from their synthesized JSON.

Interface::

    diagram = Diagram(template, STACKS["web"])
    Path("web.svg").write_text(diagram.svg())

- ``Diagram`` draws one stack: a ``lib.template.Template``, and optionally the ``StackSpec`` with
  the title, the summary and the actor. The same JSON results in the same bytes on every machine. A
  resource type without a row in ``kinds`` is an error, so that no resource is missing.
- ``draw_stacks()`` synthesizes stacks of the environment ``dev`` and returns their diagrams.

The modules in the order of their use: ``model`` resolves references between resources, ``kinds`` is
the table of resource types, ``contents`` assigns each resource to a tile, ``flows`` derives the
arrows, ``layout`` places the boxes, ``routing`` routes the arrows around them, ``svg`` writes the
file with the help of ``legend``, ``style`` and ``text``. ``cli`` is the command ``tap diagrams``.
"""

from tools.diagrams.stacks import FOLDER, draw_stacks
from tools.diagrams.svg import Diagram

__all__ = ["FOLDER", "Diagram", "draw_stacks"]
