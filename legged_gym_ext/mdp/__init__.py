"""Terms of the decision process: free functions ``f(env, **parameters)`` on an ``EnvState``."""
