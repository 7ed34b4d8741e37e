"""Fills an empty registry with the simulated office: a site, its places and gateways, people, and tags handed out."""

from pathlib import Path

from zonetag_backend.keys import Keyring
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority
from zonetag_backend.pki.folder import Folder
from zonetag_backend.simulate.office import Office
from zonetag_backend.store import registry, tags, tokens
from zonetag_backend.store.engine import Database, writing

SITE = "hq"
TITLE = "Ủy ban nhân dân phường (mô phỏng)"
TIMEZONE = "Asia/Ho_Chi_Minh"
_DAY_MS = 86_400_000


def fill(engine: Database, keyring: Keyring, office: Office, start_ms: int, days: int = 0) -> None:
    """One transaction.  `start_ms`: UTC of the office's second 0.

    The tags were handed out the day before its past begins, which is `days` long.
    """
    ago_ms = (days + 1) * _DAY_MS
    before = start_ms - ago_ms
    with writing(engine) as connection:
        registry.add_site(connection, SITE, TITLE, TIMEZONE, office.absence_s)
        for receiver in office.plan.receivers:
            registry.add_place(connection, SITE, receiver.place, receiver.kind)
            registry.add_gateway(connection, receiver.name, SITE, receiver.place, before)
        for person, tag in zip(office.people, office.tags, strict=True):
            # What the card said of the tag's clock, carried on to that day: wrong by its drift since then.
            t0 = int(tag.believed_t0_s) - ago_ms // 1000
            new = tags.add_tag(connection, keyring, tag.number, before, master=tag.master, t0=t0)
            who = registry.add_person(connection, person.name, person.unit, person.code, before)
            tags.hand_out(connection, keyring, new.id, who, before)


def found_authority(data: Path, start_ms: int) -> None:
    """A certificate authority for an afternoon: its root is forgotten at once."""
    root = authority.init_root(start_ms)
    Folder(data).create(authority.init_issuing(root, start_ms), root.certificate)


def token_for(engine: Database, data: Path, gateway: str, now_ms: int) -> str:
    """What lets a gateway in."""
    with writing(engine) as connection:
        return tokens.make(connection, (gateway, SITE), OfficeCa.open(data).pin, now_ms).text
