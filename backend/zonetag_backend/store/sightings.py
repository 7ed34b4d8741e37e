"""From a judged report to the tags that may be called where it came from."""

from collections.abc import Iterator

from zonetag_backend import records
from zonetag_backend.ingest import Ingest
from zonetag_backend.link.calls import Sighting, ends_ms
from zonetag_backend.store.ingest import Judged
from zonetag_protocol import status
from zonetag_protocol.rotation import ROTATION_BITS, SLOT_BITS

_EPOCH_TO_SLOT = ROTATION_BITS - SLOT_BITS


def sightings(judged: Judged, ingest: Ingest) -> Iterator[Sighting]:
    """The last hearing of each tag in a report; badges have no link."""
    last = {each.tag: each for each in judged.verdict.observations if each.slot != records.BADGE_SLOT}
    eids = judged.report.columns.eid
    for each in last.values():
        epoch = each.slot >> _EPOCH_TO_SLOT
        track = ingest.tracks[ingest.index(each.tag)]
        yield Sighting(
            each.tag,
            each.gateway,
            judged.post.site,
            each.start_ms + each.span_ms,
            eids[8 * each.row : 8 * each.row + 8],
            epoch,
            each.rssi_max,
            ends_ms(epoch, track.offset_ms),
            track.status >= 0 and status.unpack(track.status).log_waiting,
        )
