"""The handlers of single predictions: from the bytes of a body to a prediction, an explanation or a list of errors."""
