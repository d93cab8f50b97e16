"""Fast layers and optimisers, floating-point types and devices; no models."""
