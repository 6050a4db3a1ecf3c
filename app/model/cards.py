"""GET /model/card and /model/datacard: the cards of the bundle that is served."""

from app.core.answer import Answer, Problem, problem
from app.core.card import Card
from app.model.serving import Serving
from contract.manifest import DATA_CARD_FILE, MODEL_CARD_FILE, html_file

PATHS = {"card": MODEL_CARD_FILE, "datacard": DATA_CARD_FILE}  # below /model/
ABSENT = {
    "card": "the bundle has no model card: it was compiled before there were any; compile its model again",
    "datacard": (
        "the bundle has no data card: nothing is known of what the model was trained on. To have one, write "
        f"{DATA_CARD_FILE} and {MODEL_CARD_FILE} beside the model, with the model's SHA-256 as model_sha256 in the "
        "front matter of the second, and compile it again"
    ),
}


def card_of(serving: Serving, path: str) -> Card | Answer:
    """Return the card with this path, or the answer for a bundle that has none."""
    served = serving.served
    if served is None:
        return serving.unavailable
    cards, contract = served.cards, served.contract
    name = PATHS[path]
    if name not in cards:
        return problem(Problem("Not Found", 404, ABSENT[path]), [served.named])
    others = tuple(other for other, file in PATHS.items() if other != path and file in cards)
    return Card(served.version, contract.title or contract.name, cards[name], cards.get(html_file(name)), others)
