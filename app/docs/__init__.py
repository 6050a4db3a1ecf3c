"""The documentation of the API: the OpenAPI document at /openapi.json and the page at /docs."""
