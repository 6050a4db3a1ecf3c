"""The pages for a browser: GET /, GET /docs, and the files that they load. All of them are in app/page/static/."""
