"""The office's own certificates: an off-line root, an issuing authority, and what it signs (SPEC.md section 11).

Everything here is given `now_ms` (UTC) and returns values; files are read and written by `folder` alone.
"""
