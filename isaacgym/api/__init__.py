"""The values that callers make and read: vectors, parameters, properties, enumerations, handles."""
