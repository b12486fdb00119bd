"""What ``train.py`` can do: one module for each verb, and the reading of the command line."""
