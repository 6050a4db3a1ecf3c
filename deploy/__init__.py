"""Getting a release to where it serves: the service's description, its rights, the canary that lets it in."""
