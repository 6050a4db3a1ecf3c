"""What the container image holds above its base: the layers' files, and the page about them."""
