"""What can go wrong in a gateway: one small tree.  Each error has a machine `code` and says what to do."""

from dataclasses import dataclass


class GatewayError(Exception):
    """Any refusal by this program: `what` happened and what `to_do` about it, both plain sentences."""

    code = "error"

    def __init__(self, what: str, to_do: str) -> None:
        super().__init__(f"{what}. {to_do}.")
        self.what = what
        self.to_do = to_do


class SourceError(GatewayError):
    """The source of adverts cannot be opened or has died (adapter, permission, file, simulator)."""

    code = "source"


class SpoolBusy(GatewayError):
    """Another process holds this spool."""

    code = "spool-busy"


class SpoolUnusable(GatewayError):
    """The spool's file cannot be opened: no permission, no folder, or it is not a spool."""

    code = "spool-unusable"


class SpoolFull(GatewayError):
    """The disk refused an append; what was not stored is still with the caller, who may try again later."""

    code = "spool-full"


class BrokerSettings(GatewayError):
    """What the broker's settings name cannot be used (a certificate that is none, a password that cannot be read)."""

    code = "broker-settings"


class IdentityUnusable(GatewayError):
    """The files of the enrolment are missing, damaged, or another gateway's."""

    code = "identity"


class EnrolmentRefused(GatewayError):
    """The server did not enrol this gateway, or did not renew its certificate; or it is not our server."""

    code = "enrolment"
    reason = ""  # the server's own code, if it gave one


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the configuration."""

    code: str
    # machine code: missing, unknown-setting, wrong-type, out-of-range, not-one-of, not-a-name, bad-url, bad-address,
    # no-file, not-hex, conflict, unreadable, not-toml
    setting: str
    # where: "section.setting", or "" for the file as a whole
    text: str
    # what is wrong and what to do

    def __str__(self) -> str:
        return f"{self.setting}: {self.text} [{self.code}]" if self.setting else f"{self.text} [{self.code}]"


class ConfigFaults(GatewayError):
    """The configuration has faults; all of them are in `faults`, in the order of the settings."""

    code = "config"

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        lines = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(
            f"{name} has {len(faults)} fault(s):{lines}\n", "Every setting is explained in deploy/gateway.example.toml"
        )
        self.faults = faults
