"""What is frozen into the image: the firmware, and those modules of the protocol that a tag uses.

Frozen code runs from flash: it costs the heap a few KB instead of some 80 (benchmarks/firmware_heap.py).
"""

# ruff: noqa: F821  # the names that this file calls are given to it by MicroPython's build
# mypy: disable-error-code="name-defined"

module("main.py", base_path="..", opt=3)
package("zonetag_tag", base_path="..", opt=3)
package(
    "zonetag_protocol",
    (
        "__init__.py",
        "errors.py",
        "crypto.py",
        "rotation.py",
        "status.py",
        "frame.py",
        "card.py",
        "ccm.py",
        "contact.py",
        "fragments.py",
        "link.py",
        "linkmessage.py",
    ),
    base_path="../../protocol",
    opt=3,
)
# The start: our own, on the port's block device.
module("_boot.py", base_path="modules", opt=3)
freeze("$(PORT_DIR)/modules", ("flashbdev.py",))
