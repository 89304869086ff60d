"""Rejects requests that AWS rejects, before moto handles them.

Interface: ``reject(service, request)`` returns the error response for an invalid request, or None.
``service`` is moto's name of the service, ``request`` the Flask request.

| module | content |
|---|---|
| ``requests`` | reads the input of an operation from a request of any protocol |
| ``shapes`` | compares the input with the service model of botocore |
| ``patterns`` | translates the regular expressions of the models (Java) to Python |
| ``exceptions`` | the table of constraints that are not enforced, with reasons |
| ``members`` | applies ``lib.aws_constraints``, which the models lack |
| ``account`` | the table of constraints that depend on other resources of the account |
| ``errors`` | error responses in the protocol of a service |
| ``origin`` | rejects requests of web pages (headers Host and Origin) |

Each violation names the operation, the member, the value received and the constraint. A request is
read and compared once; service models and compiled patterns are cached, so that the validation of
a request takes a fraction of a millisecond.
"""

from tools.emulator.validation.rejection import reject

__all__ = ["reject"]
