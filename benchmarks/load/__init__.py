"""Load as users make it, and what one instance does under it: locustfile.py's parts, and LOAD_TEST_REPORT.md."""
