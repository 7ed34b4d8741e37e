"""Enrolled gateways: signing keys, certificates, one-time tokens."""
