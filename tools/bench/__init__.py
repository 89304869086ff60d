"""Measurements of the synthesis and of the data path."""
