"""Model bundles between those who make them and those who run them: signed, published, fetched, verified, cached."""
