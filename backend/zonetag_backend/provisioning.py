"""What the set-up in the browser takes from the data folder and the settings."""

from zonetag_backend.config import Config
from zonetag_backend.enrolment_server import url_of
from zonetag_backend.importkey import open_import_key
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.web.provision import Provision


def provision_of(config: Config) -> Provision:
    """For the pages of this server."""
    return Provision(
        import_key=lambda: open_import_key(config.data),
        url=lambda: url_of(config),
        pin=lambda: OfficeCa.open(config.data).pin,
    )
