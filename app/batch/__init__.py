"""Many rows in one request: inference by the Open Inference Protocol, within the memory budget for batches."""
