"""A viewer in the browser: sessions of play, their scene, the controls, and the gate of the server."""
