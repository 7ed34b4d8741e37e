"""Keys at rest: what seals what."""

from dataclasses import replace

import pytest

from zonetag_backend.errors import KeyFileError
from zonetag_backend.keys import STOCK, Keyring, SealedKey

KEY = bytes(range(16))
SEALED_BYTES = 12 + 16 + 16


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(b"k" * 32)


@pytest.fixture
def sealed(keyring: Keyring) -> SealedKey:
    return keyring.seal(keyring.new_data_key(STOCK), 7, KEY)


def test_a_key_opens_again_and_only_for_its_tag(keyring: Keyring, sealed: SealedKey) -> None:
    assert keyring.open(7, sealed) == KEY
    assert KEY not in sealed.sealed
    with pytest.raises(KeyFileError):
        keyring.open(8, sealed)


@pytest.mark.parametrize("at", range(SEALED_BYTES))
def test_a_changed_byte_is_noticed(keyring: Keyring, sealed: SealedKey, at: int) -> None:
    changed = bytearray(sealed.sealed)
    changed[at] ^= 1
    with pytest.raises(KeyFileError):
        keyring.open(7, replace(sealed, sealed=bytes(changed)))


@pytest.mark.parametrize("length", range(SEALED_BYTES))
def test_a_cut_one_is_noticed(keyring: Keyring, sealed: SealedKey, length: int) -> None:
    with pytest.raises(KeyFileError):
        keyring.open(7, replace(sealed, sealed=sealed.sealed[:length]))


@pytest.mark.parametrize("at", range(12 + 32 + 16))
def test_a_changed_data_key_is_noticed(sealed: SealedKey, at: int) -> None:
    changed = bytearray(sealed.under.sealed)
    changed[at] ^= 1
    with pytest.raises(KeyFileError):
        Keyring(b"k" * 32).open(7, replace(sealed, under=replace(sealed.under, sealed=bytes(changed))))


def test_data_keys_cannot_be_swapped(keyring: Keyring, sealed: SealedKey) -> None:
    other = keyring.new_data_key(9)
    with pytest.raises(KeyFileError):
        keyring.open(7, replace(sealed, under=other))
    with pytest.raises(KeyFileError):  # another one's seal under this one's name
        keyring.open(7, replace(sealed, under=replace(other, id=STOCK)))


def test_the_same_key_is_never_sealed_alike(keyring: Keyring, sealed: SealedKey) -> None:
    assert keyring.seal(sealed.under, 7, KEY).sealed != sealed.sealed
    assert keyring.new_data_key(STOCK).sealed != sealed.under.sealed


def test_after_a_rotation_the_same_tag_keys_open(keyring: Keyring, sealed: SealedKey) -> None:
    new = Keyring(b"n" * 32)
    moved = replace(sealed, under=keyring.resealed(sealed.under, new))
    assert new.open(7, moved) == KEY
    with pytest.raises(KeyFileError):
        keyring.open(7, moved)
    assert new.mark != keyring.mark


def test_a_keyring_reads_a_rotated_key_anew(sealed: SealedKey, keyring: Keyring) -> None:
    moved = replace(sealed, under=keyring.resealed(sealed.under, Keyring(b"n" * 32)))
    running = Keyring(b"k" * 32, lambda: b"n" * 32)
    assert running.open(7, sealed) == KEY
    assert running.open(7, moved) == KEY


def test_a_secret_of_the_office_is_bound_to_what_it_is_about(keyring: Keyring) -> None:
    under = keyring.new_data_key(1)
    sealed = keyring.seal_secret(under, "totp an", b"secret")
    assert keyring.open_secret(under, "totp an", sealed) == b"secret"
    with pytest.raises(KeyFileError):
        keyring.open_secret(under, "totp binh", sealed)


def test_no_key_is_printed(keyring: Keyring, sealed: SealedKey) -> None:
    assert repr(keyring) == f"Keyring({keyring.mark.hex()})"
    assert "sealed=b" not in repr(sealed)


def test_a_key_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(bytes(31))
