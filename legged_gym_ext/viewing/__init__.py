"""How a policy looks: films, captions, a window, pictures of the obstacles."""
