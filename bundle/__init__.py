"""Model bundles on their way from training to serving: signed, published, fetched, verified and cached."""
