"""Shares of a Cloud Run service, set with gcloud. One update is applied completely or not at all."""

from typing import Any

from contract.refusal import Refusal
from deploy.google import gcloud
from deploy.google.settings import DeploySettings

TAG = "canary"  # the tag under which a new revision answers directly


class CloudRun:
    """One service."""

    def __init__(self, settings: DeploySettings) -> None:
        self._settings = settings
        self.name = f"cloud-run:{settings.project}/{settings.region}/{settings.service}"

    def shares(self) -> dict[str, float]:
        """Return the share of each revision in percent, by name. Raises Refusal."""
        arguments = ["run", "revisions", "list", f"--service={self._settings.service}", *self._place()]
        listed = gcloud.run_json(arguments, self._seconds)
        shares = {each["metadata"]["name"]: 0.0 for each in listed}
        for entry in self._traffic():
            shares[entry["revisionName"]] = shares.get(entry["revisionName"], 0.0) + entry.get("percent", 0)
        return shares

    def send(self, old: str, new: str, share: int) -> None:
        """Give `share` percent to the new revision and the rest to the old one. Raises Refusal."""
        parts = [f"{name}={percent}" for name, percent in ((old, 100 - share), (new, share)) if percent]
        arguments = ["run", "services", "update-traffic", self._settings.service, f"--to-revisions={','.join(parts)}"]
        gcloud.run([*arguments, *self._place(), "--quiet"], self._seconds)

    def pinned(self) -> list[dict[str, object]] | None:
        """Return today's shares for the description of the service, or None if there is no service.

        Raises GcloudRefusal.
        """
        try:
            traffic = self._traffic()
        except gcloud.GcloudRefusal as refusal:
            if "Cannot find service" in refusal.output or "NOT_FOUND" in refusal.output:
                return None
            raise
        entries = [(entry["revisionName"], entry.get("percent", 0)) for entry in traffic]
        return [{"revisionName": name, "percent": percent} for name, percent in entries if percent]

    def address(self, revision: str) -> str:
        """Return the URL at which a revision answers directly. Raises Refusal."""
        found = [entry for entry in self._traffic() if entry["revisionName"] == revision and entry.get("url")]
        if not found:
            raise Refusal(f"{revision} has no tag to be asked by; deploy it: REVISION=... python -m deploy up")
        url: str = found[0]["url"]
        return url

    def _traffic(self) -> list[dict[str, Any]]:
        described = gcloud.run_json(
            ["run", "services", "describe", self._settings.service, *self._place()], self._seconds
        )
        traffic: list[dict[str, Any]] = described.get("status", {}).get("traffic", [])
        return traffic

    def _place(self) -> list[str]:
        return [f"--region={self._settings.region}", f"--project={self._settings.project}"]

    @property
    def _seconds(self) -> float:
        return float(self._settings.gcloud_seconds)
