"""What every test may use; it all lives in `rig/`, where types are checked."""

pytest_plugins = ["rig.components", "rig.plugin", "rig.windows"]
