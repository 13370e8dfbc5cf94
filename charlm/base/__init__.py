"""What every other package uses: arrays, errors, registries, files; it imports none of them."""
