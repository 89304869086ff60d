"""The log of the function in tests."""

from __future__ import annotations

import logging

import data_processor


def reset_logger() -> None:
    """Remove the configuration of the function's logger.

    Powertools configures a logger once per process and service, with the standard output of that
    time; pytest replaces the standard output in each test.
    """
    logger = logging.getLogger(data_processor.SERVICE)
    logger.handlers.clear()
    logger.__dict__.pop("init", None)
    logger.__dict__.pop("powertools_handler", None)
