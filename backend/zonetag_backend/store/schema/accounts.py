"""Accounts, their sessions and their second factor."""
