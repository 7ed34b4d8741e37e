"""The errors of the backend.  Each says what to do; `code` is for machines."""


class BackendError(Exception):
    """Any refusal by the backend that a person can do something about."""

    code = "backend"


class ConfigError(BackendError):
    """Settings that cannot be; the message tells all faults at once."""

    code = "config"


class KeyFileError(BackendError):
    """The key file is missing, readable by others, or not the one that sealed the tags."""

    code = "key-file"


class DatabaseError(BackendError):
    """The database cannot be opened, or is of a newer version than this program."""

    code = "database"


class RegistryError(BackendError):
    """The registry cannot take or find what was asked for."""

    code = "registry"


class NotFound(RegistryError):
    """No such site, place, gateway, person or tag."""

    code = "not-found"


class AlreadyThere(RegistryError):
    """The name, number or code is taken."""

    code = "already-there"


class BadValue(RegistryError):
    """A value breaks its rule; the message states the rule."""

    code = "bad-value"


class BrokerError(BackendError):
    """The MQTT broker cannot be used as configured."""

    code = "broker"


class StoreUnavailable(BackendError):
    """The database cannot be written now; what was to be written is to be tried again."""

    code = "store-unavailable"


class PkiError(BackendError):
    """The office's own certificate authority cannot do what was asked."""

    code = "pki"


class BadRequest(PkiError):
    """What was asked of the authority breaks a rule; the message states the rule.  The asker's fault."""

    code = "bad-request"


class AuditError(BackendError):
    """The audit log's checkpoints cannot be written, or read."""

    code = "audit"


class BackupError(BackendError):
    """A backup cannot be made or restored; the message says why and what to do."""

    code = "backup"
