"""What is said about a model and its data in words: cards in Markdown, with front matter that model hubs read."""
