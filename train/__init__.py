"""From penguins.csv to penguin_model.json, and to what training learned about the data."""
