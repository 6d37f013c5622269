"""xraying: what tools/xray is made of: a scene, the records that the server has made of it, and the picture."""
