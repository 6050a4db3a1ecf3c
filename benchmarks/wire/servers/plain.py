"""The service that most people deploy: FastAPI, Pydantic, XGBClassifier. `uvicorn benchmarks.wire.servers.plain:app`

It is given what helps it: a numpy row instead of a DataFrame, and one thread of XGBoost for its one core.
"""

import os
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import FastAPI
from pydantic import BaseModel, Field, create_model
from xgboost import XGBClassifier

from train.contract import CLASSES, CONTRACT

_fields: dict[str, Any] = {
    each.name: Annotated[float, Field(ge=each.minimum, le=each.maximum)] for each in CONTRACT.inputs
}
Bird = create_model("Bird", **_fields)


class Answer(BaseModel):
    """The body of an answer."""

    prediction: int
    species: str
    probabilities: dict[str, float]


classifier = XGBClassifier(n_jobs=1)
classifier.load_model(os.environ["MODEL"])
app = FastAPI()


@app.post("/predict")
async def predict(bird: Bird) -> Answer:  # type: ignore[valid-type]  # made from the contract
    """Answer the label from `predict`, the probabilities from `predict_proba`."""
    features = _features(bird)
    label = int(classifier.predict(features)[0])
    probabilities = classifier.predict_proba(features)[0].tolist()
    shares = dict(zip(CLASSES, probabilities, strict=True))
    return Answer(prediction=label, species=CLASSES[label], probabilities=shares)


def _features(bird: BaseModel) -> npt.NDArray[np.float32]:
    """Return the contract's features, (1, features)."""
    measurements = {name: np.float32(value) for name, value in bird.model_dump().items()}
    return np.array([CONTRACT.derive(measurements)], dtype=np.float32)
