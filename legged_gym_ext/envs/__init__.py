"""The environment: a step loop, the managers that turn terms into tensors, and bridges to other libraries."""
