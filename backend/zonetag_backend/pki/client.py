"""Which certificate our own programs show the broker when the settings name none."""

from dataclasses import replace
from pathlib import Path

from zonetag_backend.config import Broker
from zonetag_backend.pki.folder import ROOT, Folder


def with_own(broker: Broker, data: Path, name: str) -> Broker:
    """The settings, with the certificate `name` of the office's own authority if they ask for TLS and name none."""
    folder = Folder(data)
    if not broker.tls or broker.cert is not None or not folder.file(name).exists():
        return broker
    return replace(broker, ca=broker.ca or folder.path / ROOT, cert=folder.file(name), key=None)
