"""What every stage agrees on. Imports msgspec and the standard library only.

To serve another model, edit `measurements.py`, `species.py` and `features.py`.
"""
