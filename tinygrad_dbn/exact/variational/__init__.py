"""The variational bound, what is lost by it, layer by layer, and how far it can rise."""
