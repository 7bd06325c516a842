"""The REST API. docs/api.md tells its use, `/api/openapi.json` its shapes."""
