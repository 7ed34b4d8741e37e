"""The database: the only folder that speaks SQL."""
