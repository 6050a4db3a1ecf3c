"""The application: a visible list of routes. `uvicorn app.main:app` and `python -m app` serve it."""

import sys

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from app.about import about
from app.answer import Health, json_answer
from app.bundle import Bundle, load_bundle
from app.docs import docs_page, index
from app.http import body_endpoint, endpoint, http_problem, unexpected_problem
from app.openapi import openapi
from app.predict import predictor
from app.settings import Settings, read_settings
from contract.refusal import USER_MISTAKE, Refusal


def create_app(bundle: Bundle, settings: Settings) -> Starlette:
    """The application that serves one loaded bundle."""
    application = Starlette(
        routes=[
            Route("/predict", body_endpoint(predictor(bundle.library), settings.max_body_bytes), methods=["POST"]),
            Route("/health/live", endpoint(lambda: json_answer(Health("live")))),
            Route("/health/ready", endpoint(lambda: json_answer(Health("ready")))),
            Route("/model", endpoint(lambda: json_answer(about(bundle)))),
            Route("/openapi.json", endpoint(lambda: json_answer(openapi()))),
            Route("/docs", endpoint(docs_page)),
            Route("/", endpoint(index)),
        ],
        exception_handlers={HTTPException: http_problem, Exception: unexpected_problem},
    )
    application.router.redirect_slashes = False  # /predict/ is another path: 404
    return application


def load_app() -> Starlette:
    """The application as the environment configures it. Raises Refusal."""
    settings = read_settings()
    return create_app(load_bundle(settings.bundle_path), settings)


def __getattr__(name: str) -> Starlette:
    """`app`, made when a server first asks for it, so that importing this module loads nothing."""
    if name != "app":
        raise AttributeError(name)
    try:
        return globals().setdefault("app", load_app())  # type: ignore[no-any-return]  # globals hold anything
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(USER_MISTAKE)
