"""The audit log: who read or changed what, chained by hashes."""
