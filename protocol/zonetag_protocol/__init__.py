"""Zonetag's wire format: SPEC.md in code.

Tag, gateway and backend import this package and never each other.  The modules `errors`, `crypto`, `rotation`,
`status`, `frame`, `advert` and `card` run unchanged on CPython and on MicroPython.  The modules `bulk`,
`bundle`, `envelope`, `report`, `acknowledgement` and `topics` are for servers only; a tag never imports them.
"""
