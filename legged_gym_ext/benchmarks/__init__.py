"""How fast it is: environment, update, mutex, GPU, beside other suites."""
