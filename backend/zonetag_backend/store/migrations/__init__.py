"""Alembic's migrations; `zonetag_backend.store.engine.migrate` applies them."""
