"""`time` as an ESP32 has it: whole seconds since 2000-01-01, which begin anew at each start, and a counter that wraps.

The unix port counts from 1970 with a fraction; what relies on that works here and fails on the tag.
"""

import utime

sleep_ms = utime.sleep_ms
ticks_ms = utime.ticks_ms
asked = 0  # how often somebody wanted the wall clock


def time():
    global asked
    asked += 1
    return ticks_ms() // 1000


def localtime(seconds=None):
    global asked
    asked += 1
    return (2000, 1, 1, 0, 0, 0, 5, 1)


gmtime = localtime
