"""Why a model answers as it does, computed from its trees."""
