"""Serves Python simulators to Baton over ZeroMQ: ``python3 -m baton_host --env module:Class --copies K --bind ENDPOINT``."""
