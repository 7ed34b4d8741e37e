"""Roles of accounts, stages of a session, and how long one lasts.  Pure."""

RECEPTION, HEALTH, ADMIN, AUDITOR = "reception", "health", "admin", "auditor"
ROLES = (RECEPTION, HEALTH, ADMIN, AUDITOR)
SCREEN = "screen"  # a device at a door, which shows one page and is nobody's account
WORKER = "worker"  # somebody who sees what is held about them, and is nobody's account
# A guard's desk has no telephone to read a code from, and sees only who is in; everybody else shows a second factor.
WITHOUT_CODE = (RECEPTION,)

# Of a session: signed in; the password was right and the code is wanted; the same, but a code is yet to be set up.
FULL, CODE, ENROL = "full", "code", "enrol"
STAGES = (FULL, CODE, ENROL)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ABSOLUTE_MS = 12 * HOUR_MS  # a shift; then everybody signs in again
UNFINISHED_MS = 10 * MINUTE_MS  # between the password and the code
IDLE_MS = {RECEPTION: ABSOLUTE_MS, HEALTH: 30 * MINUTE_MS, ADMIN: 30 * MINUTE_MS, AUDITOR: 30 * MINUTE_MS}
STEP_MS = 5 * MINUTE_MS  # a session from further ahead than this comes from before the clock was set back: it has ended


def is_over(role: str, stage: str, made_ms: int, used_ms: int, now_ms: int) -> bool:
    """Whether a session has come to its end, by age, by rest, or because the clock went back behind its beginning."""
    if made_ms > now_ms + STEP_MS or used_ms > now_ms + STEP_MS:
        return True
    if stage != FULL:
        return now_ms - made_ms >= UNFINISHED_MS
    return now_ms - made_ms >= ABSOLUTE_MS or now_ms - used_ms >= IDLE_MS[role]
