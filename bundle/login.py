"""Refusals for a failed login to Google Cloud, the same for its storage and its key management."""

from google.auth import exceptions as auth

from bundle.refusal import BundleRefusal

LOG_IN = "log in: gcloud auth application-default login"
CREDENTIAL_ERRORS = (auth.GoogleAuthError, OSError, ValueError)  # what looking for credentials raises


def no_credentials(what: str, error: Exception) -> BundleRefusal:
    """Return the refusal for `what` if no credentials were found: `error` is one of CREDENTIAL_ERRORS."""
    return BundleRefusal("credentials", f"{what}: no credentials ({error}); {LOG_IN}")


def login_refusal(what: str, error: auth.GoogleAuthError, retry: str) -> BundleRefusal:
    """Return the refusal for `what` if a login failed. `retry` says what to do if the network was the cause."""
    if isinstance(error, auth.TransportError):
        return BundleRefusal("unreachable", f"{what}: cannot log in ({error}); {retry}")
    return BundleRefusal("credentials", f"{what}: {error}; {LOG_IN}")
