"""The description of the API for machines: the OpenAPI document at /openapi.json."""
