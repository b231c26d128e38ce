"""The working clone's side of the way: what is checked, attested, previewed, delivered and landed."""
