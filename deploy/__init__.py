"""Deploying a release: the service's description, its permissions, and the canary that decides about its traffic."""
