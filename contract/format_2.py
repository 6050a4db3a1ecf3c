"""The penguins' contract, as bundles of format 2 imply it: their manifests only name its inputs and classes."""

from contract.manifest import Interface
from contract.schema import decode_contract

CONTRACT = decode_contract(b"""
{"name": "penguin", "title": "Penguin species", "row": "bird", "subject": "penguin",
 "summary": "The species of a penguin from its measurements.",
 "inputs": [
  {"name": "bill_length_mm", "unit": "mm", "minimum": 20, "maximum": 80,
   "typical": [32, 60], "error": 0.5, "description": "Length of the bill's upper ridge", "example": 39.1},
  {"name": "bill_depth_mm", "unit": "mm", "minimum": 8, "maximum": 30,
   "typical": [13, 22], "error": 0.5, "description": "Depth of the bill at its base", "example": 18.7},
  {"name": "flipper_length_mm", "unit": "mm", "minimum": 120, "maximum": 280,
   "typical": [172, 231], "error": 2, "description": "Length of the flipper", "example": 181},
  {"name": "body_mass_g", "unit": "g", "minimum": 1500, "maximum": 9000,
   "typical": [2700, 6300], "error": 50, "description": "Body mass", "example": 3750}],
 "derived": [
  {"kind": "ratio", "numerator": "bill_length_mm", "denominator": "bill_depth_mm"},
  {"kind": "ratio", "numerator": "bill_length_mm", "denominator": "flipper_length_mm"},
  {"kind": "ratio", "numerator": "bill_length_mm", "denominator": "body_mass_g"},
  {"kind": "ratio", "numerator": "bill_depth_mm", "denominator": "flipper_length_mm"},
  {"kind": "ratio", "numerator": "bill_depth_mm", "denominator": "body_mass_g"},
  {"kind": "ratio", "numerator": "flipper_length_mm", "denominator": "body_mass_g"}],
 "output": {"classes": ["Gentoo", "Chinstrap", "Adelie"], "label": "species"}}
""")

INTERFACE = Interface(
    measurements=CONTRACT.input_names,
    units=tuple(each.unit for each in CONTRACT.inputs),
    features=CONTRACT.features,
    classes=CONTRACT.output.classes,
)
