"""The contract that this model is trained for. Lifetime: import."""

from contract.reading import PENGUINS, read_contract

CONTRACT = read_contract(PENGUINS)
CLASSES = CONTRACT.output.classes  # a label is an index into them
