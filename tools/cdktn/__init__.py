"""Synthesis under CDK Terrain, the maintained fork of CDKTF."""
