"""Settings of a registry's members: each member brings a group of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charlm.base.errors import UsageError
from charlm.base.registry import Registry
from charlm.config.base import Config, Configurable, flag


def find_config_type(registry: Registry[Any], member: str) -> type[Config]:
    """A member's group of settings."""
    kind: type[Configurable] = registry.find(member)
    return kind.config_type


def list_config_types(registry: Registry[Any]) -> list[type[Config]]:
    """The members' groups of settings, each once."""
    return list(dict.fromkeys(find_config_type(registry, member) for member in registry.names()))


def find_owners(registry: Registry[Any], name: str) -> dict[str, type[Config]]:
    """The members with this setting, and their groups."""
    kinds = {member: find_config_type(registry, member) for member in registry.names()}
    return {member: kind for member, kind in kinds.items() if name in kind.settings()}


def make_own_settings(registry: Registry[Any], option: str, member: str, given: Mapping[str, Any]) -> Config:
    """A member's settings, without others' defaults; ``option`` chooses the member.

    Raises:
        UsageError: an invalid or another member's setting.
    """
    kind = find_config_type(registry, member)
    for name in given.keys() - kind.settings().keys():
        others = find_owners(registry, name)
        other = next(iter(others.values()))
        if getattr(other(**{name: given[name]}), name) != other.settings()[name].default:
            *before, last = others
            members = f"{', '.join(before)} or {last}" if before else last
            raise UsageError(
                f"{flag(name)} belongs to {flag(option)} {members}: leave it out with {flag(option)} {member}"
            )
    return kind(**{name: value for name, value in given.items() if name in kind.settings()})
