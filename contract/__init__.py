"""What every stage agrees on. These modules import only msgspec and the standard library.

To serve another model, edit `measurements.py`, `species.py` and `features.py`.
"""
