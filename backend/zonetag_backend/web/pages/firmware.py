"""`/firmware`: what the tags run; a new firmware comes in, is rolled out to them in stages, and stopped."""

import hashlib
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import NotFound
from zonetag_backend.link import archive, rollout
from zonetag_backend.link import records as link
from zonetag_backend.store import audit, firmwares, tag_link
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.firmwares import Version
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

MOST_STOPPERS = 20  # tags of which the page says that they stopped a roll-out; their number is told
SHOWN_DIGEST = 16  # digits of a digest: to compare two files by eye
NO_FILE = _("Choose the file that zonetag tag firmware pack has made.")
NO_VERSION = _("A version is three numbers from 0 to 255, as 1.2.3: the one that the firmware says of itself.")
TAKEN = _("There is another firmware of this version already: give each its own.")
WRONG = {
    archive.EMPTY: _("This file is empty."),
    archive.TOO_LARGE: _("This file is larger than a tag can hold (512 KiB)."),
    archive.NOT_ONE: _("This is no firmware for tags. Make one with zonetag tag firmware pack."),
    archive.CUT: _("This file ends in the middle: copy it once more."),
    archive.FOREIGN: _("%(about)s does not belong to the program of a tag."),
    archive.TWICE: _("%(about)s stands in this file twice."),
    archive.SOURCE: _("%(about)s is not compiled: fill the folder with ./flash.sh --compile."),
    archive.LACKING: _("%(about)s is missing: a tag without it could never be reached again."),
}
STATES = {
    firmwares.NOT_GIVEN: _("given to no tag"),
    firmwares.RUNNING: _("being rolled out"),
    firmwares.STOPPED: _("stopped by a tag"),
    firmwares.FINISHED: _("kept by every tag it was given to"),
}
ORDERS = {
    link.DONE: _("have kept it"),
    link.TRIAL: _("on trial"),
    link.WAITING: _("wait"),
    link.FAILED: _("refused it"),
    link.ROLLED_BACK: _("went back"),
    rollout.SILENT: _("silent for a day"),
}
DONE = {
    "added": _("The firmware is here. No tag takes it before it is rolled out."),
    "begin": _("One tag takes it first, when a gateway next reaches it."),
    "stop": _("No further tag takes it. A tag on trial decides by itself within a day."),
}


def firmware(request: Request) -> Response:
    """What there is, `?done=` what was just done; a form brings a new one (fields `file`, `version`)."""
    if request.method != "POST":
        return _show(request)
    sent = form_of(request).get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return _show(request, NO_FILE)
    with sent.file:
        data = sent.file.read(archive.MOST_BYTES + 1)
    code, about = archive.wrong(data)
    if code:
        return _show(request, WRONG[code], about)
    try:
        version = ".".join(map(str, tag_link.version_of(field(request, "version").strip()[:16])))
    except ValueError:
        return _show(request, NO_VERSION)
    desk, digest = desk_of(request), hashlib.sha256(data).digest()
    now_ms = desk.clock()
    with writing(desk.engine) as connection:
        new = version not in {each.version for each in firmwares.versions(connection, now_ms)}
        image = tag_link.add_firmware(connection, version, digest, data, now_ms)
        if image is not None and new:  # the same once more is no act
            audit.record(connection, now_ms, visitor_of(request).actor, "firmware.add", version, digest.hex())
    return _show(request, TAKEN) if image is None else RedirectResponse("/firmware?done=added", 303)


def change(request: Request) -> Response:
    """Field `act`: begin or stop the roll-out."""
    desk, act, text = desk_of(request), field(request, "act"), request.path_params["firmware"]
    acts = {"begin": (firmwares.begin, "update"), "stop": (firmwares.stop, "stop")}
    if act not in acts:
        raise Fault("bad-form", 400)
    does, word = acts[act]
    now_ms = desk.clock()
    try:
        with writing(desk.engine) as connection:
            version, tags = does(connection, id_of(text), now_ms)
            if tags:
                audit.record(connection, now_ms, visitor_of(request).actor, "tag.order", "all", f"{word} {version}")
    except NotFound:
        raise Fault("no-firmware", 404, text) from None
    return RedirectResponse(f"/firmware?done={act}", 303)


def _show(request: Request, error: str = "", about: str = "") -> Response:
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        found, runs, zone = firmwares.versions(connection, now_ms), firmwares.runs(connection), first_zone(connection)
        stopped = {
            each.id: firmwares.stoppers(connection, each.id, now_ms, MOST_STOPPERS)
            for each in found
            if each.state == firmwares.STOPPED
        }
    return show(
        request,
        "firmware",
        lambda: {
            "firmware": [_twin(each, zone) for each in found],
            "runs": [{"version": version or None, "tags": tags} for version, tags in _by_version(runs.items())],
        },
        400 if error else 200,
        found=found,
        runs=_by_version(runs.items()),
        stopped=stopped,
        states=STATES,
        orders=ORDERS,
        bad=rollout.BAD,
        zone=zone,
        digits=SHOWN_DIGEST,
        error=error,
        about=about,
        done=DONE.get(request.query_params.get("done", ""), ""),
        typed=field(request, "version") if error else "",
    )


def _by_version(runs: Any) -> list[tuple[str, int]]:
    """The newest first; those that have not talked last."""

    def key(each: tuple[str, int]) -> tuple[int, ...]:
        return tuple(int(part) for part in each[0].split(".")) if each[0] else ()

    return sorted(runs, key=key, reverse=True)


def _twin(each: Version, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "version": each.version,
        "added": iso(each.added_ms, zone),
        "bytes": each.size,
        "sha256": each.digest.hex(),
        "state": each.state,
        "runs": each.runs,
        "at_once": each.at_once,
        "tags": {state: each.orders[state] for state in firmwares.STATES},
    }
