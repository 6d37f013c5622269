"""classroom: what tools/lab is made of: servers side by side under the same load, scenes to watch, and their page."""
