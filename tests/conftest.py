"""Fixtures that every test may take."""

pytest_plugins = ["rig.plugin"]
