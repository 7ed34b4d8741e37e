"""A simulated office: people with tags, the air between them and the gateways, and the truth about both.

Pure: a plan, a seed and a time give the adverts that each gateway hears.  No clock, no file, no socket in here; the
office's own time runs in seconds from its start.
"""
