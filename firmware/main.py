"""What MicroPython starts on the tag."""

from zonetag_tag.app import run

run()
