"""Pickles, and joblib's files, which are pickles. The names of their classes are read, and nothing is unpickled.

Unpickling calls what the file names, so it runs code of whoever wrote the file. Here the opcodes are parsed and none is
run. joblib writes the numbers of an array between two opcodes. From there on only names are searched for.
"""

import pickletools
import re
import warnings
from collections.abc import Iterator

import msgspec

from compile.reading.foreign.sample import ONLY_XGBOOST, Sample

OPCODES = 20_000  # how many opcodes are parsed: the classes come early
NAMES = 200  # how many different names are kept
PROTOCOL = re.compile(rb"\x80[\x02-\x05]")
EARLY = re.compile(  # protocols 0 and 1 have no header: a class, or a list or dict, and its place in the memo
    rb"c[\w.]+\n\w+\n(?:p\d+\n|q.|\()|\([ld]p\d+\n|[\]}]q\0", re.DOTALL
)
PLAIN = re.compile(r"[A-Za-z_]\w*(?:\.\w+){0,9}", re.ASCII)
LATER = re.compile(rb"((?:xgboost|lightgbm|catboost)(?:\.\w{1,60}){1,4})(?:\n|\x94?\x8c.)([A-Z]\w{1,60})", re.DOTALL)
MAX_NAME_BYTES = 100
MACHINERY = {"copy_reg", "copyreg", "__builtin__", "builtins", "_codecs", "collections", "functools", "joblib", "numpy"}
COLLECTIONS = {"EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET", "EMPTY_TUPLE", "MARK"}
WRAPPERS = re.compile(r"xgboost\..*\.(?:(?:Dask)?XGB(?:RF)?(?:Model|Classifier|Regressor|Ranker)|SparkXGB\w*Model)")
BOOSTER = "xgboost.core.Booster"
HOLDERS = {  # classes that contain a model, and the expression for it
    "sklearn.pipeline.Pipeline": "model[-1]",
    "sklearn.model_selection._search.GridSearchCV": "model.best_estimator_",
    "sklearn.model_selection._search.RandomizedSearchCV": "model.best_estimator_",
    "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV": "model.best_estimator_",
}
UNPICKLED = "nothing is unpickled here, since that runs its code"
MADE = f"{UNPICKLED}: in Python, where it was made, type"


class Names(msgspec.Struct, frozen=True):
    """The classes and functions that a pickle names, in order, and the first opcode that makes an object, if any."""

    found: tuple[str, ...]
    first: str | None

    @property
    def collection(self) -> bool:
        """Return whether the pickled object is a list, a dict or the like."""
        return self.first in COLLECTIONS

    @property
    def xgboost(self) -> str | None:
        """Return the first class of XGBoost that has trees: a wrapper if there is one, and else the Booster."""
        wrappers = [name for name in self.found if WRAPPERS.fullmatch(name)]
        return wrappers[0] if wrappers else BOOSTER if BOOSTER in self.found else None

    @property
    def own(self) -> str | None:
        """Return the class of the pickled object itself."""
        return next((name for name in self.found if name.partition(".")[0] not in MACHINERY), None)

    @property
    def joblib(self) -> bool:
        """Return whether it contains arrays as joblib writes them."""
        return any(name.startswith("joblib.") for name in self.found)


def pickled(sample: Sample, packing: str = "") -> str | None:
    """Return what the pickle is, or None. `packing` names the file's compression, which joblib removes by itself."""
    if not (PROTOCOL.match(sample.head) or EARLY.match(sample.head)):
        return None
    names = read_names(sample.head)
    if names.first is None:
        return None
    kind = "a joblib file" if names.joblib or sample.path.suffix == ".joblib" else "a pickle"
    compressed = f", compressed by {packing}," if packing else ""
    return f"{kind}{compressed} of {_object(names)}; {_advice(names)}"


def read_names(head: bytes) -> Names:
    """Return the names in the opcodes up to the first invalid one. The rest is searched for three tree libraries."""
    opcodes: list[tuple[str, object]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of a backslash in a string of the file
        end = _parse(head, opcodes)
    found = dict.fromkeys(_globals(opcodes))
    for module, name in LATER.findall(head, end):
        if len(found) < NAMES:
            found.setdefault(f"{module.decode()}.{name.decode()}")
    first = next((name for name, _ in opcodes if name not in ("PROTO", "FRAME")), None)
    return Names(tuple(found), first)


def _parse(head: bytes, opcodes: list[tuple[str, object]]) -> int:
    """Append opcodes with their arguments. Return how many bytes could be parsed."""
    end = 0
    try:
        for opcode, argument, position in pickletools.genops(head):
            end = position or 0
            opcodes.append((opcode.name, argument))
            if len(opcodes) == OPCODES:
                break
    except (ValueError, OverflowError):
        pass
    return end


def _globals(opcodes: list[tuple[str, object]]) -> Iterator[str]:
    """Yield the names. GLOBAL has a name as its argument, STACK_GLOBAL takes the two strings that were pushed last."""
    pushed: list[object] = [None, None]
    memo: dict[object, object] = {}
    for opcode, argument in opcodes:
        if opcode in ("GLOBAL", "INST"):
            yield from _plain(str(argument).replace(" ", ".", 1))
        elif opcode == "STACK_GLOBAL":
            yield from _plain(f"{pushed[-2]}.{pushed[-1]}")
        elif opcode == "MEMOIZE":
            memo[len(memo)] = pushed[-1]
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = pushed[-1]
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            pushed = [pushed[-1], memo.get(argument)]
        elif opcode != "FRAME":
            pushed = [pushed[-1], argument if isinstance(argument, str) else None]


def _plain(name: str) -> Iterator[str]:
    """Yield the name if it is a valid Python name."""
    if len(name) <= MAX_NAME_BYTES and PLAIN.fullmatch(name):
        yield name


def _object(names: Names) -> str:
    inside = names.xgboost or names.own
    if names.collection:
        return f"a collection of Python objects ({inside} in it)" if inside else "a collection of Python objects"
    if names.xgboost and names.own != names.xgboost:
        return f"a Python object ({names.own} with {names.xgboost} in it)"
    return f"a Python object ({inside})" if inside else "a Python object"


def _advice(names: Names) -> str:
    if names.xgboost is None:
        return f"{UNPICKLED}; {ONLY_XGBOOST if names.own else 'no model is named in it'}"
    line = f"{'' if names.xgboost == BOOSTER else '.get_booster()'}.save_model('model.json')"
    if names.own == names.xgboost and not names.collection:
        return f"{MADE} model{line}"
    holder = None if names.collection else HOLDERS.get(names.own or "")
    where = "" if holder else ", where model is the XGBoost model in it"
    return f"{MADE} {holder or 'model'}{line}{where}; only the trees of XGBoost are compiled, not what is around them"
