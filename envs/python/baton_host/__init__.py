"""Serves Python simulators to Baton over ZeroMQ: ``python3 -m baton_host --env SPEC --copies K --bind ENDPOINT``."""
