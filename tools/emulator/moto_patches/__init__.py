"""Corrections of moto 5.2.5, applied in the emulator's process only.

One module per AWS service, one function per correction, decorated with ``@moto_patch``. The name
of a patch consists of a verb, the API operation and the field or resource that it corrects, for
example ``store_create_flow_logs_destination_options``. Its docstring has a summary line and three
paragraphs, which a unit test requires:

- ``moto 5.2.5:`` the behaviour that is replaced,
- ``AWS:`` the behaviour of the service,
- ``Reason:`` the effect of the difference on Terraform, the local deployment or a test.

To add a patch, add a function to the module of its service; no other file changes. Stacks and
constructs are never changed to suit moto.
"""

from importlib import import_module
from pkgutil import iter_modules

from tools.emulator.moto_patches.patching import PATCHES

__all__ = ["PATCHES", "apply_patches"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def apply_patches() -> None:
    """Apply every patch. Call it once per process, before moto handles a request."""
    for patch in PATCHES:
        patch()
