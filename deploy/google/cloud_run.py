"""Shares of a Cloud Run service, set with gcloud. One update is applied completely or not at all."""

from typing import Any

from contract.refusal import Refusal
from deploy.google import gcloud
from deploy.google.settings import DeploySettings

TAG = "canary"  # the tag under which a new revision answers directly
BACK = "rolled-back"  # the tag of the revision that was rolled back last: the platform remembers it for every machine


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
        self._update(f"--to-revisions={','.join(parts)}")

    def back(self, old: str, new: str) -> None:
        """Give all requests to the old revision and tag the new one, in one update. Raises Refusal."""
        self._update(f"--to-revisions={old}=100", f"--update-tags={BACK}={new}")

    def rolled_back(self) -> str | None:
        """Return the revision that was rolled back last, or None. Raises Refusal."""
        return next((entry["revisionName"] for entry in self._traffic() if entry.get("tag") == BACK), None)

    def _update(self, *changes: str) -> None:
        arguments = ["run", "services", "update-traffic", self._settings.service, *changes]
        gcloud.run([*arguments, *self._place(), "--quiet"], self._seconds)

    def pinned(self) -> list[dict[str, object]] | None:
        """Return today's shares for the description of the service, or None if there is no service.

        A revision that was rolled back keeps its tag.

        Raises GcloudRefusal.
        """
        try:
            traffic = self._traffic()
        except gcloud.GcloudRefusal as refusal:
            if "Cannot find service" in refusal.output or "NOT_FOUND" in refusal.output:
                return None
            raise
        shares: dict[str, int] = {}
        for entry in traffic:
            shares[entry["revisionName"]] = shares.get(entry["revisionName"], 0) + entry.get("percent", 0)
        marked = [entry["revisionName"] for entry in traffic if entry.get("tag") == BACK]
        return [
            *({"revisionName": name, "percent": percent} for name, percent in shares.items() if percent),
            *({"revisionName": name, "percent": 0, "tag": BACK} for name in marked),
        ]

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
