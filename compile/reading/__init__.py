"""From the bytes of a model file to a booster whose every part is understood, or a refusal that names the cause."""
