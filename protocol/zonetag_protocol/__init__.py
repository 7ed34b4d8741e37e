"""Zonetag's wire format: SPEC.md in code.

Tag, gateway and backend import this package and never each other.  The modules `errors`, `crypto`, `rotation`,
`status`, `frame`, `advert`, `card`, `ccm`, `contact`, `fragments`, `link` and `linkmessage` run unchanged on
CPython and on MicroPython.  The other modules (`bulk`, `bundle`, `envelope`, `report`, `topics`, ...) are for servers
only; a tag never imports them.
"""
