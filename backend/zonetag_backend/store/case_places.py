"""Where somebody was within a window, and who was there: the places to look at of a case.  Read only.

The person is placed by all gateways; the others are whoever was heard at that place at the time, also those who were
likelier in another one.  Both judged by likelihood, of those who truly were in the room 85 in 100 were left in the
simulated office with two gateways, and 51 with one in each of four rooms, against all of them so; what is listed too
many is one in a hundred and one in six.  Who is to be warned is better one too many.
"""

from sqlalchemy import Connection

from zonetag_backend.store import meetings, restrictions, whereabouts
from zonetag_backend.store.meetings import Window
from zonetag_backend.tracing.encounter import Meetings
from zonetag_backend.tracing.zoning import Stop, zones


def stops(connection: Connection, who: int, window: Window) -> list[Stop]:
    """Each stop, in order; where several places heard the person at once, at the likeliest."""
    stays = whereabouts.settled_stays(connection, who, window, meetings.stays(connection, who, window))
    return zones(stays, _shown(connection, meetings.shared(connection, {who: window})))


def _shown(connection: Connection, met: Meetings) -> Meetings:
    """Without those whose data is restricted; the person of the case itself is read all the same, as the law asks."""
    hidden = restrictions.everybody(connection)
    return {pair: rows for pair, rows in met.items() if pair[1] not in hidden}
