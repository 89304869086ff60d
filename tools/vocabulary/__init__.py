"""The vocabulary check: terms that the project does not use, and the standard term for each.

`terms.toml` is the list; `checker` searches text, identifiers included; `cli` is `tap vocabulary`.
"""

from tools.vocabulary.checker import Occurrence, Terms, load_terms, occurrences

__all__ = ["Occurrence", "Terms", "load_terms", "occurrences"]
