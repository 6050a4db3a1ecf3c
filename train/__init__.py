"""penguins.csv -> penguin_model.json, and what was learned about the data."""
