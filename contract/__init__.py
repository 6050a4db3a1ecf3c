"""What every stage agrees on. These modules import only msgspec and the standard library.

The contract of a model is data: `penguins.toml` here, `contract.json` in a bundle, `Contract` (schema.py) in memory.
"""
