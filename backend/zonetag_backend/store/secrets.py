"""Data keys in the database: one a person, one for the stock of tags, one for the office's own secrets."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from zonetag_backend.errors import KeyFileError
from zonetag_backend.keys import SECRETS, STOCK, DataKey, Keyring, SealedKey
from zonetag_backend.store import rows
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import tag, wearing
from zonetag_backend.store.schema.secrets import data_key

_COLUMNS = (data_key.c.id, data_key.c.mark, data_key.c.sealed)


def of_person(connection: Connection, keyring: Keyring, who: int, now_ms: int) -> DataKey:
    """A person's data key, made now if there is none."""
    return of_people(connection, keyring, [who], now_ms)[who]


def of_people(connection: Connection, keyring: Keyring, people: Sequence[int], now_ms: int) -> dict[int, DataKey]:
    """The data keys of some hundred people, made now where there is none."""
    d = data_key.c
    known = connection.execute(select(d.person, *_COLUMNS).where(d.person.in_(people)))
    found = {who: DataKey(*row) for who, *row in known}
    new = {new_id(): who for who in dict.fromkeys(people) if who not in found}
    made = _make(connection, keyring, new, now_ms) if new else []
    return found | {new[key.id]: key for key in made}


def of_stock(connection: Connection, keyring: Keyring, now_ms: int) -> DataKey:
    """The data key of tags that nobody wears, made now if there is none."""
    return _office(connection, keyring, STOCK, now_ms)


def of_secrets(connection: Connection, keyring: Keyring, now_ms: int) -> DataKey:
    """The data key of the office's own small secrets, made now if there is none."""
    return _office(connection, keyring, SECRETS, now_ms)


def _office(connection: Connection, keyring: Keyring, which: int, now_ms: int) -> DataKey:
    row = connection.execute(select(*_COLUMNS).where(data_key.c.id == which)).first()
    return DataKey(*row) if row is not None else _make(connection, keyring, {which: None}, now_ms)[0]


def _make(connection: Connection, keyring: Keyring, wanted: Mapping[int, int | None], now_ms: int) -> list[DataKey]:
    """New data keys, by id; each a person's, or the office's."""
    other = connection.execute(select(*_COLUMNS).limit(1)).first()
    if other is not None:
        keyring.resealed(DataKey(*other), keyring)  # refuses to mix two key-encryption keys; reads a rotated one anew
    made = [keyring.new_data_key(which) for which in wanted]
    rows.insert(connection, data_key, [(key.id, wanted[key.id], key.mark, key.sealed, now_ms) for key in made])
    return made


def sealed_key(connection: Connection, which: int) -> SealedKey | None:
    """A tag's key as it rests; none once it was destroyed."""
    return sealed_keys(connection, [which]).get(which)


def sealed_keys(connection: Connection, which: Sequence[int] | None = None) -> dict[int, SealedKey]:
    """The keys of tags as they rest, by tag: of `which`, or of all; those that were destroyed are not there."""
    columns = (tag.c.id, tag.c.sealed_key, data_key.c.id, data_key.c.mark, data_key.c.sealed)
    statement = select(*columns).join(data_key, data_key.c.id == tag.c.data_key).where(tag.c.sealed_key != b"")
    if which is not None:
        statement = statement.where(tag.c.id.in_(which))
    return {each: SealedKey(DataKey(*under), sealed) for each, sealed, *under in connection.execute(statement)}


def reseal(connection: Connection, keyring: Keyring, which: int, under: DataKey) -> None:
    """Put a tag's key under another data key."""
    reseal_all(connection, keyring, {which: under})


def reseal_all(connection: Connection, keyring: Keyring, under: Mapping[int, DataKey]) -> None:
    """Put the keys of some hundred tags each under another data key."""
    moved = [
        {
            "which": which,
            "sealed": keyring.seal(under[which], which, keyring.open(which, key)).sealed,
            "key": under[which].id,
        }
        for which, key in sealed_keys(connection, list(under)).items()
        if key.under.id != under[which].id
    ]
    if moved:
        mine = update(tag).where(tag.c.id == bindparam("which"))
        connection.execute(mine.values(sealed_key=bindparam("sealed"), data_key=bindparam("key")), moved)


def adopt(connection: Connection, keyring: Keyring, now_ms: int) -> int:
    """Put keys that release 0.1.0 sealed under data keys, the wearer's or the stock's; how many there were."""
    old = connection.execute(
        select(tag.c.id, tag.c.sealed_key, wearing.c.person)
        .outerjoin(wearing, (wearing.c.tag == tag.c.id) & wearing.c.until_ms.is_(None))
        .where(tag.c.data_key.is_(None), tag.c.sealed_key != b"")
    ).all()
    for which, sealed, who in old:
        key = keyring.open_directly(which, sealed)
        under = of_stock(connection, keyring, now_ms) if who is None else of_person(connection, keyring, who, now_ms)
        moved = keyring.seal(under, which, key)
        connection.execute(update(tag).where(tag.c.id == which).values(sealed_key=moved.sealed, data_key=under.id))
    return len(old)


def has_old(connection: Connection) -> bool:
    """Whether there are keys for `adopt`."""
    old = select(tag.c.id).where(tag.c.data_key.is_(None), tag.c.sealed_key != b"").limit(1)
    return connection.scalar(old) is not None


def check(connection: Connection, keyring: Keyring) -> None:
    """KeyFileError unless this keyring is the one of this database: one data key tells, all are under one key."""
    row = connection.execute(select(*_COLUMNS).limit(1)).first()
    if row is not None:
        keyring.resealed(DataKey(*row), keyring)
        return
    old = connection.execute(select(tag.c.id, tag.c.sealed_key).where(tag.c.sealed_key != b"").limit(1)).first()
    if old is not None:
        keyring.open_directly(old.id, old.sealed_key)


def is_empty(connection: Connection) -> bool:
    """Whether no key was ever sealed here, so that a new key file may be made."""
    no_data_key = connection.scalar(select(data_key.c.id).limit(1)) is None
    return no_data_key and connection.scalar(select(tag.c.id).where(tag.c.sealed_key != b"").limit(1)) is None


def count(connection: Connection) -> int:
    """How many data keys there are."""
    return int(connection.scalar(select(func.count()).select_from(data_key)) or 0)


def marks(connection: Connection) -> set[bytes]:
    """Which key-encryption keys seal the data keys: one, always."""
    return set(connection.scalars(select(data_key.c.mark).distinct()))


def rotate(connection: Connection, old: Keyring, new: Keyring) -> int:
    """Put every data key under another key-encryption key; how many.  Tag keys stay as they are."""
    known = connection.execute(select(*_COLUMNS)).all()
    for row in known:
        moved = old.resealed(DataKey(*row), new)
        connection.execute(
            update(data_key).where(data_key.c.id == moved.id).values(mark=moved.mark, sealed=moved.sealed)
        )
    if marks(connection) - {new.mark}:
        raise KeyFileError("a data key was made meanwhile: type the command again")
    return len(known)


def destroy(connection: Connection, who: int) -> list[int]:
    """Destroy a person's data key, and with it the keys of the tags under it; the ids of those tags."""
    which = connection.scalar(select(data_key.c.id).where(data_key.c.person == who))
    if which is None:
        return []
    tags = list(connection.scalars(select(tag.c.id).where(tag.c.data_key == which)))
    connection.execute(update(tag).where(tag.c.data_key == which).values(sealed_key=b"", data_key=None))
    connection.execute(delete(data_key).where(or_(data_key.c.id == which, data_key.c.person == who)))
    return tags
