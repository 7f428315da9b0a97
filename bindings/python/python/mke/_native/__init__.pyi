from mke._native import config as config
from mke._native import errors as errors
