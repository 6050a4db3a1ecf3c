"""Which bundle is served: found, loaded, followed, swapped and compared with a challenger."""
