"""What Home Assistant is told of a gateway's own health (MQTT discovery).  Pure.  No tag, no person, nothing heard.

Each entity is a retained message on `<prefix>/<component>/zonetag_<site>_<name>/<key>/config` that names the topic of
SPEC.md section 8 to read, and how.  An empty retained message on the same topic takes the entity away.
"""

import json
from typing import Any

from zonetag_gateway.config import Config
from zonetag_protocol import topics

Entity = tuple[str, str, str, str, dict[str, Any]]
"""Component, key, name, template over the topic's JSON, further settings."""

_ON_STATE: tuple[Entity, ...] = (
    (
        "binary_sensor",
        "connected",
        "Connected",
        "{{ 'ON' if value_json.online else 'OFF' }}",
        {"device_class": "connectivity"},
    ),
)
_COUNT = {"state_class": "total_increasing"}
_ON_HEALTH: tuple[Entity, ...] = (
    (
        "binary_sensor",
        "clock",
        "Clock",
        "{{ 'OFF' if value_json.synchronised else 'ON' }}",
        {"device_class": "problem"},
    ),
    ("sensor", "adverts", "Adverts heard", "{{ value_json.tallies['adverts'] | default(0) }}", _COUNT),
    ("sensor", "delivered", "Reports delivered", "{{ value_json.acknowledged }}", _COUNT),
    (
        "sensor",
        "waiting",
        "Reports waiting",
        "{{ value_json.spool.reports + value_json.spool.held }}",
        {"state_class": "measurement"},
    ),
    (
        "sensor",
        "dropped",
        "Dropped",
        "{{ value_json.tallies['dropped.disk'] | default(0) + value_json.tallies['dropped.reports'] | default(0) }}",
        _COUNT,
    ),
    (
        "sensor",
        "seen",
        "Last health",
        "{{ (value_json.utc_ms / 1000) | as_datetime }}",
        {"device_class": "timestamp"},
    ),
)


def wanted(config: Config, version: str) -> dict[str, bytes]:
    """What Home Assistant shall find at the broker."""
    if not config.homeassistant.discovery:
        return {}
    return announcements(config.site, config.name, config.homeassistant.prefix, version)


def announcements(site: str, name: str, prefix: str, version: str) -> dict[str, bytes]:
    """Topic -> message, all to be retained."""
    node = f"zonetag_{site}_{name}"  # names hold no underscore, so no two gateways share one
    state, health = (topics.topic(site, name, leaf) for leaf in (topics.STATE, topics.HEALTH))
    device = {
        "identifiers": [node],
        "name": f"Zonetag {site}/{name}",
        "manufacturer": "Zonetag",
        "model": "gateway",
        "sw_version": version,
    }
    available = {
        "availability": [{"topic": state, "value_template": "{{ 'online' if value_json.online else 'offline' }}"}]
    }
    found = {}
    for topic, entities, more in ((state, _ON_STATE, {}), (health, _ON_HEALTH, available)):
        for component, key, title, template, settings in entities:
            message = {
                "name": title,
                "unique_id": f"{node}_{key}",
                "state_topic": topic,
                "value_template": template,
                "entity_category": "diagnostic",
                **settings,
                **more,
                "device": device,
                "origin": {"name": "Zonetag", "sw_version": version},
            }
            found[f"{prefix}/{component}/{node}/{key}/config"] = json.dumps(message, separators=(",", ":")).encode()
    return found
