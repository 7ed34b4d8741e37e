"""Consent, visitors, health declarations, requests of data subjects, reminders."""
