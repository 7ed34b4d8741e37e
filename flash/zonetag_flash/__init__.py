"""Flashing tags: from a bare board on a serial port to a labelled tag that the backend knows.

The laws of this package: `chip` alone speaks to esptool, `ports` and `speech` alone to the serial port, `filesystem`
alone to littlefs.  A master key lives in memory, in the tag, and sealed in the bundle; it is never printed, and no
file that stays holds it in clear.
"""
