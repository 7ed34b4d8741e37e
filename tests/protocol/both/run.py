"""Run checks on MicroPython, which has no pytest: `micropython run.py check_frame.check_seal ...`.

`both` and `zonetag_protocol` lie on MICROPYPATH; ZONETAG_VECTORS names the folder of vectors.  One line a check; the
exit code is 0 when all held, 1 when one did not, 2 when one is not there.
"""

import gc
import sys


def run(names: list[str]) -> int:
    code = 0
    for name in names:
        module, function = name.split(".")
        try:
            check = getattr(getattr(__import__("both." + module), module), function)
        except (ImportError, AttributeError) as error:
            print("missing", name, error)
            return 2
        try:
            check()
        except Exception as error:  # noqa: BLE001  # whatever a check raises is its failure
            print("failed", name)
            sys.print_exception(error)  # type: ignore[attr-defined]  # MicroPython has it
            code = 1
        else:
            gc.collect()
            print("held", name, "heap", gc.mem_alloc())  # type: ignore[attr-defined]  # likewise
    return code


sys.exit(run(sys.argv[1:]))
