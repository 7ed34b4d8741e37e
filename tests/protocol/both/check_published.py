"""Other people's published vectors, through our own primitives: what they can tell, ours must tell too."""

from both import vectors
from both.expect import same

from zonetag_protocol.crypto import Aes, cmac, hkdf_sha256, sha256
from zonetag_protocol.rotation import eid_of


def check_eddystone_eid() -> None:
    for item in vectors.load("eddystone")["eid"]:
        same(eid_of(bytes.fromhex(item["identity_key"]), item["t"], item["k"]).hex(), item["eid"], item)


def check_eddystone_key_agreement() -> None:
    """The derivation behind the agreement; the agreement itself is the servers' affair."""
    item = vectors.load("eddystone")["ecdh"]
    salt = bytes.fromhex(item["service_public"] + item["beacon_public"])
    same(hkdf_sha256(bytes.fromhex(item["shared"]), salt, b"", 16).hex(), item["identity_key"])


def check_eddystone_etlm() -> None:
    """AES-EAX (Bellare, Rogaway, Wagner 2004) built from CMAC and AES blocks, with a tag of 2 bytes and no header."""
    for item in vectors.load("eddystone")["etlm"]:
        key, nonce, plain = [bytes.fromhex(item[name]) for name in ("identity_key", "nonce", "plaintext")]
        start = cmac(key, bytes(16) + nonce)
        pad = Aes(key).encrypt(start)  # 12 bytes need one block of the counter mode
        sealed = bytes([a ^ b for a, b in zip(plain, pad)])
        tags = zip(start, cmac(key, bytes(15) + b"\x01"), cmac(key, bytes(15) + b"\x02" + sealed))
        mic = bytes([a ^ b ^ c for a, b, c in tags])[:2]
        same(sealed.hex(), item["ciphertext"])
        same(mic.hex(), item["mic"])
        if "service_data_after_uuid" in item:
            same("2001" + sealed.hex() + nonce.hex()[-4:] + mic.hex(), item["service_data_after_uuid"])


def check_exposure_notification() -> None:
    """RPIK, AEMK, and each interval's RPI and encrypted metadata of a day (Exposure Notification cryptography 1.2)."""
    day = vectors.load("exposure_notification")
    key = bytes.fromhex(day["tek"])
    rpik = hkdf_sha256(key, b"", b"EN-RPIK", 16)
    aemk = hkdf_sha256(key, b"", b"EN-AEMK", 16)
    same(rpik.hex(), day["rpik"])
    same(aemk.hex(), day["aemk"])
    metadata = bytes.fromhex(day["metadata"])
    for item in day["advertised"]:
        interval = (day["first_interval"] + item["i"]).to_bytes(4, "little")
        rpi = Aes(rpik).encrypt(b"EN-RPI" + bytes(6) + interval)
        same(rpi.hex(), item["rpi"], item["i"])
        aem = bytes([a ^ b for a, b in zip(metadata, Aes(aemk).encrypt(rpi))])
        same(aem.hex(), item["aem"], item["i"])


def check_bluezone() -> None:
    picked = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
    for item in vectors.load("bluezone")["vectors"]:
        chain = sha256(bytes.fromhex(item["day_key"]) + b"bluzonesubkey")
        for _ in range(item["slot"]):
            chain = sha256(chain)
        same(bytes([chain[i] for i in picked]).hex(), item["id"], item)
